"""What follows from events: how far each subscriber has come, what was given up, alerts.

All of it lives in the event store and knows no other table: people are numbers here, with their names beside them.
Cursors, dead letters and alerts are the relay's role's, which brings events to subscribers; the site reads them,
acknowledges an alert, puts a dead letter back, and nothing else (audit/migrations/sql/0010_follow_up.sql).
"""

from django.db import models
from django.db.models.functions import Now


class Cursor(models.Model):
    """How far a subscriber has come in the chain of blocks, and how often it failed on the event that is next."""

    subscriber = models.CharField(primary_key=True, max_length=60)
    block = models.BigIntegerField()
    position = models.IntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        default_permissions = []

    def __str__(self) -> str:
        return str(self.subscriber)


class DeadLetter(models.Model):
    """An event that a subscriber did not take however often it was tried."""

    admin_help_text = (
        "What could not be delivered: the subscriber went on without it after the last attempt. Try it again when the "
        "other side is mended."
    )

    class State(models.TextChoices):
        """What becomes of it."""

        GIVEN_UP = "given_up", "Given up"
        WAITING = "waiting", "Waiting to be sent again"
        DELIVERED = "delivered", "Delivered later"

    subscriber = models.CharField(max_length=60)
    event_id = models.UUIDField("event")
    type = models.TextField()
    attempts = models.PositiveSmallIntegerField()
    error = models.TextField(help_text="What the last attempt ended with.")
    state = models.CharField(max_length=10, choices=State, default=State.GIVEN_UP)
    created = models.DateTimeField("given up at", db_default=Now())
    modified = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view"]
        permissions = [("retry_delivery", "Can have a delivery tried again")]
        constraints = [models.UniqueConstraint(fields=["subscriber", "event_id"], name="audit_deadletter_once")]

    def __str__(self) -> str:
        return f"{self.type} to {self.subscriber}"


class Alert(models.Model):
    """Something that a rule found and a person should look at."""

    admin_help_text = (
        "What a rule found in the events: somebody who looks at too many customers, a write past the console. Look into "
        "it, then acknowledge it and say what it was."
    )

    class State(models.TextChoices):
        """Whether somebody has looked."""

        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"

    rule = models.CharField(max_length=60)
    key = models.CharField(max_length=200, editable=False, help_text="What makes it one alert and not another.")
    text = models.TextField("what")
    user_id = models.BigIntegerField(null=True)
    username = models.TextField("who", blank=True)
    entity_id = models.BigIntegerField("entity", null=True)  # none: several, or no entity's matter
    event_id = models.UUIDField("event", null=True, help_text="None where audit_verify raised it.")
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    created = models.DateTimeField("when", db_default=Now())
    acknowledged = models.DateTimeField(null=True)
    acknowledged_by = models.TextField(blank=True)
    told = models.DateTimeField(null=True, editable=False, help_text="When it was recorded as an event.")
    reason = models.TextField(blank=True, help_text="What it was, in the words of whoever acknowledged it.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view"]
        permissions = [("acknowledge_alert", "Can acknowledge an alert")]
        constraints = [models.UniqueConstraint(fields=["rule", "key"], name="audit_alert_once")]
        indexes = [
            models.Index(fields=["-id"], name="audit_alert_open", condition=models.Q(state="open")),
            models.Index(fields=["id"], name="audit_alert_untold", condition=models.Q(told=None)),
        ]

    def __str__(self) -> str:
        return self.text
