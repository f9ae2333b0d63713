"""The pages of a run beside its own: how far it has come, its rows as a file, and the ways to stop it or have it go on."""

from collections.abc import Iterator

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from audit.admin.reasoned import ReasonedCommand
from audit.record import record
from backoffice.exporting import BLOCK, attachment
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.progress import Come, ProgressPage
from backoffice.said import exponent
from backoffice.sheets import FORMATS, SheetFormat, number
from backoffice.sheets import Row as Cells
from backoffice.views import RowPage
from bulk.models import Result, Run, State

SEE = StaffGuard() & PermissionGuard("bulk.view_run")
STOP = StaffGuard() & PermissionGuard("bulk.stop_run")
HEADER = (
    "object", "customer", "account", "entity", "result", "reference", "delta", "held_delta", "balance", "currency", "code",
    "reason",
)  # fmt: skip


class Progress(ProgressPage):
    """How far a run has come."""

    guard = SEE

    def come(self, row: Run) -> Come:
        """Return how many of its objects are done."""
        return Come(row.state == State.RUNNING, row.settled, row.total)


class RowsFile(RowPage):
    """All rows of a run, as a file."""

    guard = SEE
    kind: SheetFormat = FORMATS["csv"]

    def get(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Send it."""
        run: Run = self.row(object_id)
        return attachment(self.kind, f"bulk-run-{run.pk}-{timezone.localtime():%Y-%m-%d-%H%M}", HEADER, cells_of(run))


def cells_of(run: Run) -> Iterator[Cells]:
    """Give the cells of each row, a block at a time."""
    rows = run.rows.select_related("account__user", "account__entity", "action", "approval").order_by("object_id")
    for row in rows.iterator(chunk_size=BLOCK):
        account, action = row.account, row.action
        places = exponent(account.currency)
        amounts = (
            [number(one, places) for one in (action.delta, action.held_delta, action.balance)] if action else [None] * 3
        )
        reference = str(action.reference) if action else str(row.approval or "")
        kind = Result(row.state).label
        about = (f"{run.subject} {row.object_id}", str(account.user), str(account.uid), str(account.entity), kind)
        yield (*about, reference, *amounts, account.currency, row.code, row.text)


class Stop(ReasonedCommand):
    """Leave out what has not been done yet; what was posted stays."""

    name = "stop"
    verb = "Stop"
    past = "Stopped"
    already = "This run does not go on any more"
    help_text = "What has not been done yet is left out. What was posted stays: it can be reversed."
    dangerous = True
    guard = STOP

    rows = Run.objects

    @classmethod
    def is_due(cls, row: Run) -> bool:
        """Whether anything is left."""
        return row.state in {State.RUNNING, State.FAILED}

    def execute(self, row: Run, reason: str) -> bool:
        """Wait for the rows that are being done, then leave out the others."""
        run = Run.objects.select_for_update(no_key=True).get(pk=row.pk)
        if not self.is_due(run):
            return False
        run.stop(f"Stopped by {self.request.user}: {reason}")
        record("bulk.stopped", obj=run, data=run.facts)
        return True


class GoOn(ReasonedCommand):
    """Have a run tried again that failed too often."""

    name = "go_on"
    verb = "Go on"
    past = "It goes on"
    already = "This run has not failed"
    help_text = "Once what made it fail is mended: it goes on with what has not been done yet."
    guard = STOP

    rows = Run.objects
    state = State.FAILED

    def execute(self, row: Run, reason: str) -> bool:
        """Put it back, unless somebody was quicker."""
        again = {"state": State.RUNNING, "due": timezone.now(), "tries": 0, "problem": ""}
        first = bool(self.due().filter(pk=row.pk).update(**again))
        if first:
            record("bulk.resumed", obj=row, data=row.facts)
        return first


COMMANDS: tuple[type[ReasonedCommand], ...] = (GoOn, Stop)
