"""What the start page tells of requests that one person makes and another decides: what waits for whom.

For models of `backoffice.request_admin`, on any site that has them.
"""

from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from backoffice.dashboard import SHOWN, Panel, Place, Row, figure, panel
from backoffice.deciding import PENDING
from backoffice.paging import counted
from backoffice.request_admin import FOR_ME, RequestAdmin, state_chip
from backoffice.said import told
from backoffice.site import ConsoleSite

RECENT = timedelta(days=7)  # what was decided since is told to who asked


def waiting_panel(model: type[Model], title: str, permission: str) -> None:
    """Have the start page show whoever may decide what waits for them: two queries."""

    @panel(Place.WAITING, title, of=model, needs=(permission,))
    def to_decide(request: HttpRequest, site: ConsoleSite) -> Panel | None:
        inbox: Any = site.get_model_admin(model)
        rows = inbox.waiting(request)
        if not (number := counted(rows)):
            return None
        shown = [_row(inbox, row, f"asked by {row.maker}, {told(row.requested)}") for row in rows[:SHOWN]]
        return Panel(title, [figure(number, "for you to decide", _list(inbox, by=FOR_ME), "pending")], shown)


def own_panel(model: type[Model], title: str, permission: str) -> None:
    """Have the start page tell whoever asked what became of it, decided last first, then what waits: two to four queries."""

    @panel(Place.WAITING, title, of=model, needs=(permission,))
    def asked(request: HttpRequest, site: ConsoleSite) -> Panel | None:
        inbox: Any = site.get_model_admin(model)
        mine, since = inbox.get_queryset(request).filter(maker=request.user.pk), timezone.now() - RECENT
        decided = mine.filter(decided__gte=since).order_by("-decided", "-id")
        waiting = mine.filter(state=PENDING).order_by("-id")
        rows = [
            _row(inbox, row, _became(row), state_chip(row)) for found in (decided, waiting) for row in found[:SHOWN]
        ]
        if not rows:
            return None
        every = _list(inbox, by="me", state="all", decided__gte=since.isoformat())
        figures = [figure(counted(waiting), "waiting for others", _list(inbox, by="me"))]
        return Panel(
            title, [figure(counted(decided), f"decided in the last {RECENT.days} days", every), *figures], rows
        )


def _became(row: Any) -> str:
    when = f"decided {told(row.decided)}" if row.decided else f"asked {told(row.requested)}"
    return "; ".join(filter(None, (when, getattr(row, "error_text", "") or row.comment)))


def _list(inbox: RequestAdmin, **chosen: str) -> str:
    opts = inbox.opts
    page = f"{inbox.admin_site.name}:{opts.app_label}_{opts.model_name}_changelist"
    return reverse(page, query=chosen)


def _row(inbox: Any, row: Any, note: str, chip: str = "") -> Row:
    opts = inbox.opts
    of = inbox.subject(row) if hasattr(inbox, "subject") else ""  # of a request about rights the words tell whom
    page = reverse(f"{inbox.admin_site.name}:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return Row(inbox.in_words(row), page, "; ".join(filter(None, (of, note))), chip)
