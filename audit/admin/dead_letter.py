"""What could not be delivered, in the console, and the page that has it tried again."""

from django.contrib import admin
from django.utils import timezone

from audit.admin.followed import FollowedAdmin
from audit.admin.reasoned import ReasonedCommand
from audit.models import DeadLetter
from audit.record import record
from backoffice.guards import PermissionGuard, StaffGuard


class TryAgain(ReasonedCommand):
    """Put a delivery back; the subscribers' process sends it."""

    name = "retry"
    verb = "Try again"
    past = "Put back"
    already = "This delivery was already put back"
    help_text = "The event is sent once more within seconds. If that fails too, it is given up again."
    guard = StaffGuard() & PermissionGuard("audit.retry_delivery")

    rows = DeadLetter.objects
    state = DeadLetter.State.GIVEN_UP

    def execute(self, row: DeadLetter, reason: str) -> bool:
        """Put it back unless somebody was quicker; the event is recorded where it was."""
        first = bool(self.due().filter(pk=row.pk).update(state=DeadLetter.State.WAITING, modified=timezone.now()))
        if first:
            about = {"subscriber": row.subscriber, "event": str(row.event_id)}
            record("delivery.retried", obj=row, data=about, using="default")
        return first


@admin.register(DeadLetter)
class DeadLetterAdmin(FollowedAdmin):
    """What subscribers did not take."""

    command = TryAgain
    chips = {
        DeadLetter.State.GIVEN_UP: "frozen",
        DeadLetter.State.WAITING: "closed",
        DeadLetter.State.DELIVERED: "open",
    }
    list_display = ("__str__", "state_chip", "created", "attempts", "error")
    list_filter = ("state", "subscriber")
    fields = (("subscriber", "type", "the_event"), ("state", "attempts"), ("created", "modified"), "error")
