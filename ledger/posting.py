"""The engine: one posting is a batch of one.

`post` reads what decides about the postings (`ledger.reading`), decides each in the order given (`ledger.book`, by
`ledger.rules`), and writes all actions in one statement (`ledger.writing`). In that statement the database checks that each
action continues its account, moves the accounts along, and takes the net amount from the cap's slots, locked last.

A single posting outside a transaction is tried without a lock first: its statement locks the accounts and writes nothing
where one of them is not as it was read, and then the posting is decided again under lock. All else locks its accounts in
ascending id before it reads. One transaction should hold one call: accounts of a second call come after the slots of the
first, and two such transactions can deadlock. So can two batches that use the same keys in another order, for other accounts.
PostgreSQL then ends one of them, which is `Contended`.
Callers: the classmethods of the models, the console's commands, imports.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Required, TypedDict
from uuid import UUID

from django.db import IntegrityError, OperationalError, connections, transaction

from backoffice.models import User
from ledger import reading
from ledger.book import Book
from ledger.choices import ActionType, ReferenceType
from ledger.draft import Draft
from ledger.errors import BatchTooLarge, ExceedsCap, InvalidPosting, LedgerError
from ledger.refused import deadlocked, translating
from ledger.writing import write, write_unlocked

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.models.action import Action
    from ledger.models.approval import Approval
    from ledger.models.hold import Hold

LARGE = 1_000  # postings
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


class TransferRequest(MoneyRequest, total=False):
    """The keywords of a transfer; `to` is the uid of the account that receives."""

    to: Required[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What somebody asks for. `amount` is positive, in the account's currency; `asof` is the business time.

    `to` is the other account of a transfer. `reverses` is the action that goes back, `counter` the other leg of its
    transfer. `hold` is the hold that is captured or released, `expires` the end of a new one. With `approval` the
    threshold is not asked.
    """

    type: ActionType
    uid: UUID
    by: User
    asof: datetime
    amount: Decimal = Decimal(0)
    reference_type: str = ReferenceType.NONE
    reference: str = ""
    comment: str = ""
    idempotency_key: str | None = None
    to: UUID | None = None
    reverses: "Action | None" = None
    counter: "Action | None" = None
    hold: "Hold | None" = None
    expires: datetime | None = None
    approval: "Approval | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became, or would become, of a posting: its actions, or the error that refused it.

    `account` is shared by all outcomes of a batch and stands as the whole batch left it; `action.balance` and
    `balance_before` are this posting's own. `replayed`: the key had posted it before, and nothing was posted now.
    """

    posting: Posting
    account: "Account | None" = None
    drafts: Sequence[Draft] = ()
    error: LedgerError | None = None
    replayed: bool = False

    @property
    def action(self) -> "Action | None":
        """The action on the posting's account; None where it was refused."""
        return self.drafts[0].action if self.drafts else None

    @property
    def actions(self) -> "list[Action]":
        """All actions of the posting: a transfer has two."""
        return [draft.action for draft in self.drafts]

    def legs(self) -> "list[Action]":
        """Return all actions of the posting, those of a repeated transfer too, which a key returns by its first."""
        actions = self.actions
        if self.replayed and actions[0].transfer:
            actions += actions[0].counterparts()
        return actions

    @property
    def balance_before(self) -> Decimal | None:
        """The balance before this posting; None where it was refused."""
        return self.drafts[0].row.balance - self.drafts[0].row.delta if self.drafts else None

    def unwrap(self) -> "tuple[Account, Action]":
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
        InvalidPosting: an approval that is not in the database; nothing has changed.
        BatchTooLarge: more than LARGEST_BATCH postings; nothing has changed.
        LedgerError: with `all_or_nothing`, the first refusal; nothing has changed.
        IdempotencyConflict: a key was used by another account at this very moment; nothing has changed.
        Contended: another batch used the same keys in another order at this very moment; nothing has changed, try again.
    """
    if any(posting.approval is not None and posting.approval.pk is None for posting in postings):
        raise InvalidPosting("An approval that nobody gave lets nothing pass.")
    if len(postings) > LARGEST_BATCH:
        raise BatchTooLarge(f"A batch holds {LARGEST_BATCH:,} postings at most, this one has {len(postings):,}.")

    with _collected_later(len(postings)):
        return _post(accounts, postings, using, all_or_nothing=all_or_nothing)


@contextmanager
def _collected_later(size: int) -> Iterator[None]:
    """Make a large batch without the garbage collector, which would look at all of its objects again and again."""
    pause = size >= LARGE and gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()


def _post(accounts: type["Account"], postings: Sequence[Posting], using: str, *, all_or_nothing: bool) -> list[Outcome]:
    def decided(prepare: Callable[[Book], None] = lambda book: None) -> list[Outcome]:
        book = reading.read(accounts, postings, using)
        prepare(book)
        outcomes = [_decide(book, posting) for posting in postings]
        if all_or_nothing:
            _raise_first(outcomes)
        write(book.drafts, using)
        return outcomes

    if len(postings) == 1 and not connections[using].in_atomic_block:
        outcomes = _tried(accounts, postings, using)
        if outcomes:
            return outcomes
    try:
        return _locked(postings, using, decided)
    except ExceedsCap:
        return _locked(postings, using, lambda: decided(reading.lock_headroom))


def _tried(accounts: type["Account"], postings: Sequence[Posting], using: str) -> list[Outcome]:
    """Post without a lock beforehand; nothing is returned where that has to be decided under lock.

    That is where somebody moved an account since it was read or used the key, where the statement was ended in a deadlock,
    and where it is refused: what was read in several statements without a lock may never have been true at one moment, and
    only a write is checked by the database.
    """
    book = reading.read(accounts, postings, using)
    outcomes = [_decide(book, posting) for posting in postings]
    try:
        done = outcomes[0].error is None and write_unlocked(book.drafts, using)
    except IntegrityError:
        done = False
    except OperationalError as error:
        if not deadlocked(error):
            raise
        done = False
    return outcomes if done else []


def _locked(postings: Sequence[Posting], using: str, decided: Callable[[], list[Outcome]]) -> list[Outcome]:
    """Lock the accounts, then decide and write. The cap is left to the database until it refuses.

    Then all slots are locked and weighed posting by posting.
    """
    with translating(), transaction.atomic(using=using):
        reading.lock(postings, using)
        return decided()


def _decide(book: Book, posting: Posting) -> Outcome:
    """Fold one posting over the book."""
    try:
        account, drafts, replayed = book.apply(posting)
    except LedgerError as error:
        return Outcome(posting=posting, account=book.known(posting.uid), error=error)
    return Outcome(posting=posting, account=account, drafts=drafts, replayed=replayed)


def _raise_first(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if not outcome.drafts:
            outcome.unwrap()


def preview(accounts: type["Account"], postings: Sequence[Posting], *, using: str = "default") -> list[Outcome]:
    """Return what `post` would do now: the same book and rules, without locks and without a write."""
    book = reading.read(accounts, postings, using)
    outcomes = [_decide(book, posting) for posting in postings]
    reading.read_headroom(book)
    if book.fits():
        return outcomes
    book = reading.read(accounts, postings, using)
    reading.read_headroom(book)
    return [_decide(book, posting) for posting in postings]
