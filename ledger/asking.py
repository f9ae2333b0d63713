"""A posting as a request: the verb and the keywords of its classmethod, as JSON, and back to a posting.

Who asks and the business time are not part of it: a posting happens when it is approved, by whom it was asked for.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Required, TypedDict
from uuid import UUID

from backoffice.models import User
from ledger.choices import ActionType, ReferenceType
from ledger.errors import UnknownVerb
from ledger.holding import placing
from ledger.money import exponent
from ledger.posting import Posting
from ledger.returning import returning

if TYPE_CHECKING:
    from ledger.models.approval import Approval

VERBS: dict[str, ActionType] = {
    "deposit": ActionType.DEPOSITED,
    "withdraw": ActionType.WITHDRAWN,
    "transfer": ActionType.TRANSFERRED_OUT,
    "reverse": ActionType.REVERSED,
    "refund": ActionType.REFUNDED,
    "hold": ActionType.HELD,
}
VERB_OF = {kind: verb for verb, kind in VERBS.items()}
PLAIN = {"reference_type": ReferenceType.NONE, "reference": "", "comment": "", "idempotency_key": None}


class Asked(TypedDict, total=False):
    """The keywords of the verb's classmethod. `uid` is the account's, of a reversal and a refund the action's."""

    uid: Required[UUID]
    amount: Decimal
    to: UUID
    expires: datetime | None
    reference_type: str
    reference: str
    comment: str
    idempotency_key: str | None


def posting_of(
    verb: str,
    asked: Asked,
    *,
    by: User,
    asof: datetime,
    approval: "Approval | None" = None,
    using: str = "default",
) -> Posting:
    """Return the posting behind a verb and its keywords. Two queries for a reversal or refund, else none.

    Raises:
        UnknownVerb: nothing of this name can be asked for.
        UnknownAction, InvalidMoment: what it speaks of is not there, or is over.
    """
    from ledger.models.action import Action  # noqa: PLC0415  the models import this module

    request: dict[str, Any] = {**asked, "by": by, "asof": asof}
    if verb not in VERBS:
        raise UnknownVerb(f"Nobody can ask for {verb}: {', '.join(VERBS)} are what needs approval.", verb=verb)
    if verb in {"reverse", "refund"}:
        amount = request.pop("amount", None)
        [posting] = returning(Action, [request], amount=amount if verb == "refund" else None, using=using)  # type: ignore[list-item]  # its keywords
    elif verb == "hold":
        posting = placing(request)  # type: ignore[arg-type]  # as above
    else:
        posting = Posting(type=VERBS[verb], **request)
    return replace(posting, approval=approval)


def as_json(posting: Posting, currency: str) -> dict[str, Any]:
    """Return verb and keywords of a posting: amounts as text, moments in ISO 8601."""
    asked: dict[str, Any] = {"verb": VERB_OF[posting.type], "uid": str(posting.uid)}
    if posting.reverses:
        asked["uid"] = str(posting.reverses.uid)
    if posting.type != ActionType.REVERSED:
        asked["amount"] = str(round(posting.amount, exponent(currency)))
    if posting.to:
        asked["to"] = str(posting.to)
    if posting.expires:
        asked["expires"] = posting.expires.isoformat()
    given = {name: getattr(posting, name) for name in PLAIN}
    return asked | {name: value for name, value in given.items() if value != PLAIN[name]}


def of_json(kept: dict[str, Any]) -> tuple[str, Asked]:
    """Return verb and keywords of what `as_json` made."""
    kinds: dict[str, Any] = {"uid": UUID, "to": UUID, "amount": Decimal, "expires": datetime.fromisoformat}
    asked: Any = {name: kinds.get(name, str)(value) for name, value in kept.items() if name != "verb"}
    return kept["verb"], asked
