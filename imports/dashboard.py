"""What the start page tells of imports: those of the reader that wait for confirmation, and what became of all others."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from backoffice.dashboard import SHOWN, Panel, Place, Row, figure, panel
from backoffice.paging import counted
from backoffice.said import told
from backoffice.site import ConsoleSite
from imports.models import PREVIEW_AGE, Import, State

RECENT = timedelta(days=7)


@panel(Place.WAITING, "Your imports", of=Import, needs=("imports.add_import",))
def own(request: HttpRequest, site: ConsoleSite) -> Panel | None:
    """Show what the reader uploaded and can still confirm. Two queries."""
    fresh = {"state__exact": State.PREVIEWED, "created__gte": timezone.now() - PREVIEW_AGE}
    mine = {**fresh, "by__id__exact": request.user.pk}
    rows = _imports(request, site).filter(**mine)
    if not (number := counted(rows)):
        return None
    shown = [
        Row(
            str(one),
            reverse("console:imports_import_confirm", args=[one.pk]),
            f"{one.rows:,} rows, can be confirmed until {told(one.created + PREVIEW_AGE)}",
        )
        for one in rows.order_by("id")[:SHOWN]
    ]
    return Panel("Your imports", [figure(number, "to look at and confirm", _list(mine), "pending")], shown)


@panel(Place.STANDING, "Imports of the last seven days", of=Import, needs=("imports.view_import",))
def lately(request: HttpRequest, site: ConsoleSite) -> Panel:
    """Tell how many were posted, wait, could not be read, and have rows that were refused. One query: files are few."""
    rows = _imports(request, site)
    since = {"created__gte": timezone.now() - RECENT}
    told_of = (
        ("posted", "", {**since, "state__exact": State.POSTED}),
        (
            "waiting for confirmation",
            "",
            {"created__gte": timezone.now() - PREVIEW_AGE, "state__exact": State.PREVIEWED},
        ),
        ("with refused rows", "bad", {**since, "state__exact": State.POSTED, "refused__gt": 0}),
        ("could not be read", "bad", {**since, "state__exact": State.UNREADABLE}),
    )
    numbers = rows.filter(**since).aggregate(
        **{f"n{i}": Count("pk", filter=Q(**chosen)) for i, (*_, chosen) in enumerate(told_of)}
    )
    figures = [
        figure(number, label, _list(chosen), kind)
        for number, (label, kind, chosen) in zip(numbers.values(), told_of, strict=True)
    ]
    return Panel("Imports of the last seven days", figures)


def _imports(request: HttpRequest, site: ConsoleSite) -> QuerySet[Any]:
    rows: QuerySet[Any] = site.get_model_admin(Import).get_queryset(request)
    return rows


def _list(chosen: dict[str, Any]) -> str:
    """Return the address of the list that is narrowed in the same way."""
    return reverse("console:imports_import_changelist", query={name: str(value) for name, value in chosen.items()})
