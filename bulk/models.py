"""A run: one command on several objects, as somebody confirmed it, with a row for each object and what became of it.

Invariants, those of the second line by the database itself (`0001_initial.sql`):
- one run for one form of one person: confirming again finds the first;
- what was confirmed never changes, and a row is settled once.

`total` is `posted + asked + refused` and what is still waiting. Callers: `ledger.admin.commands.several` makes runs,
`bulk.working` does their rows.
"""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.models.base import Record
from backoffice.reason import LONGEST

SETTLED = ("id", "state", "code", "text", "action_id", "approval_id")
# As one statement of arrays: bulk_update makes an expression of each value, which takes as long as the postings.
SETTLE = """
    UPDATE bulk_row r SET state = u.state, code = u.code, text = u.text, action_id = u.action, approval_id = u.approval
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
        u (id, state, code, text, action, approval) WHERE r.id = u.id
"""


class State(models.TextChoices):
    """How far a run has come."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"


class Result(models.TextChoices):
    """What became of an object."""

    WAITING = "waiting", "Waiting"
    POSTED = "posted", "Posted"
    ASKED = "asked", "Asked for approval"
    REFUSED = "refused", "Left out"


class Run(Record):
    """One confirmation."""

    admin_help_text = (
        "Commands on several objects at once: who confirmed them, and what became of each object. A long one goes on "
        "behind the scenes, also when nobody looks."
    )

    State = State

    key = models.UUIDField(default=uuid.uuid4, editable=False, help_text="Of the form that was confirmed.")
    command = models.CharField(max_length=20, help_text="Its name, such as deposit.")
    what = models.CharField(max_length=200, help_text="What is done, in words.")
    subject = models.CharField(max_length=20, help_text="The model of its objects, such as account.")
    selection = models.CharField("of", max_length=500, help_text="Which objects, in words.")
    matching = models.BooleanField(
        default=False, help_text="Whether all that the filter found, or what was chosen by hand."
    )
    query = models.CharField("filter", max_length=2000, blank=True, help_text="As the list's address has it.")
    asked = models.JSONField(default=dict, editable=False, help_text="The form, as it was sent.")
    reason = models.CharField(max_length=LONGEST)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    request_id = models.CharField(max_length=100, editable=False, help_text="Of the request that confirmed it.")
    entities = ArrayField(models.BigIntegerField(), default=list, editable=False)  # of its objects
    total = models.PositiveIntegerField("rows")
    posted = models.PositiveIntegerField(default=0)
    asked_for = models.PositiveIntegerField("for approval", default=0)
    refused = models.PositiveIntegerField("left out", default=0)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    problem = models.CharField(max_length=1000, blank=True, help_text="Why it does not go on.")
    created = models.DateTimeField("confirmed", db_default=Now(), editable=False)
    due = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When its next rows are done at the earliest."
    )
    tries = models.PositiveSmallIntegerField(default=0, editable=False, help_text="That failed one after the other.")
    finished = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "bulk run"
        ordering = ["-id"]
        default_permissions = ["view"]
        permissions = [("stop_run", "Can stop a bulk run")]
        constraints = [models.UniqueConstraint(fields=["by", "key"], name="bulk_run_once")]
        indexes = [
            models.Index(fields=["due"], condition=models.Q(state=State.RUNNING), name="bulk_run_due"),
            models.Index(fields=["-id"], condition=models.Q(state=State.FAILED), name="bulk_run_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.what}: {self.selection}"

    @property
    def settled(self) -> int:
        """How many rows are done with."""
        return self.posted + self.asked_for + self.refused

    @property
    def facts(self) -> dict[str, Any]:
        """What events tell of it."""
        told: dict[str, Any] = {
            "command": self.command,
            "what": self.what,
            "selection": self.selection,
            "rows": self.total,
        }
        return told | {"posted": self.posted, "asked": self.asked_for, "refused": self.refused}

    def next_rows(self, most: int) -> "list[Row]":
        """Return rows that wait, in ascending order of their objects. One query."""
        return list(self.rows.filter(state=Result.WAITING).order_by("object_id")[:most])

    def settle(self, rows: "Sequence[Row]") -> None:
        """Keep what became of rows, and end with the last. Wants the run locked; two queries."""
        with connections[self._state.db or "default"].cursor() as cursor:
            cursor.execute(SETTLE, [[getattr(row, name) for row in rows] for name in SETTLED])
        self.posted += sum(row.state == Result.POSTED for row in rows)
        self.asked_for += sum(row.state == Result.ASKED for row in rows)
        self.refused += sum(row.state == Result.REFUSED for row in rows)
        self.due, self.tries, self.problem = timezone.now(), 0, ""
        if self.settled == self.total:
            self.state, self.finished = State.DONE, timezone.now()
        self.save(update_fields=["posted", "asked_for", "refused", "due", "tries", "problem", "state", "finished"])

    def stop(self, text: str) -> None:
        """Leave out all rows that wait, for this reason. Wants the run locked; two queries."""
        waiting = self.rows.filter(state=Result.WAITING)
        self.refused += waiting.update(state=Result.REFUSED, code="stopped", text=text)
        self.state, self.finished = State.STOPPED, timezone.now()
        self.save(update_fields=["refused", "state", "finished"])


class Row(Record):
    """One object of a run. What it says is kept as it was at the time."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="rows", db_index=False)
    object_id = models.BigIntegerField(editable=False)
    account = models.ForeignKey("ledger.Account", models.PROTECT, related_name="+", db_index=False)
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=Result, default=Result.WAITING)
    code = models.CharField(max_length=40, blank=True, help_text="The rule that left it out.")
    text = models.CharField(max_length=1000, blank=True, help_text="The rule's sentence.")
    action = models.ForeignKey("ledger.Action", models.PROTECT, null=True, related_name="+", db_index=False)
    approval = models.ForeignKey("ledger.Approval", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        default_permissions: ClassVar[Sequence[str]] = []
        constraints = [models.UniqueConstraint(fields=["run", "object_id"], name="bulk_row_once")]
        indexes = [models.Index(fields=["run", "state", "object_id"], name="bulk_row_state")]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.object_id}"

    @property
    def key(self) -> str:
        """The idempotency key of its posting: whatever is tried again posts once."""
        return f"bulk:{self.run_id}:{self.object_id}"

    def refuse(self, code: str, text: str) -> None:
        """Leave it out."""
        self.state, self.code, self.text = Result.REFUSED, code, text[:1000]
