"""What our clients do: the ledger's public classmethods, each behind one function that says how it is called today.

The functions return an operation for `bench.host`, which calls it in a process of its own.
"""

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from backoffice.models import User
from backoffice.scope import acting_throughout
from bench.host import Operation
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.posting import Posting
from ledger.statement import Statement

SAMPLE = 20_000  # accounts that a client knows; of a million, so many spread evenly
PAGE = 25
ONE = Decimal(1)
ENTERED: list[AbstractContextManager[None]] = []


def deposit(*, hot: bool = False) -> Operation:
    """Deposit to a random account, or always to one."""
    known, staff = uids()[: 1 if hot else None], staff_member()

    def operation() -> int:
        Account.deposit(uid=random.choice(known), amount=ONE, by=staff, asof=timezone.now())
        return 1

    return operation


def transfer() -> Operation:
    """Transfer between two random accounts that can afford it."""
    known, staff = uids(), staff_member()

    def operation() -> int:
        source, to = random.sample(known, 2)
        transferred(source, to, staff)
        return 1

    return operation


TRANSFER = "Account.transfer"


def transferred(source: UUID, to: UUID, staff: User) -> None:
    """Transfer one."""
    Account.transfer(uid=source, to=to, amount=ONE, by=staff, asof=timezone.now())


def batch(*, size: int) -> Operation:
    """Post a batch of deposits, spread over the accounts."""
    known, staff = uids(), staff_member()

    def operation() -> int:
        now = timezone.now()
        outcomes = Account.post_batch([_posting(uid, staff, now) for uid in random.choices(known, k=size)])
        if any(outcome.error for outcome in outcomes):
            raise RuntimeError("A posting was refused.")
        return size

    return operation


def _posting(uid: UUID, staff: User, now: datetime) -> Posting:
    return Posting(type=ActionType.DEPOSITED, uid=uid, by=staff, asof=now, amount=ONE)


BALANCE_AT = "Account.balance_at"


def balance_at() -> Operation:
    """Read the balance of a random account at a random moment of its life."""
    known, (begun, ended) = accounts(), lifetime()

    def operation() -> int:
        moment = begun + random.random() * (ended - begun)
        Account(pk=random.choice(known)).balance_at(moment=moment)
        return 1

    return operation


STATEMENT = "the first page of a Statement"


def statement() -> Operation:
    """Read the first page of a random account's statement that begins at a random moment: opening, movements, closing."""
    known, (begun, ended) = accounts(), lifetime()

    def operation() -> int:
        since = begun + random.random() * (ended - begun)
        account = Account.objects.select_related("user", "entity").get(pk=random.choice(known))
        Statement.of(account, since=since, until=ended).page(most=PAGE)
        return 1

    return operation


def see_everything() -> None:
    """Enter the scope of a worker that sees every entity."""
    enter(acting_throughout(actor=staff_member().pk, username="staff", request_id="bench"))


def enter(scope: AbstractContextManager[None]) -> None:
    """Enter a scope for as long as the process lives; one that nobody holds would end at once."""
    scope.__enter__()
    ENTERED.append(scope)


def lifetime() -> tuple[datetime, datetime]:
    """Return the business times of the first and last posting that were loaded."""
    first, last = Action.objects.earliest("id"), Action.objects.order_by("id").last()
    return first.created, last.created if last else datetime.now(UTC)


def uids() -> Sequence[UUID]:
    """Return the accounts to post to, which this process sees from now on."""
    see_everything()
    every = max(1, Account.objects.count() // SAMPLE)
    return list(Account.objects.extra(where=["id %% %s = 0"], params=[every]).values_list("uid", flat=True))


def accounts() -> Sequence[int]:
    """Return the ids of the accounts to read, which this process sees from now on."""
    see_everything()
    return list(Account.objects.order_by("id").values_list("id", flat=True)[:SAMPLE])


def staff_member() -> User:
    """Return who posts."""
    return User.objects.get(username="staff")
