"""Maker and checker: deciding what was asked for.

Deciding locks the request first, then, by the same path
as any posting, the accounts in ascending id and the cap's slots. Approving carries it out as the maker's, at the moment of
approval, on what stands then; where a rule refuses, the request has failed and says why.
Callers: the classmethods of `Approval`. One transaction should decide one request.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connections, transaction
from django.utils import timezone

from audit.record import record
from backoffice.effects import Seen
from backoffice.models import User
from backoffice.models.user import MAY_BE_ONE
from ledger import errors
from ledger.choices import ApprovalState
from ledger.deeds import DEEDS
from ledger.refused import translating
from ledger.shape import check_past, check_text, check_user, told

if TYPE_CHECKING:
    from ledger.models.approval import Approval

LONGEST = 500  # characters of a reason and a comment
AT_ONCE = 1_000  # requests that expire in one transaction


def would(approval: "Approval", asof: datetime, using: str) -> Seen:
    """Return what approving would do at `asof`; nothing is locked or written."""
    try:
        return Seen(effects=DEEDS[approval.kind].effects(approval, asof, using))
    except errors.LedgerError as error:
        return Seen.refused(error)


def approve(approval: "Approval", *, by: User, asof: datetime, saw: str | None, comment: str, using: str) -> None:
    """Approve and carry out; where a rule refuses, the request has failed. The request is locked and pending."""
    check_another(approval, by)
    try:
        with transaction.atomic(using=using):
            _put_off_the_check(using)
            end(approval, ApprovalState.APPROVED, asof, by=by, comment=comment, using=using)
            happened = Seen(effects=DEEDS[approval.kind].carry_out(approval, asof, using))
            _compare(saw, happened)
    except (errors.StalePreview, errors.Contended):
        approval.refresh_from_db(using=using)
        raise
    except errors.LedgerError as error:
        approval.refresh_from_db(using=using)
        _compare(saw, Seen.refused(error))
        end(approval, ApprovalState.FAILED, asof, by=by, comment=comment, error=error, using=using)


def _put_off_the_check(using: str) -> None:
    """Let the approval come before its action, also where a transaction has its constraints checked at once."""
    with connections[using].cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ledger_approval_carried_out DEFERRED")


def check_another(approval: "Approval", by: User) -> None:
    """Refuse to let the maker decide, or who may be the same person; no role is exempt, and the database says so too."""
    check_user(by)
    if by.pk == approval.maker_id:
        raise errors.SameApprover("You asked for this yourself, so somebody else has to decide.")
    if by.may_be(approval.maker):
        raise errors.SameApprover(MAY_BE_ONE)


def _compare(saw: str | None, now: Seen) -> None:
    """Refuse to decide on something else than what was seen."""
    if saw is not None and saw != now.digest:
        raise errors.StalePreview("What would happen now is not what you were shown: look again.", now=now)


def end(
    approval: "Approval",
    state: ApprovalState,
    asof: datetime,
    *,
    by: User | None = None,
    comment: str = "",
    error: errors.LedgerError | None = None,
    using: str,
) -> None:
    """Write down what became of a request, and tell of it."""
    check_text(comment, "comment", LONGEST)
    approval.state, approval.decided, approval.comment = state, asof, comment
    approval.checker = by
    if error:
        approval.error_code, approval.error_text = error.code, str(error)[:LONGEST]
    approval.save(using=using, update_fields=["state", "decided", "comment", "checker", "error_code", "error_text"])
    tell(state, approval, comment or approval.error_text, using)


def decide(
    approvals: "type[Approval]", uid: UUID, asof: datetime, using: str, act: "Callable[[Approval], None]"
) -> "Approval":
    """Lock a pending request and have `act` decide it; one that has expired is marked so first.

    Raises:
        UnknownApproval: nobody asked for this.
        ApprovalDecided: it was decided before, or has expired.
        Contended: another transaction waited for this one; nothing is decided, try again.
    """
    check_past(asof, timezone.now())
    if not isinstance(uid, UUID):
        raise errors.UnknownApproval(f"There is no request {told(uid)}.", uid=uid)
    with translating(), transaction.atomic(using=using):
        approval, open_in_time = _locked(approvals, uid, asof, using)
        if open_in_time:
            act(approval)
            return approval
    raise errors.ApprovalDecided(
        f"The request is {approval.get_state_display().lower()} already.", state=approval.state
    )


def _locked(approvals: "type[Approval]", uid: UUID, asof: datetime, using: str) -> "tuple[Approval, bool]":
    """Lock a request, mark it where it has expired, and say whether it can be decided."""
    found = approvals.objects.using(using).select_for_update(of=("self",)).filter(uid=uid)
    approval = found.select_related("maker", "account").first()
    if approval is None:
        raise errors.UnknownApproval(f"There is no request {uid}.", uid=uid)
    if asof < approval.requested:
        raise errors.InvalidMoment("Nobody decides before something is asked for.", asof=asof, why="before_request")
    pending = approval.state == ApprovalState.PENDING
    in_time = pending and approval.expires > timezone.now()
    if pending and not in_time:
        end(approval, ApprovalState.EXPIRED, asof, using=using)
    return approval, in_time


def expire(requests: Any, asof: datetime, using: str) -> int:
    """Mark those of the requests that nobody decided in time; return how many. Skips what somebody decides right now."""
    with translating(), transaction.atomic(using=using):
        due = requests.filter(state=ApprovalState.PENDING, expires__lte=asof).order_by("id")
        late = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
        for approval in late:
            end(approval, ApprovalState.EXPIRED, asof, using=using)
    return len(late)


def tell(what: str, approval: "Approval", reason: str, using: str) -> None:
    """Record an event about a request."""
    data = {
        "kind": approval.kind,
        "amount": str(approval.amount),
        "currency": approval.currency,
        "maker": approval.maker_id,
        "asked": approval.asked,
        "code": approval.error_code,
    }
    record(f"approval.{what}", obj=approval, data=data, reason=reason, success=what != "failed", using=using)
