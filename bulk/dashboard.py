"""What the start page tells of bulk runs: those that go on, how far each is, and those that failed and wait for somebody."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from backoffice.dashboard import JOBS, SHOWN, Panel, Place, Row, figure, panel, progress
from backoffice.said import chip
from backoffice.site import ConsoleSite
from bulk.models import Run, State


@panel(Place.STANDING, JOBS, of=Run, needs=("bulk.view_run",))
def jobs(request: HttpRequest, site: ConsoleSite) -> Panel:
    """Tell of them; what failed calls. One query by index, one more where there are any."""
    runs: QuerySet[Any] = site.get_model_admin(Run).get_queryset(request)
    rows = runs.filter(Q(state=State.RUNNING) | Q(state=State.FAILED))  # apart, for two partial indexes
    numbers = rows.aggregate(
        **{state.name: Count("pk", filter=Q(state=state)) for state in (State.RUNNING, State.FAILED)}
    )
    on, off = numbers["RUNNING"], numbers["FAILED"]
    figures = [
        figure(on, "bulk run running" if on == 1 else "bulk runs running", _list(site, State.RUNNING)),
        figure(off, "bulk run failed" if off == 1 else "bulk runs failed", _list(site, State.FAILED), "bad"),
    ]
    return Panel(JOBS, figures, [_row(site, run) for run in rows.order_by("-id")[:SHOWN]] if on or off else ())


def _list(site: ConsoleSite, state: State) -> str:
    return reverse(f"{site.name}:bulk_run_changelist", query={"state__exact": state.value})


def _row(site: ConsoleSite, run: Run) -> Row:
    page, done = reverse(f"{site.name}:bulk_run_change", args=[run.pk]), f"{run.settled:,} of {run.total:,}"
    if run.state == State.FAILED:
        return Row(str(run), page, f"{done}. {run.problem}", chip("bad", "failed"))
    return Row(str(run), page, done, progress(run.settled, run.total))
