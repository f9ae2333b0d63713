"""Bulk runs in the console: the list of all, and the page of one, which tells what became of each object."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from audit.names import person
from backoffice.admin import ReadOnlyAdmin
from backoffice.said import chip
from backoffice.sheets import FORMATS
from bulk import dashboard  # noqa: F401  registers what the start page tells
from bulk.models import Result, Row, Run, State
from bulk.pages import COMMANDS, Progress, RowsFile
from bulk.working import AT_ONCE
from ledger.admin.telling import figures
from ledger.errors import FINAL
from ledger.models import Approval

SHOWN = 10  # rows of each kind of a long run; a short one shows all of them
CHIPS = {State.RUNNING: "pending", State.DONE: "open", State.STOPPED: "closed", State.FAILED: "bad"}
ORDER = (Result.REFUSED, Result.ASKED, Result.POSTED, Result.WAITING)


@admin.display(description="State", ordering="state")
def state_chip(run: Run) -> str:
    """Show the state as a chip."""
    state = State(run.state)
    return chip(CHIPS[state], state.label)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one kind: how many, and the first of them with what each is called, what it changed and what it left."""

    called: str
    count: int
    lines: "list[tuple[Row, str, Any, str]]"

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.lines)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Every run of the reader's entities, newest first."""

    list_display = ("what", "selection", "by", "created", state_chip, "total", "posted", "asked_for", "refused")
    list_filter = ("state",)
    list_select_related = ("by",)
    ordering = ("-id",)
    export_fields = (
        "id", "what", "selection", "query", "reason", "by", "created", "state", "total", "posted", "asked_for", "refused",
        "finished",
    )  # fmt: skip
    fields = ("reason",)
    change_form_template = "bulk/run.html"

    def get_urls(self) -> list[URLPattern]:
        """Put the pages of a run before the admin's own."""
        files = [
            path(
                f"<int:object_id>/rows/{kind.name}/",
                RowsFile.as_view(model_admin=self, kind=kind),
                name=f"bulk_run_rows_{kind.name}",
            )
            for kind in FORMATS.values()
        ]
        progress = path("<int:object_id>/progress/", Progress.as_view(model_admin=self), name="bulk_run_progress")
        commands = [
            path(f"<int:object_id>/{page.name}/", page.as_view(model_admin=self), name=f"bulk_run_{page.name}")
            for page in COMMANDS
        ]
        return [*files, progress, *commands, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what became of each object."""
        run = self.get_object(request, object_id)
        extra = self.run_context(request, run) if isinstance(run, Run) else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def run_context(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        """Return what the page shows beside the fields; a query a kind of row, one more for what is not an account."""
        site = self.admin_site.name
        groups = [group for kind in ORDER if (group := self.group(run, kind))]
        listed = f"{site}:ledger_{run.subject}"
        again = self.again(request, run)
        return {
            "title": str(run),
            "subtitle": None,
            "chip": state_chip(run),
            "confirmed_by": person(run.by),
            "groups": groups,
            "settled": run.settled,
            "downloads": [
                (kind.label, reverse(f"{site}:bulk_run_rows_{kind.name}", args=[run.pk])) for kind in FORMATS.values()
            ],
            "commands": [
                (page, reverse(f"{site}:bulk_run_{page.name}", args=[run.pk]))
                for page in COMMANDS
                if page.guard.allows(request) and page.is_due(run)
            ],
            "again_url": f"{reverse(f'{listed}_{run.command}_selected')}?ids={','.join(map(str, again))}&again={run.pk}"
            if again
            else "",
            "again": len(again),
            "list_url": f"{reverse(f'{listed}_changelist')}?{run.query}",
            "list_called": apps.get_model("ledger", run.subject)._meta.verbose_name_plural,
            "approvals_url": self.approvals_url(request, run),
        }

    def group(self, run: Run, kind: Result) -> Group | None:
        """Return the rows of one kind, or None where there is none. One query, one more for what is not an account."""
        waiting = run.total - run.settled
        counts = {
            Result.REFUSED: run.refused,
            Result.ASKED: run.asked_for,
            Result.POSTED: run.posted,
            Result.WAITING: waiting,
        }
        if not counts[kind]:
            return None
        rows = run.rows.filter(state=kind).select_related("account__user", "account__entity", "action", "approval")
        first = list(rows.order_by("object_id")[: run.total if run.total <= AT_ONCE else SHOWN])
        called = names_of(run, first)
        lines = [(row, called[row.object_id], *figures(row.action)) for row in first]
        return Group(kind.label, counts[kind], lines)

    def again(self, request: HttpRequest, run: Run) -> list[int]:
        """Return the objects that were left out, to choose them again, but for those that can never pass.

        Nothing while it runs, or where they are too many.
        """
        model_admin: Any = self.admin_site.get_model_admin(apps.get_model("ledger", run.subject))
        may = run.command in {command.name for command in model_admin.permitted(request)}
        if run.state == State.RUNNING or not may or not run.refused:
            return []
        left = run.rows.filter(state=Result.REFUSED).exclude(code__in=FINAL).order_by("object_id")
        found = list(left.values_list("object_id", flat=True)[: AT_ONCE + 1])
        return found if len(found) <= AT_ONCE else []

    def approvals_url(self, request: HttpRequest, run: Run) -> str:
        """Return where what was asked for can be seen."""
        page: Any = self.admin_site.get_model_admin(Approval)
        seen = run.asked_for and page.has_view_permission(request)
        return (
            f"{reverse(f'{self.admin_site.name}:ledger_approval_changelist')}?state=all&maker__id__exact={run.by_id}"
            if seen
            else ""
        )


def names_of(run: Run, rows: list[Row]) -> dict[int, str]:
    """Return what the objects of these rows are called. One query where they are not accounts."""
    if run.subject == "account":
        return {row.object_id: str(row.account) for row in rows}
    model = apps.get_model("ledger", run.subject)
    related = ("placed",) if run.subject == "hold" else ()
    found = model._base_manager.select_related(*related).in_bulk([row.object_id for row in rows])
    return {row.object_id: f"{found.get(row.object_id, '')} · {row.account}" for row in rows}
