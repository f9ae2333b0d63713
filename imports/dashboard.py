"""What the start page tells of imports: those of the reader that wait, what runs or has failed, and what became of all others."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from backoffice.dashboard import JOBS, SHOWN, Panel, Place, Row, figure, panel, progress
from backoffice.paging import counted
from backoffice.said import chip, told
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


@panel(Place.STANDING, JOBS, of=Import, needs=("imports.view_import",))
def jobs(request: HttpRequest, site: ConsoleSite) -> Panel:
    """Tell of the files of a week that a command posts, how far each is, and of those that failed. A query or two."""
    lately = {"created__gte": timezone.now() - RECENT}
    rows = _imports(request, site).filter(**lately)
    told_of = (
        (State.RUNNING, "import running", "imports running", ""),
        (State.STOPPED, "import stopped", "imports stopped", "bad"),
        (State.UNREADABLE, "import not readable", "imports not readable", "bad"),
    )
    numbers = rows.aggregate(**{state.name: Count("pk", filter=Q(state=state)) for state, *_ in told_of})
    figures = [
        figure(
            numbers[state.name],
            one if numbers[state.name] == 1 else many,
            _list({**lately, "state__exact": state}),
            kind,
        )
        for state, one, many, kind in told_of
    ]
    going_on = rows.filter(state__in=[State.RUNNING, State.STOPPED]).order_by("-id")[:SHOWN]
    return Panel(JOBS, figures, [_job(one) for one in going_on] if numbers["RUNNING"] or numbers["STOPPED"] else ())


def _job(upload: Import) -> Row:
    page, done = reverse("console:imports_import_change", args=[upload.pk]), f"{upload.done:,} of {upload.rows:,} rows"
    if upload.state == State.STOPPED:
        return Row(f"Import of {upload}", page, f"{done}. {upload.problem}", chip("bad", "stopped"))
    if upload.stands_still:
        return Row(
            f"Import of {upload}", page, f"{done}. The command has to be given again.", chip("bad", "stands still")
        )
    return Row(f"Import of {upload}", page, done, progress(upload.done, upload.rows))


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
