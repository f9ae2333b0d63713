"""What is not captured, and why: a test refuses a model that is neither captured nor named here.

A captured model says `history = captured()`; see `audit.capture`.
"""

UNCAPTURED = {
    "account.EmailAddress": "is not used: people have one address, on their own row",
    "account.EmailConfirmation": "is not used, as above",
    "admin.LogEntry": "Django's own log of form saves, which nothing shows: ours is the record",
    "audit.Alert": "is opened and acknowledged by events",
    "audit.Cursor": "is how far a subscriber has come",
    "audit.DeadLetter": "is an event that could not be delivered; trying again is an event",
    "audit.Event": "is the record",
    "audit.Outbox": "is the record on its way",
    "audit.Seal": "is the record's proof",
    "audit.SealKey": "is the record's proof, and every rotation is an event",
    "audit.Verification": "is only added to, by audit_verify",
    "auth.Permission": "is made by migrations from the code",
    "axes.AccessAttempt": "counts failed logins, which are events, and forgets them after minutes",
    "axes.AccessAttemptExpiration": "is not used: all lock-outs last equally long",
    "axes.AccessFailureLog": "is not used: failed logins are events",
    "axes.AccessLog": "is not used: logins are events",
    "backoffice.ListChoice": "is how somebody likes a list",
    "backoffice.SavedView": "is a reader's own or a team's; keeping and deleting it are events",
    "contenttypes.ContentType": "is made by migrations from the code",
    "guardian.GroupObjectPermission": "is not used: grants are GroupGrant",
    "guardian.UserObjectPermission": "is not used: grants are PersonGrant",
    "imports.Import": "is only added to, and every posting of it is an action",
    "ledger.Action": "is immutable, and every one is an event",
    "ledger.Hold": "follows from its actions, which place and resolve it",
    "ledger.Headroom": "follows from caps and actions, and moves with each posting",
    "ledger.Mention": "follows from its note, which is captured; that it waits no more is the reader's own",
    "ledger.Refusal": "is only added to",
    "mfa.Authenticator": "holds the secrets of second factors; setting up, taking off and using them are events",
    "sandbox.Refresh": "is only added to, by sandbox_refresh",
    "sessions.Session": "holds who is logged in; logins and logouts are events, and its keys are secrets",
    "usersessions.UserSession": "tells people of their sessions, by keys that are secrets",
}
