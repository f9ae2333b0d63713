"""The rules of the ledger, without a database: what a posting may be, and what it does to an account.

What each status allows is ALLOWED; which limit binds is the narrowest (`ledger.limits`). The database repeats none of
this but the guards behind it: no negative balance, no gap, no change of the record, the cap.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ledger import errors
from ledger.choices import ActionType, LimitKind, ReferenceType, Status
from ledger.limits import Bounds
from ledger.money import LARGEST, exponent, written

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.posting import Posting

ALLOWED: dict[Status, set[ActionType]] = {
    Status.OPEN: {ActionType.DEPOSITED, ActionType.WITHDRAWN, ActionType.FROZEN, ActionType.CLOSED},
    Status.FROZEN: {ActionType.UNFROZEN, ActionType.CLOSED},
    Status.CLOSED: set(),
}
BECOMES = {ActionType.FROZEN: Status.FROZEN, ActionType.UNFROZEN: Status.OPEN, ActionType.CLOSED: Status.CLOSED}
REFERENCE_TYPES = frozenset(ReferenceType.values)
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LONGEST = {"comment": 500, "reference": 64, "idempotency_key": 100}


class Change(NamedTuple):
    """What a posting does: the amount added to the balance, and the status it leaves."""

    delta: Decimal
    status: Status


def decide(posting: "Posting", account: "Account", bounds: Bounds, now: datetime) -> Change:
    """Return what the posting does to the account as it stands.

    Raises:
        LedgerError: the first rule that refuses.
    """
    check_texts(posting)
    check_moment(posting.asof, account.created, now)
    check_status(posting.type, account)
    if posting.type == ActionType.DEPOSITED:
        return Change(_deposited(posting, account, bounds), Status.OPEN)
    if posting.type == ActionType.WITHDRAWN:
        return Change(-_withdrawn(posting, account, bounds), Status.OPEN)
    if posting.type == ActionType.CREATED:
        return Change(Decimal(0), Status.OPEN)
    return Change(Decimal(0), _turned(posting, account))


def _deposited(posting: "Posting", account: "Account", bounds: Bounds) -> Decimal:
    amount = valid_amount(posting.amount, account.currency)
    bounds.check(amount, least=LimitKind.MIN_DEPOSIT, most=LimitKind.MAX_DEPOSIT)
    bounds.check(account.balance + amount, most=LimitKind.MAX_BALANCE)
    if account.balance + amount >= LARGEST:
        raise errors.InvalidAmount("The balance would be larger than any account can hold.")
    return amount


def _withdrawn(posting: "Posting", account: "Account", bounds: Bounds) -> Decimal:
    amount = valid_amount(posting.amount, account.currency)
    bounds.check(amount, least=LimitKind.MIN_WITHDRAWAL, most=LimitKind.MAX_WITHDRAWAL)
    if amount > account.balance:
        raise errors.InsufficientFunds(available=account.balance, amount=amount, currency=account.currency)
    return amount


def _turned(posting: "Posting", account: "Account") -> Status:
    if not posting.comment.strip():
        raise errors.ReasonRequired("Give a reason: it becomes part of the record.")
    if posting.type == ActionType.CLOSED and account.balance:
        raise errors.NotEmpty(
            f"The account holds {written(account.balance, account.currency)}; withdraw it before closing."
        )
    return BECOMES[posting.type]


def check_status(kind: ActionType, account: "Account") -> None:
    """Refuse what the account's status does not allow."""
    if kind == ActionType.CREATED and account.version == 0:
        return
    status = Status(account.status)
    if BECOMES.get(kind) == status or kind == ActionType.CREATED:
        raise errors.StatusUnchanged(f"The account is {status.label.lower()} already.", status=status)
    if kind in ALLOWED[status]:
        return
    if status == Status.FROZEN:
        raise errors.AccountFrozen("The account is frozen: unfreeze it first.")
    if status == Status.CLOSED:
        raise errors.AccountClosed("The account is closed for good.")
    raise errors.StatusUnchanged(f"The account is {status.label.lower()}, not frozen.", status=status)


def check_moment(asof: datetime, earliest: datetime, now: datetime) -> None:
    """Refuse a business time without a zone, before the account existed or in the future."""
    if asof.tzinfo is None or asof.utcoffset() is None:
        raise errors.InvalidMoment("The business time needs a time zone.", asof=asof)
    if asof < earliest:
        raise errors.InvalidMoment(f"The account exists since {earliest:%Y-%m-%d %H:%M} only.", asof=asof)
    if asof > now:
        raise errors.InvalidMoment("The business time is in the future.", asof=asof)


def valid_amount(amount: object, currency: str) -> Decimal:
    """Return the amount where it is a positive Decimal that the currency can express; floats are refused."""
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
        text = getattr(posting, name) or ""
        if len(text) > longest:
            raise errors.InvalidText(
                f"The {name.replace('_', ' ')} has {len(text)} characters, {longest} are the most."
            )
        if not storable(text):
            raise errors.InvalidText(f"The {name.replace('_', ' ')} holds a character that cannot be stored.")
    if posting.reference_type not in REFERENCE_TYPES:
        raise errors.InvalidReference(f"There is no reference type {posting.reference_type}.")
    if posting.reference and posting.reference_type == ReferenceType.NONE:
        raise errors.InvalidReference("Say what kind of reference it is.")


def storable(text: str) -> bool:
    """Say whether the text belongs into a record: no control characters but line breaks and tabs, no half surrogates."""
    return not UNSTORABLE.search(text)
