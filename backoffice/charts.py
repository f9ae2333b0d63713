"""Small charts drawn on the server: a line that steps from value to value, such as a balance, and columns, such as a day's.

Each is a figure: what it shows in words, an SVG of classes and presentation attributes alone (the colours are in
console.css), and the table behind it. The drawing stretches to its place and zero is always in it; what is to be read stands
beside it as text. Callers bound the number of points, give every value in words too, and a `name` that the page has once.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH, HEIGHT, EDGE = 1000, 200, 4  # units of the drawing, and what stays free above and below
FILLED = Decimal("0.7")  # the part of its place that a column takes
LABELLED = 8  # columns; of more, the first and the last are labelled


class Point(NamedTuple):
    """What a value is from a moment on: `when` and `said` are the two in words."""

    at: datetime
    value: Decimal
    when: str
    said: str


class Column(NamedTuple):
    """One column; `usual` is marked across it. `said` and `usual_said` are the values in words."""

    label: str
    value: Decimal
    said: str
    usual: Decimal | None = None
    usual_said: str = ""


class Scale(NamedTuple):
    """From values to heights: zero, the lowest and the highest are within the drawing."""

    lowest: Decimal
    highest: Decimal

    @classmethod
    def of(cls, values: Sequence[Decimal]) -> "Scale":
        """Return the scale of these values; one that is not flat where they are."""
        lowest, highest = min(Decimal(0), *values), max(Decimal(0), *values)
        return cls(lowest, highest if highest > lowest else lowest + 1)

    def y(self, value: Decimal) -> Decimal:
        """Return how far below the upper edge a value is drawn."""
        return EDGE + (HEIGHT - 2 * EDGE) * (self.highest - value) / (self.highest - self.lowest)


def line(
    name: str,
    title: str,
    text: str,
    points: Sequence[Point],
    *,
    until: tuple[datetime, str],
    headings: tuple[str, str],
) -> SafeString:
    """Return the chart of a value over time, which keeps until the next point; nothing for no points.

    `points` ascend in time, `until` is where the drawing ends, and that in words; `headings` are those of the table: when,
    and what.
    """
    if not points:
        return SafeString()
    scale = Scale.of([point.value for point in points])
    first, whole = points[0].at, (until[0] - points[0].at).total_seconds() or 1
    steps = [f"M0 {_written(scale.y(points[0].value))}"]
    for point in points[1:]:
        x = Decimal(WIDTH * min((point.at - first).total_seconds() / whole, 1))
        steps.append(f"H{_written(x)}V{_written(scale.y(point.value))}")
    path, zero = "".join([*steps, f"H{WIDTH}"]), _written(scale.y(Decimal(0)))
    rows = [(point.when, point.said) for point in points]
    told = {"name": name, "title": title, "text": text, "headings": headings, "rows": rows}
    return _figure(path=path, area=f"{path}V{zero}H0Z", zero=zero, labels=[points[0].when, until[1]], **told)


def columns(name: str, title: str, text: str, given: Sequence[Column], *, headings: Sequence[str]) -> SafeString:
    """Return the chart of values beside each other, each with what is usual where that is known; nothing for no columns.

    `headings` are those of the table: what stands beside each other, the value, and the usual, where any column has one.
    """
    if not given:
        return SafeString()
    scale = Scale.of([value for column in given for value in (column.value, column.usual) if value is not None])
    place, zero = Decimal(WIDTH) / len(given), scale.y(Decimal(0))
    bars = []
    for number, column in enumerate(given):
        left, top = place * (number + (1 - FILLED) / 2), scale.y(column.value)
        bar = {"x": left, "width": place * FILLED, "y": min(top, zero), "height": abs(top - zero)}
        usual = None if column.usual is None else scale.y(column.usual)
        ends = {"from": place * number, "to": place * (number + 1), "usual": usual}
        drawn = {key: None if value is None else _written(value) for key, value in (bar | ends).items()}
        bars.append({**drawn, "label": column.label, "said": column.said, "usual_said": column.usual_said})
    rows = [(column.label, column.said, column.usual_said)[: len(headings)] for column in given]
    labels = [column.label for column in (given if len(given) <= LABELLED else (given[0], given[-1]))]
    told = {"name": name, "title": title, "text": text, "headings": headings, "rows": rows}
    return _figure(bars=bars, zero=_written(zero), labels=labels, **told)


def share(part: Decimal, said: str) -> SafeString:
    """Return a bar of which a part, from 0 to 1, is filled; `said` is what it shows in words."""
    bar = '<svg class="share" role="img" aria-label="{}" viewBox="0 0 100 8" preserveAspectRatio="none"><rect class="chart-area" width="100" height="8"></rect><rect class="chart-bar" width="{}" height="8"></rect></svg>'  # fmt: skip
    return format_html(bar, said, _written(100 * min(max(part, Decimal(0)), Decimal(1))))


def _figure(**drawn: object) -> SafeString:
    # Sizes as text: a number would be written with separators.
    return render_to_string("console/chart.html", {"width": str(WIDTH), "height": str(HEIGHT), **drawn})


def _written(units: Decimal) -> str:
    return f"{units:.1f}".removesuffix(".0")
