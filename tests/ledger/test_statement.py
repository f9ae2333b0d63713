"""A statement's opening and movements come to its closing, whatever was booked in whatever order, page by page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Action
from ledger.statement import Position, Statement
from tests.cast import LONG_AGO, OpenAccount
from tests.ledger.bookings import BOOKED, Booked, book, fill, hour, reads, taken_back

pytestmark = pytest.mark.django_db
PROPERTY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def naive(actions: list[Action], since: datetime, until: datetime) -> tuple[Decimal, list[Action]]:
    """Return the opening and the movements of a period by looking at everything."""
    opening = sum((action.delta for action in actions if action.created < since), Decimal(0))
    within = [action for action in actions if since <= action.created < until and action.delta]
    return opening, sorted(within, key=lambda action: (action.created, action.version))


def paged(statement: Statement, most: int) -> list[tuple[int, Decimal]]:
    """Return version and balance of all movements, read page by page."""
    found: list[tuple[int, Decimal]] = []
    after = None
    while True:
        page = statement.page(after=after, most=most)
        assert page.carried == (found[-1][1] if found else statement.opening)
        found += [(movement.action.version, movement.balance) for movement in page.movements]
        after = Position.parse(str(page.next)) if page.next else None
        if after is None:
            assert page.balance == statement.closing
            return found


@PROPERTY
@given(
    booked=BOOKED,
    ends=st.tuples(st.integers(-1, 9), st.integers(-1, 10)),
    most=st.integers(1, 4),
    known=st.integers(1, 20),
)
def test_opening_and_movements_come_to_the_closing(  # noqa: PLR0917  fixtures, and what hypothesis gives
    open_account: OpenAccount, agent: User, booked: list[Booked], ends: tuple[int, int], most: int, known: int
) -> None:
    since, until = (hour(end) for end in sorted(ends))
    with taken_back():
        account = open_account()
        actions = book(account, booked, agent)
        for statement, of in (
            (account.statement(since=since, until=until), actions),
            (account.statement(since=since, until=until, known=known), actions[:known]),
        ):
            opening, expected = naive(of, since, until)
            deltas = [action.delta for action in expected]
            assert statement.known == len(of)
            assert statement.opening == opening
            assert statement.closing == opening + sum(deltas)
            assert statement.came_in == sum(delta for delta in deltas if delta > 0)
            assert statement.went_out == -sum(delta for delta in deltas if delta < 0)
            balances = [opening + sum(deltas[: number + 1]) for number in range(len(deltas))]
            found = [(action.version, balance) for action, balance in zip(expected, balances, strict=True)]
            assert paged(statement, most) == found
            assert [(line.action.version, line.balance) for line in statement.movements()] == found


def test_closing_of_a_period_is_the_opening_of_the_next(account: Account, agent: User) -> None:
    Account.deposit(uid=account.uid, amount=Decimal(5), by=agent, asof=hour(30))
    first = account.statement(since=hour(0), until=hour(30))
    second = account.statement(since=hour(30), until=hour(60))
    assert (first.opening, first.closing, second.opening, second.closing) == (0, 100, 100, 105)
    assert [line.action.delta for line in second.movements()] == [5]


@pytest.mark.parametrize(
    ("since", "balance"), [(datetime(1, 1, 1, tzinfo=UTC), 0), (datetime(2998, 1, 1, tzinfo=UTC), 100)]
)
def test_period_outside_of_the_account_s_life_is_empty(account: Account, since: datetime, balance: int) -> None:
    statement = account.statement(since=since, until=since + timedelta(days=300))
    assert (statement.opening, statement.closing) == (balance, balance)
    assert (statement.came_in, statement.went_out, list(statement.movements())) == (0, 0, [])


def test_period_that_ends_before_it_begins_is_refused(account: Account) -> None:
    with pytest.raises(errors.InvalidMoment, match="ends before it begins"):
        account.statement(since=hour(1), until=hour(0))


def test_page_goes_on_where_it_was_whatever_is_booked_meanwhile(account: Account, agent: User) -> None:
    for _ in range(3):
        Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=hour(30))
    statement = account.statement(since=hour(0), until=timezone.now())
    first = statement.page(most=2)
    Account.deposit(uid=account.uid, amount=Decimal(50), by=agent, asof=hour(25))
    Account.deposit(uid=account.uid, amount=Decimal(60), by=agent, asof=hour(31))
    again = account.statement(since=hour(0), until=statement.until, known=statement.known)
    assert again == statement
    rest = again.page(after=first.next)
    assert [line.balance for line in (*first.movements, *rest.movements)] == [100, 101, 102, 103]
    assert account.statement(since=hour(0), until=timezone.now()).closing == 213


@pytest.mark.parametrize("text", ["", "~", "2026-01-01~", "x~1", "2026-01-01T00:00:00~x"])
def test_position_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Position.parse(text)


@pytest.mark.parametrize("back_dated", [0, 40])
def test_page_of_a_long_statement_reads_a_few_rows_wherever_it_is(
    open_account: OpenAccount, agent: User, back_dated: int
) -> None:
    account = open_account()
    fill(account, 3_000, agent, back_dated=back_dated)
    account.refresh_from_db()
    middle = account.actions.get(version=1_500)
    scans, rows = reads()
    statement = account.statement(since=LONG_AGO, until=LONG_AGO + timedelta(days=365))
    assert len(statement.page(after=Position(middle.created, middle.version)).movements) == 50
    assert len(statement.page().movements) == 50
    assert reads()[0] == scans
    # Of 3,000: two pages, five bisections, the back-dated a few times over.
    assert reads()[1] - rows < 2 * 51 + 5 * 14 + 6 * back_dated + 20
