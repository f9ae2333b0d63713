"""Events and the outbox they leave by.

- `Event` lives in the `audit` database, a partition a month: the app role reads, the relay's adds, together with the
  `Seal` of the block that the event is in; nobody changes, deletes or empties, but for `audit_erase`. `SealKey` names the
  keys that signed, `Verification` what audit_verify found.
- `Outbox` lives beside the data, in `default` and in `sandbox`: an event is written in the transaction it tells of, by
  triggers and by `audit_record()`; the relay moves it over. The app role can only read it.
No foreign keys: an event outlives what it speaks of, and the event store knows no other table.
"""

from django.db import models

from audit import facts
from audit.follow_up import Alert, Cursor, DeadLetter
from backoffice.said import told

__all__ = ["Alert", "Cursor", "DeadLetter", "Event", "Outbox"]


class TransactionIdField(models.Field):  # type: ignore[type-arg]  # generic in the stubs only
    """PostgreSQL's xid8: never wraps around."""

    def db_type(self, connection: object) -> str:
        return "xid8"


class Event(models.Model):
    """One thing that somebody saw, did, or was refused."""

    admin_help_text = (
        "What was seen, done and refused, by whom and when. Nobody can change or delete a line, not even an administrator; "
        "reading this log is written into it too."
    )

    id = models.UUIDField(primary_key=True)
    created = models.DateTimeField("when")
    type = models.TextField()
    user_id = models.BigIntegerField(null=True, verbose_name="user")
    username = models.TextField("who", blank=True)
    entity_id = models.BigIntegerField(null=True, verbose_name="entity")
    object_type = models.TextField(blank=True, help_text="app.model")
    object_id = models.TextField(blank=True)
    request_id = models.TextField(blank=True, verbose_name="request")
    method = models.TextField(blank=True)
    path = models.TextField(blank=True)
    status = models.SmallIntegerField(null=True, help_text="HTTP's number for the answer.")
    ip = models.GenericIPAddressField(null=True, verbose_name="address")
    browser = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    success = models.BooleanField(default=True)
    data = models.JSONField(default=dict)
    # What sealing adds: where the event stands, and the hash of all of the above.
    block = models.BigIntegerField(editable=False)
    position = models.IntegerField(editable=False)
    leaf = models.BinaryField(editable=False)
    erased = models.DateTimeField(null=True, editable=False, help_text="When what it told of a person was removed.")

    class Meta:
        ordering = ["-created", "-id"]
        default_permissions = ["view"]
        permissions = [("view_personal", "Can see personal values in the record")]
        indexes = [
            models.Index(fields=["-created", "-id"], name="audit_event_created"),
            models.Index(fields=["object_type", "object_id", "-created"], name="audit_event_object"),
            models.Index(fields=["user_id", "-created"], name="audit_event_user"),
            models.Index(fields=["entity_id", "-created"], name="audit_event_entity"),
            models.Index(fields=["username", "-created"], name="audit_event_username"),
            models.Index(fields=["type", "-created"], name="audit_event_type"),
            models.Index(fields=["request_id"], name="audit_event_request", condition=~models.Q(request_id="")),
            models.Index(fields=["-created"], name="audit_event_refused", condition=models.Q(success=False)),
            models.Index(fields=["block", "position"], name="audit_event_block"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {told(self.created)}"


class Seal(models.Model):
    """A block of events: what the chain and the signature are made of (`audit.chain`)."""

    admin_help_text = (
        "Events are sealed in blocks, each with the hash of the one before it and a signature. Whoever changes, removes or "
        "adds an event afterwards, with whatever rights, breaks a seal; audit_verify says which."
    )

    number = models.BigIntegerField("block", primary_key=True)
    created = models.DateTimeField("sealed")
    month = models.DateField(help_text="Of its events, in UTC.")
    count = models.IntegerField("events")
    ids = models.BinaryField(help_text="16 bytes an event, in order.")
    leaves = models.BinaryField(help_text="32 bytes an event, in order.")
    root = models.BinaryField()
    previous = models.BinaryField()
    hash = models.BinaryField()
    key = models.TextField()
    signature = models.BinaryField()

    class Meta:
        ordering = ["-number"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"Block {self.number}"


class SealKey(models.Model):
    """A key that signs, or signed, blocks from one block on."""

    id = models.TextField(primary_key=True)
    public = models.TextField(help_text="Ed25519, in hexadecimal.")
    from_block = models.BigIntegerField(unique=True)
    signed_by = models.TextField()
    signature = models.TextField()

    class Meta:
        db_table = "audit_key"
        default_permissions = []

    def __str__(self) -> str:
        return self.id


class Verification(models.Model):
    """A run of audit_verify and what it found."""

    admin_help_text = (
        "When audit_verify last looked at the event store, and what it found. Verify from another machine too, with heads that "
        "were kept there: what stands here was written on the server of the store itself."
    )

    created = models.DateTimeField("ended")
    seconds = models.FloatField()
    since = models.DateTimeField("blocks sealed since", null=True)
    events = models.BigIntegerField()
    blocks = models.BigIntegerField()
    findings = models.JSONField()
    head = models.TextField("last block", help_text="Number and hash of the last block that was verified.")

    class Meta:
        ordering = ["-created", "-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"Verification {told(self.created)}"


class Outbox(models.Model):
    """An event on its way; the same columns, and the transaction that wrote it."""

    id = models.UUIDField(primary_key=True, db_default=facts.UUID7())
    created = models.DateTimeField(db_default=facts.Clock())
    type = models.TextField()
    user_id = models.BigIntegerField(null=True, db_default=facts.Actor())
    username = models.TextField(db_default=facts.Fact(setting="backoffice.username"))
    entity_id = models.BigIntegerField(null=True)
    object_type = models.TextField(db_default="")
    object_id = models.TextField(db_default="")
    request_id = models.TextField(db_default=facts.Fact(setting="backoffice.request_id"))
    method = models.TextField(db_default=facts.Fact(setting="backoffice.method"))
    path = models.TextField(db_default=facts.Fact(setting="backoffice.path"))
    status = models.SmallIntegerField(null=True)
    ip = models.GenericIPAddressField(null=True, db_default=facts.Address())
    browser = models.TextField(db_default=facts.Fact(setting="backoffice.browser"))
    reason = models.TextField(db_default=facts.Fact(setting="backoffice.reason"))
    success = models.BooleanField(db_default=True)
    data = models.JSONField(db_default={})
    xid = TransactionIdField(db_default=facts.TransactionId(), editable=False)

    class Meta:
        default_permissions = []
        verbose_name_plural = "outbox"

    def __str__(self) -> str:
        return f"{self.type} on its way"
