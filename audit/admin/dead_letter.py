"""What could not be delivered, in the console, and the page that has it tried again."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from audit.admin.reasoned import ReasonedCommand
from audit.models import DeadLetter
from audit.record import record
from backoffice.admin import ReadOnlyAdmin
from backoffice.databases import EVENT_STORE
from backoffice.guards import PermissionGuard, StaffGuard

CHIPS = {
    DeadLetter.State.GIVEN_UP: "frozen",
    DeadLetter.State.WAITING: "closed",
    DeadLetter.State.DELIVERED: "open",
}


class TryAgain(ReasonedCommand):
    """Put a delivery back; the subscribers' process sends it."""

    name = "retry"
    verb = "Try again"
    past = "Put back"
    help_text = "The event is sent once more within seconds. If that fails too, it is given up again."
    guard = StaffGuard() & PermissionGuard("audit.retry_delivery")

    def due(self) -> Any:
        return DeadLetter.objects.filter(state=DeadLetter.State.GIVEN_UP)

    def execute(self, row: DeadLetter, reason: str) -> None:
        """Put it back unless somebody was quicker; the event is recorded where it was."""
        if self.due().filter(pk=row.pk).update(state=DeadLetter.State.WAITING, modified=timezone.now()):
            about = {"subscriber": row.subscriber, "event": str(row.event_id)}
            record("delivery.retried", obj=row, data=about, using="default")


@admin.display(description="State", ordering="state")
def state_chip(letter: DeadLetter) -> str:
    """Show the state as a chip."""
    state = DeadLetter.State(letter.state)
    return format_html('<span class="chip chip-{}">{}</span>', CHIPS[state], state.label)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What subscribers did not take."""

    using = EVENT_STORE
    list_display = ("__str__", state_chip, "created", "attempts", "error")
    list_filter = ("state", "subscriber")
    list_select_related = ()
    ordering = ("-id",)
    fields = (("subscriber", "type", "the_event"), ("state", "attempts"), ("created", "modified"), "error")
    readonly_fields = ("the_event",)
    change_form_template = "audit/commanded.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the command page."""
        page = TryAgain.as_view(model_admin=self)
        return [path("<int:object_id>/retry/", page, name="audit_deadletter_retry"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the letter with the way to its command."""
        letter = self.get_object(request, object_id)
        may = letter is not None and letter.state == DeadLetter.State.GIVEN_UP and TryAgain.guard.allows(request)
        link = reverse("console:audit_deadletter_retry", args=[letter.pk]) if letter and may else ""
        extra = {"command_url": link, "command": TryAgain, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    @admin.display(description="Event")
    def the_event(self, letter: DeadLetter) -> str:
        """Link to what was to be delivered."""
        page = reverse("console:audit_event_change", args=[letter.event_id])
        return format_html('<a href="{}">The event</a>', page)
