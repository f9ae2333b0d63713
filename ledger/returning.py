"""What takes actions back: the postings of reversals and refunds. A leg of a transfer takes the other one with it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Required, TypedDict
from uuid import UUID

from backoffice.models import User
from ledger.choices import ActionType
from ledger.errors import UnknownAction
from ledger.posting import Posting
from ledger.shape import told

if TYPE_CHECKING:
    from ledger.models.action import Action


class ReturnRequest(TypedDict, total=False):
    """The keywords of a reversal or refund; `uid` is the action's."""

    uid: Required[UUID]
    by: Required[User]
    asof: Required[datetime]
    comment: str
    idempotency_key: str | None


def returning(
    actions: type["Action"], requests: Sequence[ReturnRequest], *, amount: Decimal | None = None, using: str = "default"
) -> list[Posting]:
    """Return a posting a request, in their order: a reversal, or with an amount a refund. Two queries.

    Raises:
        UnknownAction: no action has this uid.
    """
    wanted = {request["uid"] for request in requests if isinstance(request["uid"], UUID)}
    stored = actions.objects.using(using).select_related("account")
    originals = {action.uid: action for action in stored.filter(uid__in=wanted)}
    pairs = [action.transfer for action in originals.values() if action.transfer]
    legs = {(leg.transfer, leg.account_id): leg for leg in stored.filter(transfer__in=pairs)} if pairs else {}
    postings = []
    for request in requests:
        uid = request["uid"]
        if not isinstance(uid, UUID) or (original := originals.get(uid)) is None:
            raise UnknownAction(f"There is no action {told(uid)}.", uid=uid)
        counter = legs.get((original.transfer, original.counterparty_id or 0))
        postings.append(_posting(request, original, counter, amount))
    return postings


def _posting(request: ReturnRequest, original: "Action", counter: "Action | None", amount: Decimal | None) -> Posting:
    return Posting(
        type=ActionType.REVERSED if amount is None else ActionType.REFUNDED,
        uid=original.account.uid,
        amount=abs(original.delta) if amount is None else amount,
        by=request["by"],
        asof=request["asof"],
        comment=request.get("comment", ""),
        idempotency_key=request.get("idempotency_key"),
        reverses=original,
        counter=counter,
    )
