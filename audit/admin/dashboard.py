"""What the start page tells of the record: alerts and deliveries to look into, and whether all is proven and in time.

The event store may be away: then its panels say so, and the rest of the page stands.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.admin.alerted import in_words, tell
from audit.admin.event import events_page
from audit.away import LATE
from audit.models import Alert, DeadLetter, Event, Verification
from audit.relay import waiting_since
from backoffice.dashboard import SHOWN, Figure, Panel, Place, Row, figure, panel
from backoffice.paging import counted
from backoffice.said import chip, told
from backoffice.site import ConsoleSite

OLD = timedelta(days=2)  # both verifications are a matter of every night
LEDGER_VERIFIED = "books.verified"


@panel(Place.WAITING, "Alerts", of=Alert, needs=("audit.acknowledge_alert",), apart=True)
def alerts(request: HttpRequest, site: ConsoleSite) -> Panel | None:
    """Show who acknowledges alerts those that are open. Four queries, and one a type of what they are about."""
    rows = _open(request, site)
    if not (number := _count(request, rows)):
        return None
    shown: list[Any] = list(rows.order_by("-id")[:SHOWN])
    tell(request, site, shown)
    return Panel("Alerts", [_open_alerts(number)], [_alert(alert) for alert in shown])


def _alert(alert: Any) -> Row:
    about = alert.about.label if alert.about else ""
    note = "; ".join(filter(None, (about, told(alert.created))))
    return Row(in_words(alert), _page("audit_alert_change", alert.pk), note)


@panel(Place.WAITING, "Deliveries that failed", of=DeadLetter, needs=("audit.retry_delivery",), apart=True)
def dead_letters(request: HttpRequest, site: ConsoleSite) -> Panel | None:
    """Show who can have them tried again what was given up. Two queries."""
    rows = _unsent(request, site)
    if not (number := _count(request, rows)):
        return None
    shown = [Row(str(one), _page("audit_deadletter_change", one.pk), one.error) for one in rows.order_by("-id")[:SHOWN]]
    return Panel("Deliveries that failed", [_given_up(number)], shown)


@panel(Place.STANDING, "The record", of=Event, needs=("audit.view_verification",), apart=True)
def standing(request: HttpRequest, site: ConsoleSite) -> Panel:
    """Tell what is open, whether both verifications are good and recent, and how far behind the event log is. Five queries.

    What waits for the reader is told above; that nothing does is told here, so that nobody wonders.
    """
    may = request.user.has_perm
    figures = []  # of what does not wait for the reader above
    if may("audit.view_alert"):
        number = _count(request, _open(request, site))
        figures += [] if number and may("audit.acknowledge_alert") else [_open_alerts(number)]
    if may("audit.view_deadletter"):
        number = _count(request, _unsent(request, site))
        figures += [] if number and may("audit.retry_delivery") else [_given_up(number)]
    return Panel(
        "The record", figures, [_of_events(), *([_of_ledger(), _of_relay()] if may("audit.view_event") else [])]
    )


def _open(request: HttpRequest, site: ConsoleSite) -> QuerySet[Any]:
    rows: QuerySet[Any] = site.get_model_admin(Alert).get_queryset(request)
    return rows.filter(state=Alert.State.OPEN)


def _unsent(request: HttpRequest, site: ConsoleSite) -> QuerySet[Any]:
    rows: QuerySet[Any] = site.get_model_admin(DeadLetter).get_queryset(request)
    return rows.filter(state=DeadLetter.State.GIVEN_UP)


def _count(request: HttpRequest, rows: QuerySet[Any]) -> int:
    """Return how many rows of a model wait, counted once for a page."""
    kept: dict[Any, int] = request.__dict__.setdefault("_waiting_in_record", {})
    if rows.model not in kept:
        kept[rows.model] = counted(rows)
    return kept[rows.model]


def _of_events() -> Row:
    """Tell of the last verification of the whole event log."""
    run = Verification.objects.filter(since=None).first()
    page = reverse("console:audit_verification_changelist")
    if run is None:
        return Row("Event log", page, "Have audit_verify run every night.", chip("pending", "never verified"))
    good = f"as it was sealed, {run.events:,} events"
    return _verified("Event log", page, run.created, len(run.findings), good)


def _of_ledger() -> Row:
    """Tell of the last run of ledger_verify on the ledger, which is an event."""
    page = events_page(type=LEDGER_VERIFIED, window="all")
    run = Event.objects.filter(type=LEDGER_VERIFIED).exclude(data__has_key="database").first()
    if run is None:
        return Row("Ledger", page, "Have ledger_verify run every night.", chip("pending", "never verified"))
    good = f"everything agrees, {run.data.get('actions', 0):,} actions"
    return _verified("Ledger", page, run.created, int(run.data.get("findings", 0)), good)


def _verified(what: str, page: str, when: datetime, findings: int, good: str) -> Row:
    if findings:
        return Row(what, page, told(when), chip("bad", f"{findings:,} finding{'' if findings == 1 else 's'}"))
    if timezone.now() - when > OLD:
        return Row(what, page, f"{told(when)}: {good}", chip("pending", "verified long ago"))
    return Row(what, page, f"{told(when)}: {good}", chip("good", "verified"))


def _of_relay() -> Row:
    """Tell how long the oldest event has been on its way."""
    since, page = waiting_since(), reverse("console:audit_event_changelist")
    if since is None:
        return Row("Events on their way", page, "None: the log is up to date.", chip("good", "in time"))
    behind = timezone.now() - since
    kind, word = ("bad", "late") if behind > LATE else ("good", "in time")
    return Row("Events on their way", page, f"The oldest for {behind.total_seconds():,.0f} s.", chip(kind, word))


def _open_alerts(number: int) -> Figure:
    label = "open alert" if number == 1 else "open alerts"
    return figure(number, label, f"{reverse('console:audit_alert_changelist')}?state__exact={Alert.State.OPEN}", "bad")


def _given_up(number: int) -> Figure:
    label = "delivery given up" if number == 1 else "deliveries given up"
    page = reverse("console:audit_deadletter_changelist")
    return figure(number, label, f"{page}?state__exact={DeadLetter.State.GIVEN_UP}", "bad")


def _page(name: str, key: int) -> str:
    return reverse(f"console:{name}", args=[key])
