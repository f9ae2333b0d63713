"""The record of everything that ever happened to an account: one immutable row a posting.

An action is written by `ledger.posting` alone, and comes of a draft (`ledger.draft`). The database gives it its reference and its recording time, checks that
it continues the account where the last one ended, and refuses UPDATE, DELETE and TRUNCATE.
"""

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Self, Unpack

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from audit.facts import UUID7
from backoffice.models.base import Record
from ledger.choices import ActionType, ReferenceType, Status
from ledger.draft import Given, Row
from ledger.posting import Outcome, Posting, post, preview
from ledger.returning import ReturnRequest, returning

if TYPE_CHECKING:
    from ledger.draft import Draft
    from ledger.models.account import Account


def _accounts() -> type["Account"]:
    """Return the model of accounts, which imports this one."""
    from ledger.models.account import Account  # noqa: PLC0415

    return Account


class NewReference(models.Func):
    """The next reference, given out by the database."""

    function = "ledger_new_reference"
    arity = 0
    output_field = models.CharField()


class Action(Record):
    """One posting. `delta` is what it added to the balance; `balance`, `status` and `version` are what it left."""

    admin_help_text = (
        "Everything that ever happened to an account, one line a posting. Nobody can change or delete a line, not even "
        "an administrator; a mistake is mended by a posting in the other direction."
    )

    Type = ActionType
    ReferenceType = ReferenceType

    past_rows = "SELECT * FROM ledger_action WHERE recorded <= %s"  # it never changes: see `audit.asof`

    uid = models.UUIDField("public id", unique=True, editable=False, db_default=UUID7())
    reference = models.CharField(
        max_length=11,
        editable=False,
        db_default=NewReference(),
        help_text="What to quote to the customer and on the phone; a mistyped one is recognised.",
    )
    # No foreign key in the database: the guard that moves the account finds it, and an account is never deleted.
    account = models.ForeignKey(
        "ledger.Account", models.PROTECT, related_name="actions", db_index=False, db_constraint=False
    )
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, related_name="+", db_constraint=False)
    currency = models.CharField(max_length=3)
    type = models.CharField(max_length=16, choices=ActionType)
    delta = models.DecimalField(max_digits=19, decimal_places=4, help_text="Added to the balance; negative is taken.")
    balance = models.DecimalField(max_digits=19, decimal_places=4, help_text="The balance after this action.")
    held_delta = models.DecimalField(
        max_digits=19, decimal_places=4, default=Decimal(0), db_default=Decimal(0), help_text="Added to what is held."
    )
    held = models.DecimalField(
        max_digits=19, decimal_places=4, default=Decimal(0), db_default=Decimal(0), help_text="Held after this action."
    )
    turnover = models.DecimalField(
        max_digits=24,
        decimal_places=4,
        help_text="All that came in and went out until here, what was returned left out.",
    )
    status = models.CharField(max_length=8, choices=Status, help_text="The account's status after this action.")
    version = models.IntegerField(help_text="Counts the account's actions, without a gap.")
    created = models.DateTimeField("when", help_text="When it happened: the business time, given by whoever posted it.")
    latest = models.DateTimeField(help_text="The latest business time of the account's actions until here.")
    recorded = models.DateTimeField(db_default=Now(), editable=False, help_text="When the database wrote it.")
    reference_type = models.CharField(max_length=16, choices=ReferenceType, default=ReferenceType.NONE)
    external_reference = models.CharField(
        max_length=64, blank=True, help_text="How the bank, the cheque or the invoice calls it."
    )
    comment = models.CharField("reason", max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    counterparty = models.ForeignKey(
        "ledger.Account", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False,
        help_text="The other account of a transfer.",
    )  # fmt: skip
    transfer = models.UUIDField(null=True, editable=False, help_text="Shared by the two legs of a transfer.")
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="returns", db_index=False)
    hold = models.ForeignKey(
        "ledger.Hold", models.PROTECT, null=True, related_name="resolutions", db_index=False, db_constraint=False
    )
    expires = models.DateTimeField(null=True, help_text="When a hold ends by itself.")
    approval = models.ForeignKey("ledger.Approval", models.PROTECT, null=True, related_name="+", db_index=False)
    idempotency_key = models.CharField(max_length=100, null=True, editable=False)  # noqa: DJ001  many have none, and unique

    class Meta:
        ordering = ["-id"]
        get_latest_by = "version"
        default_permissions = ["view"]
        permissions = [("reverse", "Can reverse an action"), ("refund", "Can refund a part of an action")]
        constraints = [
            models.UniqueConstraint(fields=["account", "version"], name="ledger_action_account_version"),
            models.UniqueConstraint(
                fields=["entity", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="ledger_action_idempotency_key",
            ),
            models.UniqueConstraint(fields=["reference"], name="ledger_action_reference"),
            models.UniqueConstraint(
                fields=["approval"], condition=models.Q(approval__isnull=False), name="ledger_action_approved_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["external_reference"],
                condition=~models.Q(external_reference=""),
                name="ledger_action_external",
            ),
            models.Index(
                fields=["reverses"], condition=models.Q(reverses__isnull=False), name="ledger_action_reverses"
            ),
            models.Index(
                fields=["transfer"], condition=models.Q(transfer__isnull=False), name="ledger_action_transfer"
            ),
            models.Index(
                fields=["account", "created"],
                condition=models.Q(created__lt=models.F("latest")),
                name="ledger_action_backdated",
            ),
        ]

    replayed = False  # true on what a repeated request returns: the first result, not a second one

    told_by = ("reference",)

    def __str__(self) -> str:
        return str(self.reference)

    def counterparts(self) -> list["Action"]:
        """Return the other leg of a transfer, in a list; nothing for other actions. One query."""
        if self.transfer is None:
            return []
        legs = Action.objects.using(self._state.db).filter(transfer=self.transfer).exclude(pk=self.pk)
        return list(legs.select_related("account"))

    @classmethod
    def reverse(cls, *, using: str = "default", **request: Unpack[ReturnRequest]) -> list["Action"]:
        """Take back an action as a whole, once; of a transfer both legs. Keywords `uid` (the action's), `by, asof, comment`.

        Returns the new actions, the one on the action's own account first. Locks the accounts, then one slot of the cap.

        Raises:
            UnknownAction: no action has this uid.
            AlreadyReversed, NotReversible, ReasonRequired: the action cannot be reversed, or not without a reason.
            LedgerError: the rule that a reversal would break; nothing has changed then.
        """
        return cls._post(returning(cls, [request], using=using), using)

    @classmethod
    def refund(cls, *, amount: Decimal, using: str = "default", **request: Unpack[ReturnRequest]) -> list["Action"]:
        """Give back a part of an action, never more in all than it was; keywords and errors else as in `reverse`.

        Raises:
            ExceedsOriginal: all refunds together would be more than the action.
        """
        return cls._post(returning(cls, [request], amount=amount, using=using), using)

    @classmethod
    def reverse_preview(cls, *, using: str = "default", **request: Unpack[ReturnRequest]) -> Outcome:
        """Return what `reverse` would do now, or the error it would raise; nothing is locked or written."""
        return preview(_accounts(), returning(cls, [request], using=using), using=using)[0]

    @classmethod
    def refund_preview(cls, *, amount: Decimal, using: str = "default", **request: Unpack[ReturnRequest]) -> Outcome:
        """Return what `refund` would do now, or the error it would raise; nothing is locked or written."""
        return preview(_accounts(), returning(cls, [request], amount=amount, using=using), using=using)[0]

    @classmethod
    def _post(cls, postings: list[Posting], using: str) -> list["Action"]:
        [outcome] = post(_accounts(), postings, using=using)
        outcome.unwrap()
        return outcome.legs()

    @classmethod
    def of(cls, draft: "Draft") -> Self:
        """Return the action of a draft, written or not.

        By position and not by keyword, which Django takes three times as long for.
        """
        values = dict(zip(Row._fields, draft.row, strict=True))
        if draft.given:
            values.update(zip(Given._fields, draft.given, strict=True))
        action = cls(*map(values.get, cls._columns()))
        action._state.adding = draft.given is None
        if draft.account and draft.posting:
            action._state.db = draft.account._state.db
            action._state.fields_cache |= {"account": draft.account, "by": draft.posting.by}
        return action

    @classmethod
    @cache
    def _columns(cls) -> list[str]:
        return [field.attname for field in cls._meta.concrete_fields]

    def answers(self, posting: Posting, account: "Account", other: "Account | None") -> bool:
        """Say whether this action is what the posting asks for, so that its key may return it."""
        moved = abs(self.held_delta if self.type == ActionType.HELD else self.delta)
        told = (self.type, moved, self.reference_type, self.external_reference, self.comment, self.expires)
        asked = (
            posting.type, posting.amount, posting.reference_type, posting.reference, posting.comment,
            posting.expires,
        )  # fmt: skip
        return told == asked and self.account_id == account.id and self._speaks_of(posting, other)

    def _speaks_of(self, posting: Posting, other: "Account | None") -> bool:
        """Say whether the posting names the same account, action and hold beside its own."""
        counterparty = other.id if other else posting.counter.account_id if posting.counter else None
        return (self.counterparty_id, self.reverses_id, self.hold_id) == (
            counterparty,
            posting.reverses.pk if posting.reverses else None,
            posting.hold.pk if posting.hold else None,
        )
