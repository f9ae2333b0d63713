"""Charts: what is drawn where, and that the table behind a chart has every value in words."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from backoffice.charts import Column, Point, columns, line

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HEADINGS = ("Day", "Balance")


def points(*values: int) -> list[Point]:
    return [Point(DAY + timedelta(number), Decimal(value), f"day {number}", f"CZK {value}") for number, value in enumerate(values)]  # fmt: skip


def test_line_of_a_balance_steps_from_value_to_value_and_keeps_the_last() -> None:
    drawn = line("b", "Balance", "Up", points(0, 10, 5), until=(DAY + timedelta(4), "now"), headings=HEADINGS)
    assert re.findall(r' d="([^"]+)" fill="none"', drawn) == ["M0 196H250V4H500V100H1000"]
    assert re.findall(r'<th scope="row">([^<]+)</th><td class="amount">([^<]+)</td>', drawn) == [
        ("day 0", "CZK 0"),
        ("day 1", "CZK 10"),
        ("day 2", "CZK 5"),
    ]
    assert "<span>day 0</span><span>now</span>" in drawn


def test_columns_mark_what_is_usual_and_go_below_zero() -> None:
    given = [Column("In", Decimal(3), "3", Decimal(5), "5"), Column("Out", Decimal(-5), "-5")]
    drawn = columns("c", "Today", "", given, headings=("Type", "Today", "Usually"))
    assert re.findall(r' y="([^"]+)" width="350" height="([^"]+)"', drawn) == [("42.4", "57.6"), ("100", "96")]
    assert re.findall(r'class="chart-usual" x1="0" x2="500" y1="4" y2="4"', drawn) != []
    assert "<title>In: 3, usually 5</title>" in drawn
    assert "<title>Out: -5</title>" in drawn


def test_chart_is_named_escapes_what_it_is_given_and_has_no_inline_style() -> None:
    drawn = columns("c", "<b>Today</b>", "of <i>", [Column("<u>", Decimal(0), "none")], headings=("Type", "Today"))
    assert 'role="img" aria-labelledby="c-title" aria-describedby="c-text"' in drawn
    assert '<title id="c-title">&lt;b&gt;Today&lt;/b&gt;</title>' in drawn
    assert not re.search(r"style=|<b>|<i>|<u>", drawn)


def test_chart_of_nothing_is_nothing() -> None:
    assert (columns("c", "", "", [], headings=()), line("l", "", "", [], until=(DAY, ""), headings=HEADINGS)) == (
        "",
        "",
    )
