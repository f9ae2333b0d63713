"""An amount of a balance that is kept for somebody until it is captured, released, or expires.

A hold is what its actions say: the database inserts it with the action that places it and resolves it with the one that
captures or releases it, once. The app role can only read the table. While it is pending the amount stays in the balance and
out of what is available. An expired hold is released by the next posting on its account, and by `expire_due`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Unpack

from django.db import models

from backoffice.models import User
from backoffice.models.base import Record, RecordQuerySet
from ledger.choices import ActionType, HoldState
from ledger.errors import Contended, HoldResolved, LedgerError
from ledger.expiring import expiring
from ledger.holding import HoldRequest, ResolveRequest, placing, resolving
from ledger.models.account import Account
from ledger.models.action import Action
from ledger.posting import Outcome, Posting, post, preview

AT_ONCE = 1_000  # expired holds that are released in one transaction


class Hold(Record):
    """An amount that is held. `captured` is how much of it was taken; the rest was released with it."""

    admin_help_text = (
        "Money that stays in the balance and cannot be spent, because somebody has a claim on it. Capture it when the claim "
        "is due, all or a part; release it when it is not."
    )

    State = HoldState

    # How holds stood: placed by an action until then, and pending unless another one had resolved it. See `audit.asof`.
    past_rows = """
        SELECT h.placed_id, h.uid, h.account_id, h.entity_id, h.currency, h.amount, h.created, h.expires, r.id AS resolved_id,
            CASE WHEN r.id IS NULL THEN 0 ELSE h.captured END AS captured,
            CASE WHEN r.id IS NULL THEN 'pending' ELSE h.state END AS state
        FROM (SELECT %s::timestamptz) m (moment) JOIN ledger_action p ON p.recorded <= m.moment
        JOIN ledger_hold h ON h.placed_id = p.id LEFT JOIN ledger_action r ON r.id = h.resolved_id AND r.recorded <= m.moment
    """

    placed = models.OneToOneField("ledger.Action", models.PROTECT, primary_key=True, related_name="placed_hold")
    uid = models.UUIDField("public id", unique=True, editable=False, help_text="The uid of the action that placed it.")
    account = models.ForeignKey("ledger.Account", models.PROTECT, related_name="holds", db_index=False)
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, related_name="+", db_constraint=False)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    captured = models.DecimalField(max_digits=19, decimal_places=4, default=0, db_default=0)
    state = models.CharField(max_length=8, choices=HoldState, default=HoldState.PENDING)
    created = models.DateTimeField("when", help_text="The business time at which it was placed.")
    expires = models.DateTimeField(null=True, help_text="When it ends by itself.")
    resolved = models.OneToOneField(
        "ledger.Action", models.PROTECT, null=True, related_name="+", help_text="The action that ended it."
    )

    class Meta:
        ordering = ["-pk"]
        default_permissions = ["view"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="ledger_hold_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(captured__gte=0) & models.Q(captured__lte=models.F("amount")),
                name="ledger_hold_captured_within",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-placed"], name="ledger_hold_account"),
            models.Index(
                fields=["expires"],
                condition=models.Q(state=HoldState.PENDING, expires__isnull=False),
                name="ledger_hold_expires",
            ),
        ]

    told_by = ("placed",)

    def __str__(self) -> str:
        return f"{self.placed.reference}"

    @classmethod
    def place(cls, *, using: str = "default", **request: Unpack[HoldRequest]) -> tuple["Hold", Action]:
        """Hold `amount` of the account `uid`, until `expires` if given; return the hold and the action that placed it.

        Locks the account. Keywords else as in `Account.deposit`.

        Raises:
            InsufficientFunds: the account has less available.
            InvalidMoment: it would expire before it begins.
            LedgerError: the rule that refuses; nothing has changed then.
        """
        return cls._post(placing(request), using)

    @classmethod
    def capture(
        cls, *, amount: Decimal | None = None, using: str = "default", **request: Unpack[ResolveRequest]
    ) -> tuple["Hold", Action]:
        """Take a held amount, or a part of it, and release the rest. Keywords `uid` (the hold's), `by, asof, comment`.

        Locks the account, then one slot of the cap.

        Raises:
            UnknownHold: no hold has this uid.
            HoldResolved: it was captured or released before, or has expired.
            ExceedsHold: it holds less.
        """
        return cls._post(resolving(cls, ActionType.CAPTURED, request, amount=amount, using=using), using)

    @classmethod
    def release(cls, *, using: str = "default", **request: Unpack[ResolveRequest]) -> tuple["Hold", Action]:
        """Hold the amount no more; keywords and errors as in `capture`. Locks the account."""
        return cls._post(resolving(cls, ActionType.RELEASED, request, using=using), using)

    @classmethod
    def place_preview(cls, *, using: str = "default", **request: Unpack[HoldRequest]) -> Outcome:
        """Return what `place` would do now, or the error it would raise; nothing is locked or written."""
        return cls._preview(placing(request), using)

    @classmethod
    def capture_preview(
        cls, *, amount: Decimal | None = None, using: str = "default", **request: Unpack[ResolveRequest]
    ) -> Outcome:
        """Return what `capture` would do now, or the error it would raise; nothing is locked or written."""
        return cls._preview(resolving(cls, ActionType.CAPTURED, request, amount=amount, using=using), using)

    @classmethod
    def release_preview(cls, *, using: str = "default", **request: Unpack[ResolveRequest]) -> Outcome:
        """Return what `release` would do now, or the error it would raise; nothing is locked or written."""
        return cls._preview(resolving(cls, ActionType.RELEASED, request, using=using), using)

    @classmethod
    def release_expired(
        cls, *, now: datetime, refused: Callable[["Hold", LedgerError], None] | None = None, using: str = "default"
    ) -> int:
        """Release all holds that have expired, as the system, and return how many were; a thousand in a transaction.

        What refuses to release a hold hinders no other and is told to `refused`; without it, it is raised at once.

        Raises:
            Contended: as in `post`; what was released before stays so, and it can be called again.
        """
        released, last = 0, 0
        while True:
            with expiring(now, using):
                due = list(cls.due(now, using).filter(pk__gt=last).select_related("account")[:AT_ONCE])
                outcomes = _released(due, using)
            if not due:
                return released
            for hold, outcome in zip(due, outcomes, strict=True):
                if outcome.error and not isinstance(outcome.error, HoldResolved):  # or somebody was quicker
                    (refused or _raise)(hold, outcome.error)
            released += sum(1 for outcome in outcomes if outcome.drafts)
            last = due[-1].pk

    @classmethod
    def due(cls, now: datetime, using: str) -> RecordQuerySet["Hold"]:
        """Return the pending holds that have expired."""
        return cls.objects.using(using).filter(state=HoldState.PENDING, expires__lte=now).order_by("pk")

    def expiry(self) -> Posting:
        """Return what releases the hold because its time is over: done by the system, whoever placed it."""
        return Posting(
            type=ActionType.RELEASED,
            uid=self.account.uid,
            by=User.system(),
            asof=self.expires or self.created,
            comment="Expired",
            hold=self,
        )

    @classmethod
    def _post(cls, posting: Posting, using: str) -> tuple["Hold", Action]:
        [outcome] = post(Account, [posting], using=using)
        _, action = outcome.unwrap()
        return cls.objects.using(using).select_related("account").get(pk=action.hold_id or action.pk), action

    @classmethod
    def _preview(cls, posting: Posting, using: str) -> Outcome:
        return preview(Account, [posting], using=using)[0]


def _released(due: Sequence[Hold], using: str) -> list[Outcome]:
    """Return what became of each; where the database refuses them together, they are released one by one."""
    postings = [hold.expiry() for hold in due]
    try:
        return post(Account, postings, using=using)
    except Contended:
        raise
    except LedgerError as error:
        if len(due) == 1:
            return [Outcome(posting=postings[0], error=error)]
    return [outcome for hold in due for outcome in _released([hold], using)]


def _raise(_hold: Hold, error: LedgerError) -> None:
    raise error
