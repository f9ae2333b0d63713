"""A request that another person has to approve: a posting over the threshold, a change of a limit or of the cap.

Invariants, held by the database: whoever asked never decides; what was asked never changes; a request is decided once; an
action that names an approval was approved by somebody else.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Unpack

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from audit.capture import captured
from backoffice.effects import Seen
from backoffice.models import User
from backoffice.models.base import Record
from ledger import approving, requesting
from ledger.asking import Asked, posting_of
from ledger.choices import ApprovalKind, ApprovalState, LimitKind
from ledger.errors import LedgerError, NotTheMaker, ReasonRequired
from ledger.expiring import expiring
from ledger.models.action import Action
from ledger.money import written
from ledger.posting import Posting
from ledger.proposing import LimitRequest, bound_of, check_ceiling
from ledger.shape import check_past


class Approval(Record):
    """A request with its decision. Pending requests with the same `fingerprint` are one request."""

    admin_help_text = (
        "What one person asked for and another has to approve. Nobody approves a request of their own. Approving posts it "
        "by the same rules as any posting, on the balances of that moment."
    )

    Kind = ApprovalKind
    State = ApprovalState

    uid = models.UUIDField("public id", unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=ApprovalKind)
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey("ledger.Account", models.PROTECT, null=True, related_name="approvals")
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    asked = models.JSONField(help_text="What was asked, in the keywords of the classmethod.")
    shown = models.JSONField(help_text="What would have happened at the time of asking.")
    fingerprint = models.BinaryField(max_length=32, editable=False)
    reason = models.CharField(max_length=500)
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="asked by"
    )
    requested = models.DateTimeField(db_default=Now(), editable=False)
    expires = models.DateTimeField()
    state = models.CharField(max_length=9, choices=ApprovalState, default=ApprovalState.PENDING)
    checker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="decided by"
    )
    decided = models.DateTimeField(null=True)
    comment = models.CharField(
        "reason for the decision", max_length=500, blank=True, help_text="Why it was decided so."
    )
    error_code = models.CharField(max_length=32, blank=True)
    error_text = models.CharField(max_length=500, blank=True)

    history = captured(without=["fingerprint"])

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view"]
        permissions = [("decide_approval", "Can approve and reject what others ask for")]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=models.Q(state=ApprovalState.PENDING),
                name="ledger_approval_pending_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[ApprovalState.CANCELLED, ApprovalState.EXPIRED])
                | models.Q(checker__isnull=True)
                | ~models.Q(checker=models.F("maker")),
                name="ledger_approval_checker_is_another",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=ApprovalState.APPROVED) | models.Q(decided__lt=models.F("expires")),
                name="ledger_approval_in_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.FAILED])
                | models.Q(checker__isnull=False),
                name="ledger_approval_decided_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["entity", "-id"], condition=models.Q(state=ApprovalState.PENDING), name="ledger_approval_inbox"
            ),
            models.Index(fields=["maker", "-decided"], name="ledger_approval_answered"),
        ]

    replayed = False  # true on what the same form asked for before

    def __str__(self) -> str:
        return self.deed

    @property
    def deed(self) -> str:
        """What was asked for: `Deposit CZK 10.00`, `Maximum deposit CZK 10.00`, `End maximum deposit`."""
        money = written(self.amount, self.currency)
        if self.kind == ApprovalKind.POSTING:
            return f"{self.verb.capitalize()} {money}"
        if self.kind == ApprovalKind.CAP:
            return f"Cap of {self.currency} {money}"
        kind = LimitKind(self.asked["kind"]).label
        return f"End {kind.lower()}" if self.asked["amount"] is None else f"{kind} {money}"

    @property
    def verb(self) -> str:
        """What was asked for: a verb of the ledger, `limit` or `cap`."""
        return str(self.asked.get("verb", self.kind))

    @property
    def action(self) -> Action | None:
        """The action that came of it, the one on its own account. One query."""
        return Action.objects.using(self._state.db).filter(approval=self).first() if self.pk else None

    @classmethod
    def request_postings(
        cls, postings: Sequence[Posting], *, reason: str = "", using: str = "default"
    ) -> list["Approval | LedgerError"]:
        """Ask approval for each posting, an answer each: the request, or the error that refuses it."""
        return requesting.ask_postings(cls, postings, reason=reason, using=using)

    @classmethod
    def request(
        cls, *, verb: str, by: User, asof: datetime, reason: str = "", using: str = "default", **asked: Unpack[Asked]
    ) -> "Approval":
        """Ask for a posting over the threshold: `deposit`, `withdraw`, `transfer`, `reverse`, `refund` or `hold`.

        Keywords are those of the verb's classmethod; `reason` is the comment where there is no other. Locks nothing.

        Raises:
            ApprovalNotRequired: it can be posted at once.
            DuplicateRequest: the same waits already.
            ReasonRequired: neither reason nor comment.
            LedgerError: the rule that would refuse it, approved or not.
        """
        posting = posting_of(verb, asked, by=by, asof=asof, using=using)
        [filed] = cls.request_postings([posting], reason=reason, using=using)
        return _raised(filed)

    @classmethod
    def request_limit(
        cls, *, by: User, asof: datetime, reason: str, using: str = "default", **bound: Unpack[LimitRequest]
    ) -> "Approval":
        """Ask to set a limit for a currency, an entity or an account, or to end it, where `amount` is None.

        Keywords `kind, currency, amount, entity, account, valid_from, valid_until`. It begins with the approval, or
        `valid_from` if that is later; after `valid_until` the limit before comes back.

        Raises:
            InvalidLimit: there is no such kind or subject, nothing to end, or no change.
            InvalidAmount, UnknownCurrency, InvalidMoment: the shape of it.
            DuplicateRequest, ReasonRequired: as in `request`.
        """
        approval = cls._limit(bound, asof, using)
        approval.maker, approval.reason = by, reason
        return requesting.ask(approval, asof=asof, using=using)

    @classmethod
    def request_limit_preview(cls, *, asof: datetime, using: str = "default", **bound: Unpack[LimitRequest]) -> Seen:
        """Return what `request_limit` would show, or what refuses it; raises what is wrong with its shape."""
        return approving.would(cls._limit(bound, asof, using), asof, using)

    @classmethod
    def _limit(cls, bound: LimitRequest, asof: datetime, using: str) -> "Approval":
        asked = bound_of(bound, asof=asof, using=using)
        account = bound.get("account")
        return cls(
            kind=ApprovalKind.LIMIT,
            entity_id=account.entity_id if account else asked.entity_id,
            account=account,
            currency=asked.currency,
            amount=asked.amount or Decimal(0),
            asked=asked.as_json,
        )

    @classmethod
    def request_cap(
        cls, *, currency: str, ceiling: Decimal, by: User, asof: datetime, reason: str, using: str = "default"
    ) -> "Approval":
        """Ask to set the cap of a currency.

        Raises:
            CapTooLow: the balances come to more.
            InvalidAmount, UnknownCurrency, InvalidLimit, DuplicateRequest, ReasonRequired: as in `request_limit`.
        """
        approval = cls._cap(currency, ceiling)
        approval.maker, approval.reason = by, reason
        return requesting.ask(approval, asof=asof, using=using)

    @classmethod
    def request_cap_preview(cls, *, currency: str, ceiling: Decimal, asof: datetime, using: str = "default") -> Seen:
        """Return what `request_cap` would show, or what refuses it; raises what is wrong with its shape."""
        return approving.would(cls._cap(currency, ceiling), asof, using)

    @classmethod
    def _cap(cls, currency: str, ceiling: Decimal) -> "Approval":
        check_ceiling(currency, ceiling)
        asked = {"currency": currency, "ceiling": str(ceiling)}
        return cls(kind=ApprovalKind.CAP, currency=currency, amount=ceiling, asked=asked)

    def would(self, asof: datetime) -> Seen:
        """Return what approving would do at `asof`, or what would refuse it; nothing is locked or written."""
        return approving.would(self, asof, self._state.db or "default")

    @property
    def was_shown(self) -> Seen:
        """What would have happened at the time of asking."""
        return Seen.of_json(self.shown)

    @classmethod
    def approve(
        cls,
        *,
        uid: uuid.UUID,
        by: User,
        asof: datetime,
        saw: str | None = None,
        comment: str = "",
        using: str = "default",
    ) -> "Approval":
        """Approve a request and carry it out, as the maker's, at `asof`; returned `failed`, with why, where a rule refuses.

        `saw` is the digest of what the checker looked at (`would(...).digest`). Locks the request, then as any posting.

        Raises:
            StalePreview: not what `saw` says would happen now; `data["now"]` would. Nothing is decided.
            SameApprover: the maker, whatever the role, or who may be the same person: `User.may_be`.
            ApprovalDecided: decided before, or expired.
            UnknownApproval: no request has this uid.
        """
        act = partial(approving.approve, by=by, asof=asof, saw=saw, comment=comment, using=using)
        return approving.decide(cls, uid, asof, using, act)

    @classmethod
    def reject(cls, *, uid: uuid.UUID, by: User, asof: datetime, comment: str, using: str = "default") -> "Approval":
        """Turn a request down; the comment is the reason. Locks the request.

        Raises:
            ReasonRequired: no comment.
            SameApprover, ApprovalDecided, UnknownApproval: as in `approve`.
        """

        def act(approval: Approval) -> None:
            approving.check_another(approval, by)
            if not comment.strip():
                raise ReasonRequired("Give a reason: who asked has to know why not.")
            approving.end(approval, ApprovalState.REJECTED, asof, by=by, comment=comment, using=using)

        return approving.decide(cls, uid, asof, using, act)

    @classmethod
    def cancel(
        cls, *, uid: uuid.UUID, by: User, asof: datetime, comment: str = "", using: str = "default"
    ) -> "Approval":
        """Take a request of one's own back. Locks the request.

        Raises:
            NotTheMaker: somebody else asked.
            ApprovalDecided, UnknownApproval: as in `approve`.
        """

        def act(approval: Approval) -> None:
            if by.pk != approval.maker_id:
                raise NotTheMaker("Only who asked can take the request back; reject it instead.")
            approving.end(approval, ApprovalState.CANCELLED, asof, by=by, comment=comment, using=using)

        return approving.decide(cls, uid, asof, using, act)

    @classmethod
    def expire_due(cls, *, asof: datetime, using: str = "default") -> int:
        """Mark up to 1,000 requests that nobody decided in time, as the system; return how many."""
        check_past(asof, timezone.now())
        with expiring(asof, using):
            return approving.expire(cls.objects.using(using), asof, using)


def _raised(filed: "Approval | LedgerError") -> Approval:
    if isinstance(filed, LedgerError):
        raise filed
    return filed
