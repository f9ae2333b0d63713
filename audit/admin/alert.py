"""Alerts in the console: what the rules found, and the page on which somebody says that it was looked into."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from audit.admin.reasoned import ReasonedCommand
from audit.models import Alert
from audit.record import record
from backoffice.admin import ReadOnlyAdmin
from backoffice.databases import EVENT_STORE
from backoffice.guards import PermissionGuard, StaffGuard

CHIPS = {Alert.State.OPEN: "frozen", Alert.State.ACKNOWLEDGED: "closed"}


class Acknowledge(ReasonedCommand):
    """Say that an alert was looked into, and what it was."""

    name = "acknowledge"
    verb = "Acknowledge"
    past = "Acknowledged"
    help_text = "Say what it was and what became of it. The alert stays on record with your name."
    guard = StaffGuard() & PermissionGuard("audit.acknowledge_alert")

    def due(self) -> Any:
        return Alert.objects.filter(state=Alert.State.OPEN)

    def execute(self, row: Alert, reason: str) -> None:
        """Acknowledge it unless somebody was quicker; the event is recorded where it was."""
        who = self.request.user.get_username()
        done = {"state": Alert.State.ACKNOWLEDGED, "acknowledged": timezone.now(), "acknowledged_by": who}
        if self.due().filter(pk=row.pk).update(**done, reason=reason):
            record("alert.acknowledged", obj=row, data={"rule": row.rule, "text": row.text}, using="default")


@admin.display(description="State", ordering="state")
def state_chip(alert: Alert) -> str:
    """Show the state as a chip."""
    state = Alert.State(alert.state)
    return format_html('<span class="chip chip-{}">{}</span>', CHIPS[state], state.label)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What a person should look at."""

    using = EVENT_STORE
    list_display = ("text", state_chip, "created", "rule", "username", "acknowledged_by", "reason")
    list_filter = ("state", "rule")
    list_select_related = ()
    search_fields = ("username__exact",)
    search_help_text = "A user name."
    ordering = ("-id",)
    fields = (
        "text",
        ("state", "rule", "created"),
        ("username", "the_event"),
        ("acknowledged", "acknowledged_by"),
        "reason",
    )
    readonly_fields = ("the_event",)
    change_form_template = "audit/commanded.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the command page."""
        page = Acknowledge.as_view(model_admin=self)
        return [path("<int:object_id>/acknowledge/", page, name="audit_alert_acknowledge"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the alert with the way to its command."""
        alert = self.get_object(request, object_id)
        may = alert is not None and alert.state == Alert.State.OPEN and Acknowledge.guard.allows(request)
        link = reverse("console:audit_alert_acknowledge", args=[alert.pk]) if alert and may else ""
        extra = {"command_url": link, "command": Acknowledge, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    @admin.display(description="Event")
    def the_event(self, alert: Alert) -> str:
        """Link to the event on which the rule fired."""
        page = reverse("console:audit_event_change", args=[alert.event_id])
        return format_html('<a href="{}">The event that raised it</a>', page)
