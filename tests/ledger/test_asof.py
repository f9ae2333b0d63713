"""Balances as of a moment are what adding up all deltas until then comes to, and are found without adding them up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.models import Entity, User
from ledger import errors
from ledger.choices import Clock
from ledger.models import Account
from tests.cast import LONG_AGO, OpenAccount
from tests.ledger.bookings import BOOKED, Booked, book, fill, hour, reads, taken_back

pytestmark = pytest.mark.django_db
PROPERTY = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
INSTANT = timedelta(microseconds=1)


def added_up(account: Account, moment: datetime, clock: Clock) -> Decimal:
    """The naive way."""
    until = [action.delta for action in account.actions.all() if getattr(action, clock) <= moment]
    return sum(until, Decimal(0))


@PROPERTY
@given(booked=BOOKED)
def test_balance_then_is_the_sum_of_all_deltas_until_then(
    open_account: OpenAccount, agent: User, booked: list[Booked]
) -> None:
    with taken_back():
        account = open_account()
        actions = book(account, booked, agent)
        for clock in Clock:
            times = {getattr(action, clock) for action in actions}
            moments = {time + shift for time in times for shift in (-INSTANT, timedelta(0), INSTANT)}
            for moment in moments | {LONG_AGO - timedelta(days=9), timezone.now()}:
                assert account.balance_at(moment=moment, clock=clock) == added_up(account, moment, clock)


@PROPERTY
@given(booked=st.lists(BOOKED, min_size=3, max_size=3), at=st.integers(0, 9), clock=st.sampled_from(Clock))
def test_many_balances_and_totals_are_those_of_each(
    open_account: OpenAccount, agent: User, booked: list[list[Booked]], at: int, clock: Clock
) -> None:
    with taken_back():
        accounts = [open_account(currency=currency) for currency in ("CZK", "CZK", "JPY")]
        for account, bookings in zip(accounts, booked, strict=True):
            book(account, bookings, agent)
        moment = hour(at) if clock == Clock.BUSINESS else accounts[1].actions.latest().recorded
        expected = {account.uid: added_up(account, moment, clock) for account in accounts}
        assert Account.balances_at(uids=list(expected), moment=moment, clock=clock) == expected
        first, second, third = expected.values()
        assert Account.totals_at(moment=moment, clock=clock) == {"CZK": first + second, "JPY": third}


def test_back_dated_action_changes_what_was_and_not_what_the_books_said(account: Account, agent: User) -> None:
    before, past = timezone.now(), LONG_AGO + timedelta(days=2)
    assert account.balance_at(moment=past) == 100
    Account.deposit(uid=account.uid, amount=Decimal(7), by=agent, asof=LONG_AGO + timedelta(hours=3))
    assert account.balance_at(moment=past) == 107
    assert account.balance_at(moment=before, clock=Clock.RECORDING) == 100
    assert account.balance_at(moment=timezone.now(), clock=Clock.RECORDING) == 107


@pytest.mark.parametrize("clock", Clock)
def test_nothing_was_there_before_the_account_and_stays_after_its_end(
    account: Account, agent: User, clock: Clock
) -> None:
    assert account.balance_at(moment=LONG_AGO - INSTANT, clock=clock) == 0
    Account.withdraw(uid=account.uid, amount=Decimal(100), by=agent, asof=timezone.now())
    moment = timezone.now()
    Account.close(uid=account.uid, by=agent, asof=timezone.now(), comment="Moved away")
    assert account.balance_at(moment=moment, clock=clock) == 0
    assert account.balance_at(moment=datetime(2999, 1, 1, tzinfo=UTC), clock=clock) == 0
    assert account.balance_at(moment=LONG_AGO + timedelta(days=1)) == 100


@pytest.mark.parametrize("clock", Clock)
def test_moment_without_a_zone_is_refused(account: Account, clock: Clock) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  what is refused
    with pytest.raises(errors.InvalidMoment, match="needs a time zone"):
        account.balance_at(moment=naive, clock=clock)
    with pytest.raises(errors.InvalidMoment):
        Account.balances_at(uids=[account.uid], moment=naive, clock=clock)
    with pytest.raises(errors.InvalidMoment):
        Account.totals_at(moment=naive, clock=clock)
    with pytest.raises(errors.InvalidMoment):
        account.statement(since=naive, until=naive)


def test_unknown_account_among_many_is_refused(account: Account, now: datetime) -> None:
    unknown = uuid4()
    with pytest.raises(errors.UnknownAccount, match=str(unknown)):
        Account.balances_at(uids=[account.uid, unknown], moment=now)


def test_entity_s_total_is_that_of_its_branch(
    open_account: OpenAccount, agent: User, nord: Entity, now: datetime
) -> None:
    top = Entity.objects.create(code="top", name="Top")
    nord.parent = top
    nord.save()
    beside = Entity.objects.create(code="beside", name="Beside")
    open_account("30")
    open_account("4", currency="EUR")
    assert Account.totals_at(moment=now, entity=top) == {"CZK": 30, "EUR": 4}
    assert Account.totals_at(moment=now, entity=beside) == {}
    assert Account.totals_at(moment=now) == Account.totals_at(moment=now, entity=nord)


@pytest.mark.parametrize("clock", Clock)
def test_balance_then_is_found_by_index_and_a_few_rows(open_account: OpenAccount, agent: User, clock: Clock) -> None:
    account = open_account()
    fill(account, 3_000, agent, back_dated=40)
    moments = [hour(10), hour(20), account.actions.get(version=1_500).recorded]
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")  # an earlier test's, of a table with nothing in it
    scans, rows = reads()
    for moment in moments:
        account.balance_at(moment=moment, clock=clock)
        Account.totals_at(moment=moment, clock=clock)
    assert reads()[0] == scans
    assert reads()[1] - rows < 2 * len(moments) * (
        12 + 1 + 40 + 2
    )  # of 3,000: the bisection, the answer, the back-dated
