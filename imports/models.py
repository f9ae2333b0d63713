"""The record of every file that somebody brought to the console, and what became of it.

An import is uploaded, then posted once or never. `content` is what was uploaded, byte for byte; it is dropped where
nothing came of it. `results` holds a line for each row as it was decided; money itself is in the ledger's actions.
What the command `import_postings` posts is an import too, which says batch by batch how far it has come; of it neither
content nor results are kept.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.models import User
from backoffice.models.base import Record
from backoffice.reason import LONGEST

PREVIEW_AGE = timedelta(hours=1)
STILL = timedelta(minutes=10)  # without a batch: nobody posts this file any more


class State(models.TextChoices):
    """How far an import has come."""

    PREVIEWED = "previewed", "Waiting for confirmation"
    RUNNING = "running", "Running"
    POSTED = "posted", "Posted"
    UNREADABLE = "unreadable", "Cannot be read"
    STOPPED = "stopped", "Stopped"
    CONTINUED = "continued", "Stopped, then gone on with"
    DISCARDED = "discarded", "Discarded"
    EXPIRED = "expired", "Never confirmed"


class Import(Record):
    """One upload."""

    admin_help_text = (
        "Files of deposits and withdrawals: each upload, who made it and what became of its rows. Add one to see row by "
        "row what it would do; nothing is posted before you confirm."
    )

    State = State

    file_name = models.CharField("file", max_length=255)
    sha256 = models.CharField(
        "SHA-256", max_length=64, db_index=True, help_text="The fingerprint of the file's content."
    )
    format = models.CharField(max_length=6, choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("pkdd99", "PKDD'99")])
    size = models.PositiveBigIntegerField()
    content = models.BinaryField(default=b"", editable=False)
    reason = models.CharField(max_length=LONGEST, default="", help_text="Why it was imported.")
    all_or_nothing = models.BooleanField(default=False, help_text="Post nothing unless every row is fine.")
    state = models.CharField(max_length=10, choices=State, default=State.PREVIEWED)
    problem = models.CharField(max_length=1000, blank=True, help_text="Why the file as a whole cannot be used.")
    rows = models.PositiveIntegerField(default=0)
    posted = models.PositiveIntegerField(default=0)
    already_posted = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    results = models.JSONField(default=list, editable=False)
    entities = ArrayField(models.BigIntegerField(), default=list, editable=False)  # of its accounts
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    created = models.DateTimeField("uploaded", db_default=Now(), editable=False)
    finished = models.DateTimeField("posted at", null=True, editable=False)
    moved = models.DateTimeField("came on", null=True, editable=False, help_text="When its last batch was posted.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ["add", "view"]
        indexes = [
            models.Index(
                fields=["by", "created"], condition=models.Q(state=State.PREVIEWED), name="imports_import_waiting"
            ),
            models.Index(
                fields=["state"],
                condition=models.Q(state__in=["running", "stopped"]),
                name="imports_import_going_on",
            ),
        ]

    def __str__(self) -> str:
        return str(self.file_name)

    @classmethod
    def expire(cls, *, by: User) -> int:
        """Drop what this person uploaded and never confirmed; return how many those were. One query."""
        stale = cls.objects.filter(by=by, state=State.PREVIEWED, created__lt=timezone.now() - PREVIEW_AGE)
        return stale.update(state=State.EXPIRED, content=b"")

    @property
    def is_fresh(self) -> bool:
        """Whether it can still be confirmed."""
        return self.state == State.PREVIEWED and self.created > timezone.now() - PREVIEW_AGE

    @property
    def done(self) -> int:
        """How many rows are decided."""
        return int(self.posted + self.already_posted + self.refused)

    @property
    def stands_still(self) -> bool:
        """Whether it should be running and nothing has come of it for so long that whoever posted it is gone."""
        return self.state == State.RUNNING and (self.moved or self.created) < timezone.now() - STILL

    @property
    def why(self) -> str:
        """The reason of all that it posts, which names the file."""
        return f"Import of {self.file_name}: {self.reason}"[:LONGEST]

    def go_on(self) -> None:
        """Keep that this run goes on with what runs of the same content left. One statement."""
        left = Import.objects.using(self._state.db).filter(sha256=self.sha256, state__in=[State.RUNNING, State.STOPPED])
        left.exclude(pk=self.pk).update(state=State.CONTINUED)

    def earlier_version(self) -> "Import | None":
        """Return the last posted file of the same name and another content: rows it shares would be posted twice."""
        others = Import.objects.filter(state=State.POSTED, file_name=self.file_name, posted__gt=0)
        return others.exclude(sha256=self.sha256).defer("content", "results").first()

    def discard(self) -> None:
        """Drop what will not be confirmed. Wants the row locked."""
        self.state, self.content, self.problem = State.DISCARDED, b"", "It was discarded by who uploaded it."
        self.save(update_fields=["state", "content", "problem"])

    def finish(self, results: list[dict[str, Any]], entities: list[int]) -> None:
        """Keep what became of the rows, and of which entities their accounts are. Wants the row locked."""
        self.results, self.entities = results, entities
        self.refused = sum(bool(row["error"]) for row in results)
        self.already_posted = sum(bool(row["replayed"]) for row in results)
        self.posted = len(results) - self.refused - self.already_posted
        self.state, self.finished = State.POSTED, timezone.now()
        self.save(update_fields=["results", "entities", "refused", "already_posted", "posted", "state", "finished"])
