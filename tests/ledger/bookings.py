"""Accounts with whatever happened to them in whatever order, for tests of what is asked about the past."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from hypothesis import strategies as st

from backoffice.models import User
from ledger.choices import ActionType
from ledger.errors import LedgerError
from ledger.models import Account, Action
from ledger.posting import Posting
from tests.cast import LONG_AGO

HOUR = timedelta(hours=1)


class Booked(NamedTuple):
    """One thing that was booked: what, how much, for which hour since LONG_AGO; `returned` picks what is given back."""

    kind: str
    amount: int
    hour: int
    returned: int


BOOKED = st.lists(
    st.builds(
        Booked,
        st.sampled_from(["in", "in", "out", "hold", "reverse", "refund"]),
        st.integers(1, 50),
        st.integers(0, 8),
        st.integers(0, 9),
    ),
    max_size=12,
)


def hour(number: float) -> datetime:
    return LONG_AGO + number * HOUR


def book(account: Account, booked: Sequence[Booked], by: User) -> list[Action]:
    """Book one after the other, whatever a rule refuses left out; return all actions of the account."""
    for each in booked:
        try:
            _book(account, each, by)
        except LedgerError:
            continue
    return list(account.actions.order_by("version"))


def _book(account: Account, booked: Booked, by: User) -> None:
    asof, amount = hour(booked.hour), Decimal(booked.amount)
    if booked.kind in {"reverse", "refund"}:
        moves = list(account.actions.filter(type__in=["deposited", "withdrawn"]).order_by("version"))
        if not moves:
            return
        uid = moves[booked.returned % len(moves)].uid
        if booked.kind == "reverse":
            Action.reverse(uid=uid, by=by, asof=asof, comment="A mistake")
        else:
            Action.refund(uid=uid, amount=amount, by=by, asof=asof, comment="A mistake")
        return
    kind = {"in": ActionType.DEPOSITED, "out": ActionType.WITHDRAWN, "hold": ActionType.HELD}[booked.kind]
    Account.post_batch([Posting(type=kind, uid=account.uid, amount=amount, by=by, asof=asof)])[0].unwrap()


@contextmanager
def taken_back() -> Iterator[None]:
    """Run a block and undo what it wrote: examples of hypothesis do not see each other."""
    sid = transaction.savepoint()
    yield
    transaction.savepoint_rollback(sid)


def reads() -> tuple[int, int]:
    """Return how often this transaction scanned the actions from end to end, and how many rows its indexes led to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'ledger_action'")
        [row] = cursor.fetchall()
    return tuple(row)


def fill(account: Account, count: int, by: User, *, back_dated: int = 0) -> None:
    """Book `count` deposits of 1, an hour apart each, in a few statements, and then some for earlier hours."""
    hours = [1 + number for number in range(count)] + [1.5 + number for number in range(back_dated)]
    postings = [
        Posting(type=ActionType.DEPOSITED, uid=account.uid, amount=Decimal(1), by=by, asof=hour(number / 100))
        for number in hours
    ]
    for outcome in Account.post_batch(postings):
        outcome.unwrap()
