"""What every posting has to be before any rule is asked: its type and who asks, its amount, its texts, its moments.

Every value is distrusted, also of a type that its annotation excludes: what arrives may come from a file or a request.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from backoffice.models import User
from ledger import errors
from ledger.choices import ActionType, ReferenceType
from ledger.money import LARGEST, exponent

if TYPE_CHECKING:
    from ledger.models.action import Action
    from ledger.posting import Posting

REFERENCE_TYPES = frozenset(ReferenceType.values)
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LONGEST = {"comment": 500, "reference": 64, "idempotency_key": 100}
LONGEST_HOLD = timedelta(days=36_525)  # a hundred years: what lasts longer should not name an end
ASKED = frozenset(ActionType) - {ActionType.TRANSFERRED_IN}  # an amount comes in with the leg that goes out
WITH = {  # the types that speak of something beside their account
    "to": {ActionType.TRANSFERRED_OUT},
    "reverses": {ActionType.REVERSED, ActionType.REFUNDED},
    "hold": {ActionType.CAPTURED, ActionType.RELEASED},
    "expires": {ActionType.HELD},
}


def check_shape(posting: "Posting") -> None:
    """Refuse what cannot be posted, whatever the account: of no type, by nobody, with texts that cannot be stored."""
    if posting.type not in ASKED:
        raise errors.InvalidPosting(f"Nothing of the type {told(posting.type)} can be posted.")
    if posting.to or posting.reverses or posting.hold or posting.expires:
        check_spoken_of(posting)
    check_user(posting.by)
    if isinstance(posting.amount, Decimal) and posting.amount.is_snan():
        raise errors.InvalidAmount("The amount must be a number.", why="nan")  # it cannot even be compared with another
    check_texts(posting)


def check_spoken_of(posting: "Posting") -> None:
    """Refuse what speaks of an account, action, hold or end that does not go with its type."""
    for name, types in WITH.items():
        if getattr(posting, name) and posting.type not in types:
            raise errors.InvalidPosting(f"A posting of the type {posting.type} has no {name.replace('_', ' ')}.")


def check_counter(original: "Action | None", counter: "Action") -> None:
    """Refuse what is not the other leg of the transfer that goes back."""
    if (
        original is None
        or original.pk == counter.pk
        or original.transfer is None
        or original.transfer != counter.transfer
    ):
        raise errors.InvalidPosting("The two actions are not the legs of one transfer.")


def check_user(by: object) -> None:
    """Refuse a posting by nobody, or by somebody who is not in the database."""
    if not isinstance(by, User) or by.pk is None or by._state.adding:
        raise errors.UnknownUser("Say which user asks for it.")


def check_zone(moment: object, called: str = "moment") -> None:
    """Refuse what is no datetime, and one without a zone, which is another moment in each."""
    if not isinstance(moment, datetime):
        raise errors.InvalidMoment(f"The {called} must be a datetime, not {type(moment).__name__}.", why="type")
    if moment.utcoffset() is None:
        raise errors.InvalidMoment(f"The {called} needs a time zone.", asof=moment, why="zone")


def check_past(moment: datetime, now: datetime, called: str = "moment") -> None:
    """Refuse a moment without a zone or in the future."""
    check_zone(moment, called)
    if moment > now:
        raise errors.InvalidMoment(f"The {called} is in the future.", asof=moment, why="future")


def check_moment(asof: datetime, earliest: datetime, now: datetime) -> None:
    """Refuse a business time without a zone, in the future or before the account existed."""
    check_past(asof, now, "business time")
    if asof < earliest:
        sentence = f"The account exists since {earliest:%Y-%m-%d %H:%M} only."
        raise errors.InvalidMoment(sentence, asof=asof, why="before_account")


def check_end(expires: datetime, asof: datetime) -> None:
    """Refuse a hold whose end has no zone, is not after its beginning, or is more than a hundred years away."""
    check_zone(expires, "end of a hold")
    if expires <= asof:
        raise errors.InvalidMoment("The hold would expire before it begins.", expires=expires, why="ends_before")
    if expires - asof > LONGEST_HOLD:
        raise errors.InvalidMoment("The hold would last longer than a hundred years.", expires=expires, why="too_far")


def valid_amount(amount: object, currency: str) -> Decimal:
    """Return the amount, where it is a finite, positive Decimal that the currency and the ledger can express."""
    if not isinstance(amount, Decimal):
        raise errors.InvalidAmount(f"The amount must be a Decimal, not {type(amount).__name__}.", why="type")
    if not amount.is_finite():
        raise _endless(amount)
    if amount < 0:
        raise errors.InvalidAmount("The amount is negative: it must be more than zero.", why="negative")
    if amount == 0:
        raise errors.InvalidAmount("The amount must be more than zero.", why="zero")
    if amount >= LARGEST:
        raise errors.InvalidAmount("The amount is larger than any account can hold.", why="too_large")
    places = exponent(currency)
    if amount != round(amount, places):
        raise errors.InvalidAmount(f"{currency} has {places} decimals, {amount} has more.", why="decimals")
    return amount


def _endless(amount: Decimal) -> errors.InvalidAmount:
    if amount.is_nan():
        return errors.InvalidAmount("The amount must be a number.", why="nan")
    return errors.InvalidAmount("The amount must be finite.", why="infinite")


def check_texts(posting: "Posting") -> None:
    """Refuse texts that are too long or that the database cannot store, and references without a type."""
    for name, longest in LONGEST.items():
        text = getattr(posting, name)
        if text != "" and (text is not None or name != "idempotency_key"):
            check_text(text, name.replace("_", " "), longest)
    if posting.idempotency_key == "":
        raise errors.InvalidText("The idempotency key is empty.", why="empty")
    if not isinstance(posting.reference_type, str) or posting.reference_type not in REFERENCE_TYPES:
        raise errors.InvalidReference(f"There is no reference type {told(posting.reference_type)}.")
    if posting.reference and posting.reference_type == ReferenceType.NONE:
        raise errors.InvalidReference("Say what kind of reference it is.")


def check_text(text: object, name: str, longest: int) -> None:
    """Refuse what is no text, is too long or holds what the database cannot store."""
    if not isinstance(text, str):
        raise errors.InvalidText(f"The {name} must be text, not {type(text).__name__}.", why="type")
    if len(text) > longest:
        raise errors.InvalidText(f"The {name} has {len(text)} characters, {longest} are the most.", why="too_long")
    if not storable(text):
        raise errors.InvalidText(f"The {name} holds a character that cannot be stored.", why="unstorable")


def told(value: object) -> str:
    """Return a value as a sentence can hold it, whatever it is."""
    text = str(value)
    return (text if storable(text) else ascii(value))[:40]


def usable_key(key: object) -> bool:
    """Say whether a key can have been stored, so that the database may be asked for it."""
    return isinstance(key, str) and 0 < len(key) <= LONGEST["idempotency_key"] and storable(key)


def storable(text: str) -> bool:
    """Say whether the text belongs into a record: no control characters but line breaks and tabs, no half surrogates."""
    return not UNSTORABLE.search(text)
