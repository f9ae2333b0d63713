"""What places and resolves holds: the postings behind the classmethods of `Hold`."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Required, TypedDict
from uuid import UUID

from backoffice.models import User
from ledger.choices import ActionType
from ledger.errors import UnknownHold
from ledger.posting import MoneyRequest, Posting
from ledger.shape import told

if TYPE_CHECKING:
    from ledger.models.hold import Hold


class HoldRequest(MoneyRequest, total=False):
    """The keywords of a new hold; `uid` is the account's, `expires` when it ends by itself."""

    expires: datetime | None


class ResolveRequest(TypedDict, total=False):
    """The keywords that resolve a hold; `uid` is the hold's."""

    uid: Required[UUID]
    by: Required[User]
    asof: Required[datetime]
    comment: str
    idempotency_key: str | None


def placing(request: HoldRequest) -> Posting:
    """Return the posting that places a hold."""
    return Posting(type=ActionType.HELD, **request)


def resolving(
    holds: type["Hold"], kind: ActionType, request: ResolveRequest, *, amount: Decimal | None = None, using: str
) -> Posting:
    """Return the posting that captures (all where `amount` is None) or releases a hold. One query.

    Raises:
        UnknownHold: no hold has this uid.
    """
    uid = request["uid"]
    asked = holds.objects.using(using).filter(uid=uid) if isinstance(uid, UUID) else holds.objects.none()
    if (hold := asked.select_related("account", "placed").first()) is None:
        raise UnknownHold(f"There is no hold {told(uid)}.", uid=uid)
    taken = Decimal(0) if kind == ActionType.RELEASED else hold.amount if amount is None else amount
    return Posting(
        type=kind,
        uid=hold.account.uid,
        amount=taken,
        by=request["by"],
        asof=request["asof"],
        comment=request.get("comment", ""),
        idempotency_key=request.get("idempotency_key"),
        hold=hold,
    )
