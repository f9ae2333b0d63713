"""A customer's account and the only door to its money.

An account row is what its actions left behind: `balance`, `status`, `version` and `modified` are written by the database
when an action is inserted, never by `save()`. The classmethods lock the accounts they touch in ascending id, check the
rules (`ledger.rules`), write the record (`ledger.posting`) and return fresh objects.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Unpack

from django.conf import settings
from django.db import models

from audit.capture import captured
from backoffice.models import Entity, User
from backoffice.models.base import Record
from ledger import asof as moments
from ledger.choices import ActionType, Clock, ReferenceType, Status
from ledger.models.action import Action
from ledger.models.standing import stand
from ledger.money import LARGEST
from ledger.opening import Opening, open_accounts
from ledger.posting import MoneyRequest, Outcome, Posting, StatusRequest, TransferRequest, post, preview
from ledger.statement import Statement


class Account(Record):
    """A customer's account. Amounts are in units of `currency`, with at most the decimals it has."""

    admin_help_text = "A customer has one account at most. Its balance changes by postings alone, and each of them stays in the record."

    Status = Status

    uid = models.UUIDField(
        "public id", unique=True, default=uuid.uuid4, editable=False, help_text="What other systems call it by."
    )
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="account")
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, related_name="accounts")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN, editable=False)
    balance = models.DecimalField(max_digits=19, decimal_places=4, default=Decimal(0), editable=False)
    held = models.DecimalField(
        max_digits=19, decimal_places=4, default=Decimal(0), db_default=Decimal(0), editable=False,
        help_text="Part of the balance that pending holds keep.",
    )  # fmt: skip
    turnover = models.DecimalField(
        max_digits=24, decimal_places=4, default=Decimal(0), db_default=Decimal(0), editable=False,
        help_text="All that ever came in and went out, what was returned left out.",
    )  # fmt: skip
    version = models.IntegerField("actions", default=0, editable=False, help_text="How many actions it has.")
    created = models.DateTimeField("opened", editable=False)
    modified = models.DateTimeField("last movement", editable=False, help_text="The business time of the last action.")
    latest = models.DateTimeField(editable=False, help_text="The latest business time of any action.")

    note = models.TextField(
        blank=True, max_length=2000, help_text="What colleagues should know before they act; customers never see it."
    )

    # What postings move is in the actions, which are its history: a posting writes no historical row.
    history = captured(without=["balance", "held", "turnover", "version", "modified", "latest"], complete=stand)

    erased_fields = ("note",)  # see `audit.erasing`
    erased_with: ClassVar[dict[str, str]] = {"ledger.account": "id", "backoffice.user": "user_id"}

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view", "change"]
        permissions = [
            ("deposit", "Can deposit to an account"),
            ("withdraw", "Can withdraw from an account"),
            ("transfer", "Can transfer between accounts"),
            ("hold", "Can place, capture and release holds"),
            ("freeze", "Can freeze an account"),
            ("unfreeze", "Can unfreeze an account"),
            ("close", "Can close an account"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(balance__gte=0) & models.Q(balance__lt=LARGEST),
                name="ledger_account_balance_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(held__gte=0) & models.Q(held__lte=models.F("balance")),
                name="ledger_account_held_is_covered",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=Status.CLOSED) | models.Q(balance=0), name="ledger_account_closed_is_empty"
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "-id"], condition=~models.Q(status=Status.OPEN), name="ledger_account_not_open"
            )
        ]

    told_by = ("user", "entity", "currency")

    def __str__(self) -> str:
        return f"{self.user} · {self.entity} · {self.currency}"

    @property
    def available(self) -> Decimal:
        """What can be withdrawn: the balance without what pending holds keep."""
        return self.balance - self.held

    def save(self, **how: Any) -> None:
        """Save what is not the ledger's own: the note."""
        if not self._state.adding:
            how.setdefault("update_fields", ["note"])
        super().save(**how)

    @classmethod
    def create(
        cls,
        *,
        user: User,
        entity: Entity,
        currency: str,
        by: User,
        asof: datetime,
        comment: str = "",
        uid: uuid.UUID | None = None,
        using: str = "default",
    ) -> tuple["Account", Action]:
        """Open an account at balance zero and return it with its first action.

        Raises:
            AlreadyHasAccount: the user has one.
            UnknownCurrency: no cap is set for the currency.
            InvalidMoment: `asof` has no zone or lies in the future.
        """
        opening = Opening(user=user, entity=entity, currency=currency, by=by, asof=asof, comment=comment, uid=uid)
        [outcome] = open_accounts(cls, [opening], using=using)
        return outcome.unwrap()

    @classmethod
    def deposit(
        cls,
        *,
        uid: uuid.UUID,
        amount: Decimal,
        by: User,
        asof: datetime,
        reference_type: str = ReferenceType.NONE,
        reference: str = "",
        comment: str = "",
        idempotency_key: str | None = None,
        using: str = "default",
    ) -> tuple["Account", Action]:
        """Add `amount` to the account and return it with the action that says so.

        Locks the account, then one slot of the cap. `asof` is the business time: the action's `created` and the account's
        `modified`. A key that was used for the same request returns the first result (`action.replayed` is true).

        Raises:
            LedgerError: the rule that refuses; nothing has changed then.
        """
        return cls.post_batch(
            [
                Posting(
                    type=ActionType.DEPOSITED,
                    uid=uid,
                    amount=amount,
                    by=by,
                    asof=asof,
                    reference_type=reference_type,
                    reference=reference,
                    comment=comment,
                    idempotency_key=idempotency_key,
                )
            ],
            using=using,
        )[0].unwrap()

    @classmethod
    def withdraw(cls, *, using: str = "default", **request: Unpack[MoneyRequest]) -> tuple["Account", Action]:
        """Take `amount` from the account; keywords, locks and errors as in `deposit`.

        Raises:
            InsufficientFunds: the account holds less.
        """
        return cls.post_batch([Posting(type=ActionType.WITHDRAWN, **request)], using=using)[0].unwrap()

    @classmethod
    def deposit_preview(cls, *, using: str = "default", **request: Unpack[MoneyRequest]) -> Outcome:
        """Return what `deposit` would do now, or the error it would raise; nothing is locked or written."""
        return cls.preview_batch([Posting(type=ActionType.DEPOSITED, **request)], using=using)[0]

    @classmethod
    def withdraw_preview(cls, *, using: str = "default", **request: Unpack[MoneyRequest]) -> Outcome:
        """Return what `withdraw` would do now, or the error it would raise; nothing is locked or written."""
        return cls.preview_batch([Posting(type=ActionType.WITHDRAWN, **request)], using=using)[0]

    @classmethod
    def transfer(cls, *, using: str = "default", **request: Unpack[TransferRequest]) -> list[tuple["Account", Action]]:
        """Move `amount` from the account `uid` to the account `to`; both legs or none.

        Returns the sending account with its action, then the receiving one with its own. Locks both accounts in ascending
        id, and no slot of the cap: what all balances come to does not change. Keywords else as in `deposit`.

        Raises:
            SameAccount, CurrencyMismatch: the two accounts do not go together.
            LedgerError: the rule that refuses either leg; nothing has changed then.
        """
        [outcome] = cls.post_batch([Posting(type=ActionType.TRANSFERRED_OUT, **request)], using=using)
        outcome.unwrap()
        return [(action.account, action) for action in outcome.legs()]

    @classmethod
    def transfer_preview(cls, *, using: str = "default", **request: Unpack[TransferRequest]) -> Outcome:
        """Return what `transfer` would do now, or the error it would raise; nothing is locked or written."""
        return cls.preview_batch([Posting(type=ActionType.TRANSFERRED_OUT, **request)], using=using)[0]

    @classmethod
    def freeze(cls, *, using: str = "default", **request: Unpack[StatusRequest]) -> tuple["Account", Action]:
        """Let nothing in or out until `unfreeze`. Keywords `uid, by, asof, comment`; the comment is the reason.

        Raises:
            ReasonRequired: no comment.
            StatusUnchanged, AccountClosed: the status does not allow it.
        """
        return cls.post_batch([Posting(type=ActionType.FROZEN, **request)], using=using)[0].unwrap()

    @classmethod
    def unfreeze(cls, *, using: str = "default", **request: Unpack[StatusRequest]) -> tuple["Account", Action]:
        """Open a frozen account again; keywords and errors as in `freeze`."""
        return cls.post_batch([Posting(type=ActionType.UNFROZEN, **request)], using=using)[0].unwrap()

    @classmethod
    def close(cls, *, using: str = "default", **request: Unpack[StatusRequest]) -> tuple["Account", Action]:
        """Close an account for good; keywords and errors as in `freeze`.

        Raises:
            NotEmpty: it still holds money.
        """
        return cls.post_batch([Posting(type=ActionType.CLOSED, **request)], using=using)[0].unwrap()

    @classmethod
    def freeze_preview(cls, *, using: str = "default", **request: Unpack[StatusRequest]) -> Outcome:
        """Return what `freeze` would do now, or the error it would raise; nothing is locked or written."""
        return cls.preview_batch([Posting(type=ActionType.FROZEN, **request)], using=using)[0]

    @classmethod
    def unfreeze_preview(cls, *, using: str = "default", **request: Unpack[StatusRequest]) -> Outcome:
        """Return what `unfreeze` would do now, or the error it would raise; nothing is locked or written."""
        return cls.preview_batch([Posting(type=ActionType.UNFROZEN, **request)], using=using)[0]

    @classmethod
    def close_preview(cls, *, using: str = "default", **request: Unpack[StatusRequest]) -> Outcome:
        """Return what `close` would do now, or the error it would raise; nothing is locked or written."""
        return cls.preview_batch([Posting(type=ActionType.CLOSED, **request)], using=using)[0]

    @classmethod
    def post_batch(
        cls, postings: Sequence[Posting], *, using: str = "default", all_or_nothing: bool = False
    ) -> list[Outcome]:
        """Post many in one transaction, an outcome each; see `ledger.posting.post`."""
        return post(cls, postings, using=using, all_or_nothing=all_or_nothing)

    @classmethod
    def preview_batch(cls, postings: Sequence[Posting], *, using: str = "default") -> list[Outcome]:
        """Return what `post_batch` would do now; nothing is locked or written."""
        return preview(cls, postings, using=using)

    def balance_at(self, *, moment: datetime, clock: Clock = Clock.BUSINESS) -> Decimal:
        """Return the balance at a moment, its own actions included, in units of the currency; see `ledger.asof`.

        Zero before the first action; after the last one the balance of now. One query, no lock.

        Raises:
            InvalidMoment: `moment` has no zone.
        """
        accounts = type(self).objects.using(self._state.db)
        balance: Decimal = moments.balances(accounts.filter(pk=self.pk), moment, clock).get().balance_then
        return balance

    @classmethod
    def balances_at(
        cls, *, uids: Iterable[uuid.UUID], moment: datetime, clock: Clock = Clock.BUSINESS, using: str = "default"
    ) -> dict[uuid.UUID, Decimal]:
        """Return the balances of many accounts at a moment, each in its own currency; see `balance_at`. One query.

        Raises:
            InvalidMoment: `moment` has no zone.
            UnknownAccount: a uid that no account has.
        """
        return moments.balances_of(cls.objects.using(using), list(uids), moment, clock)

    @classmethod
    def totals_at(
        cls, *, moment: datetime, clock: Clock = Clock.BUSINESS, entity: Entity | None = None, using: str = "default"
    ) -> dict[str, Decimal]:
        """Return what all balances came to at a moment, a total for each currency: nothing is ever converted.

        Of all accounts, or of those of an entity and the entities below it. Two queries, no lock; raises InvalidMoment.
        """
        accounts = cls.objects.using(using)
        if entity is not None:
            accounts = accounts.filter(entity__in=Entity.branches([entity.pk], using=using))
        return moments.by_currency(moments.totals(accounts, moment, clock))

    def statement(self, *, since: datetime, until: datetime, known: int | None = None) -> Statement:
        """Return the account's statement from `since` until before `until`, by business time; see `ledger.statement`."""
        return Statement.of(self, since=since, until=until, known=known)
