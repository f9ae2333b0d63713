"""What colleagues write down about an account for each other, and whom a note calls.

Notes are added and never changed; the database sees to it, and that nobody signs for somebody else. `Account.note` is the one
that is pinned above the page and beside every command, and replaced as things change. A note calls people by their user
names (`@lead`, see `ledger.mentions`): each of them finds it waiting until he has answered by a note of his own on the account,
or put it away.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.capture import captured
from backoffice.models import User
from backoffice.models.base import Record
from ledger import mentions
from ledger.errors import InvalidText
from ledger.models.account import Account
from ledger.shape import check_text, check_user

LONGEST = 2_000


class Note(Record):
    """A note on an account, by its author and time."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="notes", db_index=False)
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, related_name="+", db_index=False)
    text = models.TextField(max_length=LONGEST)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    created = models.DateTimeField(db_default=Now(), editable=False)

    history = captured()

    erased_fields = ("text",)  # see `audit.erasing`
    erased_with: ClassVar[dict[str, str]] = {"ledger.account": "account_id", "backoffice.user": "account__user_id"}

    class Meta:
        ordering = ["-id"]
        default_permissions = []
        indexes = [models.Index(fields=["account", "-id"], name="ledger_note_account")]

    def __str__(self) -> str:
        return self.text

    @classmethod
    def write(cls, *, account: Account, text: str, by: User, using: str = "default") -> "Note":
        """Add a note, and call whom it names; what had called its author on this account is answered by it.

        Raises:
            InvalidText: it is empty, too long, or holds what cannot be stored.
            UnknownMention: it calls somebody whom it would not reach.
        """
        text = text.strip()
        check_user(by)
        check_text(text, "note", LONGEST)
        if not text:
            raise InvalidText("The note is empty.", why="empty")
        people = mentions.called(text, account, using=using)
        with transaction.atomic(using=using):
            note = cls(account=account, entity_id=account.entity_id, text=text, by=by)
            note.save(using=using, force_insert=True)
            Mention.objects.using(using).bulk_create(
                Mention(note=note, entity_id=note.entity_id, person=person) for person in people if person != by
            )
            Mention.put_away(account=account, person=by, using=using)
        return note


class Mention(Record):
    """Somebody whom a note calls; `done` says since when it waits no more."""

    note = models.ForeignKey(Note, models.PROTECT, related_name="mentions")
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    done = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["note", "person"], name="ledger_mention_once")]
        indexes = [
            models.Index(fields=["person", "-id"], condition=models.Q(done__isnull=True), name="ledger_mention_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.note}"

    @classmethod
    def waiting(cls, person: User, *, using: str = "default") -> models.QuerySet["Mention"]:
        """Return what waits for a person, the latest first, with note, author and account. One query, by index."""
        waiting = cls.objects.using(using).filter(person=person, done=None)
        return waiting.select_related("note__by", "note__account__user", "note__account__entity").order_by("-id")

    @classmethod
    def put_away(cls, *, account: Account, person: User, using: str = "default") -> int:
        """Let nothing on the account wait for the person any more; return how much did."""
        waiting = cls.objects.using(using).filter(person=person, done=None, note__account=account)
        return waiting.update(done=timezone.now())
