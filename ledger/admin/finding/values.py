"""Amounts and dates as people type them into a search: whatever can be read is found, and nothing is posted by it.

A form refuses what can be read as two amounts (`ledger.admin.amounts`); a search looks for both. Days are those of the site's
zone. No queries.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from django.utils import timezone

from backoffice.days import DAY, EARLIEST
from ledger.admin.amounts import AMOUNTS, APOSTROPHES, SPACES
from ledger.admin.periods import Period, named
from ledger.money import LARGEST

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = "(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|august|september|october|november|december)"
TH = "(?:st|nd|rd|th)?"
NOTHING_BEFORE, NOTHING_BEHIND = r"(?<![\w.,:/@+'-])", r"(?![\w:/@+'-]|[.,]\w)"


class NoDateError(ValueError):
    """What looks like a date and is none."""


def readings(text: str) -> list[Decimal]:
    """Return the amounts that the text can be read as, the larger first: 1234 and 1.234 for `1,234`; none where it is none."""
    typed = SPACES.sub(" ", text.strip()).translate(APOSTROPHES).removeprefix("+")
    found = [(mark, match) for mark in AMOUNTS if (match := AMOUNTS[mark].fullmatch(typed))]
    amounts = {
        Decimal(match["sign"] + re.sub("[^0-9]", "", match["whole"]) + "." + (match["part"] or "0"))
        for _, match in found
    }
    return sorted((amount for amount in amounts if abs(amount) < LARGEST), reverse=True)


def _day(year: str, month: str, day: str) -> Period:
    first = date(int(year), _month(month), int(day))
    return Period(f"{first.day} {first:%b %Y}", first, first)


def _month_of(year: str, month: str) -> Period:
    first = date(int(year), _month(month), 1)
    return Period(f"{first:%B %Y}", first, (first.replace(day=28) + 4 * DAY).replace(day=1) - DAY)


def _year(year: str) -> Period:
    return Period(year, date(int(year), 1, 1), date(int(year), 12, 31))


def _latest(day: str, month: str) -> Period:
    """Return the last such day that has come."""
    today = timezone.localdate()
    this_year = _day(str(today.year), month, day)
    return this_year if this_year.first <= today else _day(str(today.year - 1), month, day)


def _near(back: int) -> Period:
    day = timezone.localdate() - back * DAY
    return Period(f"{day.day} {day:%b %Y}", day, day)


def _called(name: str) -> Period:
    today = timezone.localdate()
    monday = today - today.weekday() * DAY
    weeks = [Period("This week", monday, today), Period("Last week", monday - 7 * DAY, monday - DAY)]
    found = next(one for one in (*weeks, *named(today)) if one.label.lower() == name.lower())
    return found._replace(label=found.label.lower())


def _days(count: str) -> Period:
    today = timezone.localdate()
    return Period(f"the last {count} days", today - (int(count) - 1) * DAY, today)


def _month(text: str) -> int:
    return int(text) if text.isdecimal() else MONTHS.index(text[:3].lower()) + 1


Shape = tuple[re.Pattern[str], Callable[..., Period]]


def _shape(pattern: str, made: Callable[..., Period]) -> Shape:
    return re.compile(NOTHING_BEFORE + pattern + NOTHING_BEHIND, re.IGNORECASE | re.ASCII), made


# What is a date wherever it stands among other words; days come first where numbers alone could be either.
ANYWHERE: list[Shape] = [
    _shape(r"(\d{4})-(\d{1,2})-(\d{1,2})", _day),
    _shape(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})", lambda d, m, y: _day(y, m, d)),
    _shape(r"(\d{1,2})/(\d{1,2})/(\d{4})", lambda d, m, y: _day(y, m, d)),
    _shape(rf"(\d{{1,2}})(?:{TH}|\.) {MONTH}\.?,? (\d{{4}})", lambda d, m, y: _day(y, m, d)),
    _shape(rf"{MONTH}\.? (\d{{1,2}}){TH},? (\d{{4}})", lambda m, d, y: _day(y, m, d)),
    _shape(rf"{MONTH}\.? ((?:19|20)\d{{2}})", lambda m, y: _month_of(y, m)),
    _shape(r"(0?[1-9]|[12]\d|3[01])\. ?(0?[1-9]|1[0-2])\.", _latest),
    _shape("((?:this|last) (?:week|month|quarter|year))", _called),
    _shape(r"last ([1-9]\d{0,2}) days", _days),
    _shape("today", lambda: _near(0)),
    _shape("yesterday", lambda: _near(1)),
]
# What is one only where nothing else is typed: `1 Jan` may be somebody called Jan, `2026` a number.
ALONE: list[Shape] = [
    _shape(rf"(\d{{1,2}})(?:{TH}|\.) {MONTH}\.?", _latest),
    _shape(rf"{MONTH}\.? (\d{{1,2}}){TH}", lambda m, d: _latest(d, m)),
]
BY_ITSELF: list[Shape] = [
    *ANYWHERE,
    *ALONE,
    _shape(r"(\d{4})-(\d{1,2})", _month_of),
    _shape(r"(\d{4})", _year),
]  # behind an operator, which asks for a date


def period_of(text: str) -> Period | None:
    """Return the days that the text means as a whole, None where it is no date. Raises NoDateError: there is no such day."""
    for pattern, made in BY_ITSELF:
        if match := pattern.fullmatch(text.strip()):
            return _read(match, made)
    return None


def periods_in(text: str) -> tuple[list[Period], str]:
    """Return the days that are named among other words, and the words without them. Raises NoDateError."""
    found = []
    for pattern, made in ALONE:
        if match := pattern.fullmatch(text):
            return [_read(match, made)], ""
    for pattern, made in ANYWHERE:
        while match := pattern.search(text):
            found.append(_read(match, made))
            text = f"{text[: match.start()]} {text[match.end() :]}".strip()
    return found, text


def _read(match: re.Match[str], made: Callable[..., Period]) -> Period:
    try:
        period = made(*match.groups())
    except ValueError as error:
        raise NoDateError(f"There is no day “{match[0]}”.") from error
    if period.first < EARLIEST or period.first.year > timezone.localdate().year + 1:
        raise NoDateError(f"“{match[0]}” is outside of the years of the ledger.")
    return period
