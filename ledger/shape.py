"""What every posting has to be before any rule is asked: its amount, its texts, its business time."""

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from ledger import errors
from ledger.choices import ReferenceType
from ledger.money import LARGEST, exponent

if TYPE_CHECKING:
    from ledger.posting import Posting

REFERENCE_TYPES = frozenset(ReferenceType.values)
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LONGEST = {"comment": 500, "reference": 64, "idempotency_key": 100}


def check_moment(asof: datetime, earliest: datetime, now: datetime) -> None:
    """Refuse a business time without a zone, before the account existed or in the future."""
    if asof.tzinfo is None or asof.utcoffset() is None:
        raise errors.InvalidMoment("The business time needs a time zone.", asof=asof)
    if asof < earliest:
        raise errors.InvalidMoment(f"The account exists since {earliest:%Y-%m-%d %H:%M} only.", asof=asof)
    if asof > now:
        raise errors.InvalidMoment("The business time is in the future.", asof=asof)


def valid_amount(amount: object, currency: str) -> Decimal:
    """Return the amount, where it is a finite, positive Decimal that the currency and the ledger can express."""
    if not isinstance(amount, Decimal):
        raise errors.InvalidAmount(f"The amount must be a Decimal, not {type(amount).__name__}.")
    if not amount.is_finite():
        raise errors.InvalidAmount("The amount must be a number.")
    if amount <= 0:
        raise errors.InvalidAmount("The amount must be more than zero.")
    if amount >= LARGEST:
        raise errors.InvalidAmount("The amount is larger than any account can hold.")
    places = exponent(currency)
    if amount != round(amount, places):
        raise errors.InvalidAmount(f"{currency} has {places} decimals, {amount} has more.")
    return amount


def check_texts(posting: "Posting") -> None:
    """Refuse texts that are too long or that the database cannot store, and references without a type."""
    for name, longest in LONGEST.items():
        text = getattr(posting, name)
        if text:
            check_text(text, name.replace("_", " "), longest)
    if posting.reference_type not in REFERENCE_TYPES:
        raise errors.InvalidReference(f"There is no reference type {posting.reference_type}.")
    if posting.reference and posting.reference_type == ReferenceType.NONE:
        raise errors.InvalidReference("Say what kind of reference it is.")


def check_text(text: str, name: str, longest: int) -> None:
    """Refuse a text that is too long or that the database cannot store."""
    if len(text) > longest:
        raise errors.InvalidText(f"The {name} has {len(text)} characters, {longest} are the most.")
    if not storable(text):
        raise errors.InvalidText(f"The {name} holds a character that cannot be stored.")


def storable(text: str) -> bool:
    """Say whether the text belongs into a record: no control characters but line breaks and tabs, no half surrogates."""
    return not UNSTORABLE.search(text)
