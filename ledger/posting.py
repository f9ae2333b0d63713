"""The engine: one posting is a batch of one.

`post` locks the accounts in ascending id, reads limits and what the keys posted before (`ledger.book`), decides each
posting in the order given (`ledger.rules`), and writes all actions in one statement (`Action.write`). In that statement
the database checks that each action continues its account, moves the accounts along, and takes the net amount from the
cap's slots, which are locked last. One transaction should hold one call: accounts of a second call come after the slots
of the first, and two such transactions can deadlock (PostgreSQL then ends one of them).
Callers: the classmethods of `Account`, the console's commands, imports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Required, TypedDict
from uuid import UUID

from django.db import IntegrityError, transaction

from backoffice.models import User
from ledger.book import Book
from ledger.choices import ActionType, ReferenceType
from ledger.errors import BatchTooLarge, ExceedsCap, LedgerError
from ledger.models.action import Action
from ledger.refused import translated

if TYPE_CHECKING:
    from ledger.models.account import Account

LARGEST_BATCH = 100_000  # postings that one transaction should hold, by the memory they take


class StatusRequest(TypedDict, total=False):
    """The keywords of a posting that moves no money."""

    uid: Required[UUID]
    by: Required[User]
    asof: Required[datetime]
    comment: str
    idempotency_key: str | None


class MoneyRequest(StatusRequest, total=False):
    """The keywords of a posting that moves money."""

    amount: Required[Decimal]
    reference_type: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What somebody asks for. `amount` is positive, in the account's currency; `asof` is the business time."""

    type: ActionType
    uid: UUID
    by: User
    asof: datetime
    amount: Decimal = Decimal(0)
    reference_type: str = ReferenceType.NONE
    reference: str = ""
    comment: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became, or would become, of a posting: an action, or the error that refused it.

    `account` is shared by all outcomes of a batch and stands as the whole batch left it; `action.balance` and
    `balance_before` are this posting's own. `replayed`: the key had posted it before, and nothing was posted now.
    """

    posting: Posting
    account: "Account | None" = None
    action: Action | None = None
    error: LedgerError | None = None
    replayed: bool = False

    @property
    def balance_before(self) -> Decimal | None:
        """The balance before this posting; None where it was refused."""
        return self.action.balance - self.action.delta if self.action else None

    def unwrap(self) -> tuple["Account", Action]:
        """Return account and action, or raise the error."""
        if self.account is None or self.action is None:
            raise self.error or LedgerError("The posting was not decided.")
        return self.account, self.action


def post(
    accounts: type["Account"], postings: Sequence[Posting], *, using: str = "default", all_or_nothing: bool = False
) -> list[Outcome]:
    """Post a batch and return an outcome a posting, in their order.

    A refused posting leaves no trace and does not hinder the others, unless `all_or_nothing`.

    Raises:
        BatchTooLarge: more than LARGEST_BATCH postings; nothing has changed.
        LedgerError: with `all_or_nothing`, the first refusal; nothing has changed.
        IdempotencyConflict: a key was used by another account at this very moment; nothing has changed.
    """
    if len(postings) > LARGEST_BATCH:
        raise BatchTooLarge(f"A batch holds {LARGEST_BATCH:,} postings at most, this one has {len(postings):,}.")
    try:
        return _attempt(accounts, postings, using, all_or_nothing, weigh_cap=False)
    except ExceedsCap:
        return _attempt(accounts, postings, using, all_or_nothing, weigh_cap=True)


def _attempt(
    accounts: type["Account"], postings: Sequence[Posting], using: str, all_or_nothing: bool, *, weigh_cap: bool
) -> list[Outcome]:
    """Post once. The cap is left to the database until it refuses; then all slots are locked and weighed one by one."""
    try:
        with transaction.atomic(using=using):
            book = Book.locked(accounts, postings, using)
            if weigh_cap:
                book.lock_headroom()
            outcomes = [_decide(book, posting) for posting in postings]
            if all_or_nothing:
                _raise_first(outcomes)
            Action.write([outcome.action for outcome in outcomes if outcome.action], using=using)
            return outcomes
    except IntegrityError as error:
        raise translated(error) from error


def _decide(book: Book, posting: Posting) -> Outcome:
    """Fold one posting over the book."""
    try:
        account, action, replayed = book.apply(posting)
    except LedgerError as error:
        return Outcome(posting=posting, account=book.accounts.get(posting.uid), error=error)
    return Outcome(posting=posting, account=account, action=action, replayed=replayed)


def _raise_first(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        outcome.unwrap()


def preview(accounts: type["Account"], postings: Sequence[Posting], *, using: str = "default") -> list[Outcome]:
    """Return what `post` would do now: the same book and rules, without locks and without a write."""
    book = Book.read(accounts, postings, using)
    return [_decide(book, posting) for posting in postings]
