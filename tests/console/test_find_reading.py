"""What was typed into a search, taken apart: amounts, dates, operators and words. No database."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from ledger.admin.finding.reading import read
from ledger.admin.finding.values import NoDateError, period_of, periods_in, readings

TODAY = timezone.localdate()


@pytest.mark.parametrize(
    ("typed", "amounts"),
    [
        ("1.234,50", ["1234.50"]), ("1,234.50", ["1234.50"]), ("1234.5", ["1234.5"]), ("1234,5", ["1234.5"]),
        ("1 234,50", ["1234.50"]), ("1\N{NO-BREAK SPACE}234.50", ["1234.50"]), ("1'234.50", ["1234.50"]),
        ("1,234", ["1234", "1.234"]), ("1.234", ["1234", "1.234"]), ("1.234.567", ["1234567"]), ("1500", ["1500"]),
        ("-50", ["-50"]), ("+50", ["50"]), ("1,2,3", []), ("12.34.56", []), ("abc", []), ("", []), ("9" * 40, []),
    ],
)  # fmt: skip
def test_amount_is_read_however_it_is_typed(typed: str, amounts: list[str]) -> None:
    assert readings(typed) == [Decimal(amount) for amount in amounts]


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("2026-01-02", date(2026, 1, 2), date(2026, 1, 2)), ("02.01.2026", date(2026, 1, 2), date(2026, 1, 2)),
        ("2. 1. 2026", date(2026, 1, 2), date(2026, 1, 2)), ("2/1/2026", date(2026, 1, 2), date(2026, 1, 2)),
        ("2 Jan 2026", date(2026, 1, 2), date(2026, 1, 2)), ("2nd january, 2026", date(2026, 1, 2), date(2026, 1, 2)),
        ("Jan 2, 2026", date(2026, 1, 2), date(2026, 1, 2)), ("Feb 2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)), ("2025", date(2025, 1, 1), date(2025, 12, 31)),
    ],
)  # fmt: skip
def test_date_is_read_however_it_is_typed(typed: str, first: date, last: date) -> None:
    period = period_of(typed)
    assert period
    assert (period.first, period.last) == (first, last)


def test_today_is_a_date() -> None:
    before, period, after = timezone.localdate(), period_of("today"), timezone.localdate()
    assert period
    assert before <= period.first == period.last <= after


def test_day_without_a_year_is_the_last_such_day_that_has_come() -> None:
    period = period_of(f"{TODAY.day} {TODAY:%b}")
    assert period
    assert period.first in {TODAY, TODAY.replace(year=TODAY.year - 1)}
    assert period.first <= TODAY


def test_periods_are_called_as_filters_call_them_and_a_day_needs_no_year() -> None:
    monday, first = TODAY - timedelta(days=TODAY.weekday()), TODAY.replace(day=1)
    before = first - timedelta(days=1)
    spans = {
        "this week": (monday, TODAY), "Last week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "this month": (first, TODAY), "last month": (before.replace(day=1), before), "last 7 days": (TODAY - timedelta(days=6), TODAY),
    }  # fmt: skip
    for typed, span in spans.items():
        [found], rest = periods_in(f"nov {typed}")
        assert ((found.first, found.last), rest) == (span, "nov"), typed
    for typed in (f"{TODAY.day}.{TODAY.month}.", f"{TODAY:%d.%m.}", f"{TODAY.day}. {TODAY.month}."):
        assert [one.first for one in periods_in(typed)[0]] == [TODAY], typed
    assert [term.said for term in read("45.13.").terms] == ["Amount 45.13"]


@pytest.mark.parametrize(
    "typed", ["Jana", "Marek 2026x", "2026-1-", "12:30", "1 Jana 2026", "K7M-Q4X-VPC", "2024-0001"]
)
def test_what_is_no_date_stays_a_word(typed: str) -> None:
    assert periods_in(typed) == ([], typed)


@pytest.mark.parametrize("typed", ["2026-02-30", "31.13.2026", "0 Jan 2026", "1 Jan 9999", "1.1.1066"])
def test_day_that_is_none_is_told(typed: str) -> None:
    with pytest.raises(NoDateError, match=r"no day|outside"):
        period_of(typed)


@pytest.mark.parametrize(
    ("typed", "words", "said"),
    [
        ("jana nov", "jana nov", []),
        ("jana 1.234,50", "jana", ["Amount 1,234.5"]),
        ("nov 2 Jan 2026", "nov", ["Happened on 2 Jan 2026"]),
        ("CZK 1500 jana", "jana", ["In CZK", "Amount 1,500"]),
        ("1,500.00 EUR", "", ["In EUR", "Amount 1,500"]),
        ("-50", "", ["Taken: 50"]),
        ("1,234", "", ["Amount 1,234 or 1.234"]),
        ("XYZ 1500", "XYZ 1500", []),
        ("20240001", "20240001", []),
        ("c1234@example.com", "c1234@example.com", []),
        ("x.12.50@example.com", "x.12.50@example.com", []),
        ('"1,500.00"', "1,500.00", []),
        ('"INV:17" nov', "INV:17 nov", []),
        ("status:frozen balance:>1,000 nov", "nov", ["The account is frozen", "Balance over 1,000"]),
        ("status: Frozen balance: >= 1000", "", ["The account is frozen", "Balance at least 1,000"]),
        ("held:>0 currency:czk", "", ["Held over 0", "In CZK"]),
        ("type:transfer", "", ["Type: Transferred out or Transferred in"]),
        ("type:hold_placed amount:<5", "", ["Type: Hold placed", "Amount under 5"]),
        ('since:2026-01 until:"2 Feb 2026"', "", ["Happened since 1 Jan 2026", "Happened until 2 Feb 2026, that day too"]),
        ("STATUS:OPEN", "", ["The account is open"]),
        ("type:withdrawal balance:100..1,200.5 nov", "nov", ["Type: Withdrawn", "Balance 100 to 1,200.5"]),
        ("amount:5..7", "", ["Amount 5 to 7"]),
    ],
)  # fmt: skip
def test_search_is_taken_apart(typed: str, words: str, said: list[str]) -> None:
    found = read(typed)
    assert (found.words, [term.said for term in found.terms], found.problems) == (words, said, [])


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("colour:red", "There is no operator “colour:”. There are status, entity,"),
        ("status:blue", "There is no status “blue”. There are: open, frozen, closed."),
        ("status:", "Say what status: is to be, such as status:frozen."),
        ("type:magic", "There is no type “magic”. There are: created, deposited,"),
        ("currency:XYZ", "“XYZ” is no currency"),
        ("balance:lots", "“lots” is no amount: write balance:1234.50"),
        ("amount:>", "“>” is no amount"),
        ("balance:200..100", "“200..100” begins above its end: write balance:100..200."),
        ("balance:1..many", "“many” is no amount"),
        ("since:never", "“never” is no date: write since:2026-01-31"),
        ("until:2026-02-30", "There is no day “2026-02-30”."),
        ("30.02.2026", "There is no day “30.02.2026”."),
        ("x" * 401, "longer than 400 characters"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told(typed: str, problem: str) -> None:
    [said] = read(typed).problems
    assert problem in said


def test_plain_number_is_a_word_first_and_an_amount_when_asked() -> None:
    assert (read("nov 1500").words, read("nov 1500").has_number) == ("nov 1500", True)
    again = read("nov 1500", numbers=True)
    assert (again.words, [term.said for term in again.terms]) == ("nov", ["Amount 1,500"])
