"""What the start page tells of the ledger: requests, today's movements beside the usual, and what is left under the caps."""

from decimal import Decimal
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from backoffice import charts
from backoffice.dashboard import Panel, Place, Row, figure, panel
from backoffice.grants import request_entities
from backoffice.request_panels import own_panel, waiting_panel
from backoffice.said import chip
from backoffice.site import ConsoleSite
from ledger.choices import ActionType
from ledger.models import Action, Approval, Cap
from ledger.money import exponent, written
from ledger.movements import BROUGHT, MOST, NOTHING, Kind, Sum, Today, today

LINES = 8  # of movements, the most frequent; the others unfold
UNUSUAL, FEW = 2, 10  # so many times more or less than usual is marked, from this number on
HALF = Decimal("0.5")  # of a cap: of what has more left, the fullest are enough
FULLEST = 2
SCARCE = Decimal("0.05")  # of a cap: less than this is left, and somebody should look at it

waiting_panel(Approval, "Approvals", "ledger.decide_approval")
own_panel(Approval, "What you asked approval for", "ledger.view_approval")


class Line(NamedTuple):
    """A line of the table: what happened today, with its list, beside the usual."""

    what: str
    url: str
    number: str
    total: str
    usual_number: str
    usual_total: str
    odd: str


@panel(Place.DAY, "Movements", of=Action, needs=("ledger.view_action",), apart=True)
def movements(request: HttpRequest, site: ConsoleSite) -> Panel:
    """Tell what was booked today, by type and currency. One query, three on a crowded day."""
    now = timezone.now()
    found = today(now, site.using, request_entities(request))
    lines = [_line(found, kind, _list(site, found, kind)) for kind in found.kinds]
    headings = ("Hour", "Today", "Usually")[: 3 if found.weeks else 2]
    count = sum((one.number for one in found.booked.values()), Decimal(0))
    usual = sum((one.number for one in found.usual.values()), Decimal(0))
    beside = f", usually {_number(usual)}" if found.weeks else ""
    legend = " A bar is an hour of today, the dashed line what is usual then." if found.weeks else ""
    chart = charts.columns(
        "movements", "Movements by hour", f"{_number(count)} movements{beside}.{legend}", _columns(found),
        headings=headings,
    )  # fmt: skip
    about = {
        "lines": lines[:LINES],
        "others": lines[LINES:],
        "weeks": found.weeks,
        "chart": chart if lines and len(found.by_hour) > 1 else "",
    }
    return Panel("Movements", body=render_to_string("console/movements.html", about), more=_said(found, now))


def _said(found: Today, now: Any) -> str:
    """Say what is counted and what it is compared with."""
    time, day = date_format(timezone.localtime(now), "H:i"), date_format(timezone.localtime(now), "l")
    counted = "Booked since midnight." if found.whole else (
        f"More than {MOST:,} actions were booked today: these are the latest, since "
        f"{date_format(timezone.localtime(found.since), 'H:i:s')}."
    )  # fmt: skip
    if found.happened:
        days = f"last {day}" if found.weeks == 1 else f"average of the last {found.weeks} {day}s"
        return (
            f"Nothing was booked on the {day}s before, so all this is by when it happened, of the latest {BROUGHT:,} actions: "
            f"since midnight, and usually, the {days} until {time}."
        )
    if found.crowded:
        return f"{counted} Other {day}s had more than {MOST:,} until {time}, which are not averaged here."
    if not found.weeks:
        return f"{counted} There is no usual yet: nothing was booked on the {day}s before."
    days = f"last {day}" if found.weeks == 1 else f"average of the last {found.weeks} {day}s"
    since = "" if found.whole else f"from {date_format(timezone.localtime(found.since), 'H:i')} "
    return f"{counted} Usually: the {days} {since}until {time}."


def _line(found: Today, kind: Kind, url: str) -> Line:
    currency, type_ = kind
    booked, usual = found.booked.get(kind, NOTHING), found.usual.get(kind, NOTHING)
    total = round(usual.total, exponent(currency))
    beside = (_number(usual.number), written(total, currency)) if found.weeks else ("", "")
    what = f"{ActionType(type_).label}, {currency}"
    return Line(what, url, _number(booked.number), written(booked.total, currency), *beside, _odd(found, booked, usual))


def _odd(found: Today, booked: Sum, usual: Sum) -> str:
    """Say that it is far more or less than usual."""
    if not found.weeks or max(booked.number, usual.number) < FEW:
        return ""
    if booked.number >= UNUSUAL * usual.number:
        return "more than usual"
    return "less than usual" if usual.number >= UNUSUAL * booked.number else ""


def _number(count: Decimal) -> str:
    whole = count == int(count) or count >= FEW
    return f"{count:,.0f}" if whole else f"{count:,.1f}"


def _list(site: ConsoleSite, found: Today, kind: Kind) -> str:
    currency, type_ = kind
    chosen = {"type__exact": type_, "currency": currency, "days": "today"}
    if found.happened:
        chosen["created__gte"] = found.since.isoformat()
    if not found.whole:
        chosen["recorded__gte"] = found.since.isoformat(timespec="milliseconds")
    return reverse(f"{site.name}:ledger_action_changelist", query=chosen)


def _columns(found: Today) -> list[charts.Column]:
    first = timezone.localtime(found.since).hour
    return [
        charts.Column(f"{first + number}:00", count, _number(count), *((usual, _number(usual)) if found.weeks else ()))
        for number, (count, usual) in enumerate(found.by_hour)
    ]


@panel(Place.STANDING, "Left under the caps", of=Cap, needs=("ledger.view_cap",))
def headroom(request: HttpRequest, site: ConsoleSite) -> Panel | None:
    """Tell who works on every entity what all accounts together can still take in, the fullest currency first. One query."""
    caps: Any = list(site.get_model_admin(Cap).get_queryset(request))
    if any(cap.remaining is None for cap in caps):  # not for this reader: it tells what all balances come to
        return None
    if not caps:
        return Panel("Left under the caps", more="No currency has a cap yet, so none is kept.")
    ranked = sorted(caps, key=lambda cap: (_left(cap), cap.currency))
    full = [cap for number, cap in enumerate(ranked) if number < FULLEST or _left(cap) < HALF]
    every = figure(len(caps), "caps" if len(caps) > 1 else "cap", reverse(f"{site.name}:ledger_cap_changelist"))
    rest = "Of the others half or more is left." if len(full) < len(caps) else ""
    return Panel("Left under the caps", [every], [_cap(site, cap) for cap in full], more=rest)


def _left(cap: Any) -> Decimal:
    return Decimal(cap.remaining / (cap.ceiling or 1))


def _cap(site: ConsoleSite, cap: Any) -> Row:
    left = _left(cap)
    said = f"{100 * (1 - left):.1f} % used"
    mark = chip("pending", "nearly full") if left < SCARCE else ""
    return Row(
        f"{written(cap.remaining, cap.currency)} left",
        reverse(f"{site.name}:ledger_cap_change", args=[cap.pk]),
        f"of {written(cap.ceiling, cap.currency)}, {said}",
        format_html("{} {}", charts.share(1 - left, said), mark),
    )
