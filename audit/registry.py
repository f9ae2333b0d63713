"""Every type of event there is: how it reads, when it is written and what its data holds.

docs/audit.md lists them; a test compares. A sentence is completed with what the event holds: `{who}`, `{object}` (in
words, as a link), `{looked}` (by which page) and `{more}`, which `audit.sentences` makes from the event's data.
"""

from dataclasses import dataclass
from typing import Any

from audit import schemas


class UnknownEventType(LookupError):
    """An event of a type that is not registered here."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: its name, its sentence, when it is written, and the schema of its data."""

    name: str
    sentence: str
    written: str
    schema: Any = schemas.Nothing

    @property
    def fields(self) -> str:
        """The fields of its data, for people."""
        return schemas.described(self.schema)


_TYPES = (
    EventType("page.viewed", "{who} looked at {more}", "a page of the console that is about no object was shown", schemas.Page),
    EventType("list.viewed", "{who} looked through {object}{more}", "a list was shown; with what was searched for", schemas.Page),
    EventType("object.viewed", "{who} {looked} {object}{more}", "a page about one object was shown", schemas.Page),
    EventType("export.downloaded", "{who} downloaded {object}{more}", "a file was handed out", schemas.Download),
    EventType("log.viewed", "{who} read the event log{more}", "the event log itself was read, or one of its events", schemas.Page),
    EventType("search.saved", "{who} kept a view{more}", "somebody kept a view of a list, or a team's", schemas.Search),
    EventType("search.deleted", "{who} deleted a view{more}", "somebody gave up a view of a list", schemas.Search),
    EventType("login.succeeded", "{who} logged in", "somebody logged in"),
    EventType("login.failed", "Somebody failed to log in as {who}", "a login was refused; never with the password, nor with a name that nobody has", schemas.FailedLogin),
    EventType("login.locked_out", "{who} was locked out", "a login was refused and was one too many; the lock ends by itself", schemas.FailedLogin),
    EventType("login.lockout_lifted", "{who} lifted the lock-out of {more}", "an administrator let somebody try again at once", schemas.Lockout),
    EventType("login.repeated", "{who} logged in again", "somebody gave a password or second factor again, before something dangerous"),
    EventType("factor.added", "{who} set up a second factor: {more}", "an authenticator app, a security key or recovery codes were set up", schemas.Factor),
    EventType("factor.removed", "{who} took off a second factor: {more}", "one of these was taken off, or recovery codes were replaced", schemas.Factor),
    EventType("factor.failed", "{who} gave a wrong second factor: {more}", "a code or a key was wrong; it counts like a wrong password", schemas.Factor),
    EventType("factor.recovery_code_used", "{who} used a recovery code{more}", "a recovery code stood in for the second factor", schemas.RecoveryCode),
    EventType("session.revoked", "{who} ended a session{more}", "somebody ended another session of their own", schemas.Session),
    EventType("password.changed", "{who} set a new password of {object}", "somebody set a new password of their own"),
    EventType("password.invited", "{who} sent {object} a link to set a password{more}", "somebody was made staff, got another address or was sent a link; their password, if any, ended", schemas.Notice),
    EventType("password.reset_requested", "{who} asked for a way to set a new password", "the form for forgotten passwords was sent; never with an address that nobody has", schemas.FailedLogin),
    EventType("password.reset", "{who} set a new password by e-mail", "the link in that e-mail was used"),
    EventType("logout", "{who} logged out", "somebody logged out"),
    EventType("access.refused", "{who} was refused {more}", "a page was answered with 403, or an object was asked for by its number that is not there or not for them", schemas.Refusal),
    EventType("command.refused", "{who} tried on {object}: {more}", "the ledger refused all that a command page asked for", schemas.RefusedCommand),
    EventType("right.given", "{who} gave {object} {more}", "somebody was put into a group, or given a permission or an entity", schemas.Right),
    EventType("right.taken", "{who} took from {object} {more}", "a group, a permission or an entity was taken away", schemas.Right),
    EventType("change.created", "{who} created {object}{more}", "a captured row was inserted, by whatever statement", schemas.Created),
    EventType("change.updated", "{who} changed {object}{more}", "a captured row, or what it links to, was changed", schemas.Updated),
    EventType("change.deleted", "{who} deleted {object}{more}", "a captured row was really deleted", schemas.Deleted),
    EventType("ledger.posted", "{who} posted on {object}{more}", "an action was posted", schemas.Posted),
    EventType("account.rechecked", "{who} had {object} rechecked: {more}", "the box on an account's form was ticked, and it was compared with its actions", schemas.Recheck),
    EventType("account.notified", "{who} wrote to the customer of {object}{more}", "the box on an account's form was ticked; an e-mail was sent, or could not be", schemas.Notice),
    EventType("approval.requested", "{who} asked for this: {object}{more}", "approval of something was asked for", schemas.Approval),
    EventType("approval.approved", "{who} approved: {object}{more}", "somebody else approved it, and it was carried out", schemas.Approval),
    EventType("approval.failed", "{who} approved, and it failed: {object}{more}", "it was approved, and a rule refused it", schemas.Approval),
    EventType("approval.rejected", "{who} rejected: {object}{more}", "somebody else turned it down", schemas.Approval),
    EventType("approval.cancelled", "{who} took back: {object}{more}", "who had asked took it back", schemas.Approval),
    EventType("approval.expired", "Nobody decided in time: {object}{more}", "it expired, which `expire_due` or the next one to look found", schemas.Approval),
    EventType("grant.requested", "{who} asked for this: {object}{more}", "somebody asked that a right be given or taken, or an entity moved", schemas.Grant),
    EventType("grant.approved", "{who} approved: {object}{more}", "somebody else approved that, and it was done", schemas.Grant),
    EventType("grant.rejected", "{who} rejected: {object}{more}", "somebody else turned that down", schemas.Grant),
    EventType("grant.cancelled", "{who} took back: {object}{more}", "who had asked took it back", schemas.Grant),
    EventType("grant.expired", "Nobody decided in time: {object}{more}", "that expired, which `expire_due` or the next one to look found", schemas.Grant),
    EventType("audit.key_rotated", "The key that seals this log was replaced{more}", "the command `audit_rotate_key` ended a key", schemas.Rotation),
    EventType("audit.erased", "{who} erased what events told of {object}{more}", "the command `audit_erase` removed payloads", schemas.Erasure),
    EventType("audit.archived", "Months of this log were moved to files{more}", "the command `audit_retention` detached a month", schemas.Archive),
    EventType("record.forged", "Somebody put an event into the outbox that only sealing writes{more}", "a row of the outbox bore a type that begins with `audit.`, which no code of ours leaves there", schemas.Forged),
    EventType("import.uploaded", "{who} uploaded {object}{more}", "a file of postings was brought", schemas.ImportedFile),
    EventType("import.posted", "{who} posted {object}{more}", "a file of postings was posted", schemas.ImportedFile),
    EventType("import.discarded", "{who} discarded {object}{more}", "who had uploaded a file did not want it posted", schemas.ImportedFile),
    EventType("import.stopped", "{object} came to a stop{more}", "the command `import_postings` could not go on with a file", schemas.ImportedFile),
    EventType("import.unreadable", "{who} brought {object}, which cannot be read{more}", "a file of postings could not be used as a whole", schemas.ImportedFile),
    EventType("import.scanned_out", "{who} brought {object}, which the scanner refused{more}", "UPLOAD_SCAN_COMMAND did not say that a file is fine", schemas.ImportedFile),
    EventType("books.verified", "The ledger was verified{more}", "the command `ledger_verify` ended", schemas.Verified),
    EventType("bulk.confirmed", "{who} confirmed: {object}{more}", "a command on several objects was confirmed", schemas.BulkRun),
    EventType("bulk.finished", "A run came to its end: {object}{more}", "the last object of such a run was done with", schemas.BulkRun),
    EventType("bulk.stopped", "{who} stopped a run: {object}{more}", "somebody had what was left of such a run left out", schemas.BulkRun),
    EventType("bulk.failed", "A run failed too often and waits: {object}{more}", "a run could not go on, by a failure and not by a rule", schemas.BulkRun),
    EventType("bulk.resumed", "{who} had a run go on: {object}{more}", "somebody had it tried again", schemas.BulkRun),
    EventType("review.asked", "{who} asked that {object} be reviewed", "the box on an account's form was ticked; with the reason of the form"),
    EventType("alert.opened", "An alert: {more}", "a rule found something that a person should look at", schemas.AlertData),
    EventType("alert.acknowledged", "{who} acknowledged an alert: {more}", "somebody looked at an alert, with what they found as the reason", schemas.AlertData),
    EventType("delivery.retried", "{who} had an event sent again{more}", "a delivery that had been given up was put back", schemas.Delivery),
)  # fmt: skip
BY_THE_DATABASE = ("change.", "ledger.", "audit.", "record.")  # no code of the site can write these

TYPES: dict[str, EventType] = {kind.name: kind for kind in _TYPES}


def event_type(name: str) -> EventType:
    """Return a registered type.

    Raises:
        UnknownEventType: nobody has registered it.
    """
    try:
        return TYPES[name]
    except KeyError:
        raise UnknownEventType(f"No event type {name} is registered in audit/registry.py.") from None
