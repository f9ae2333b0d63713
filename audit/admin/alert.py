"""Alerts in the console: what the rules found, and the page on which somebody says that it was looked into."""

from django.contrib import admin
from django.utils import timezone

from audit.admin.followed import FollowedAdmin
from audit.admin.reasoned import ReasonedCommand
from audit.models import Alert
from audit.record import record
from backoffice.guards import PermissionGuard, StaffGuard


class Acknowledge(ReasonedCommand):
    """Say that an alert was looked into, and what it was."""

    name = "acknowledge"
    verb = "Acknowledge"
    past = "Acknowledged"
    help_text = "Say what it was and what became of it. The alert stays on record with your name."
    guard = StaffGuard() & PermissionGuard("audit.acknowledge_alert")

    rows = Alert.objects
    state = Alert.State.OPEN

    def execute(self, row: Alert, reason: str) -> None:
        """Acknowledge it unless somebody was quicker; the event is recorded where it was."""
        who = self.request.user.get_username()
        done = {"state": Alert.State.ACKNOWLEDGED, "acknowledged": timezone.now(), "acknowledged_by": who}
        if self.due().filter(pk=row.pk).update(**done, reason=reason):
            record("alert.acknowledged", obj=row, data={"rule": row.rule, "text": row.text}, using="default")


@admin.register(Alert)
class AlertAdmin(FollowedAdmin):
    """What a person should look at."""

    command = Acknowledge
    chips = {Alert.State.OPEN: "frozen", Alert.State.ACKNOWLEDGED: "closed"}
    event_text = "The event that raised it"
    list_display = ("text", "state_chip", "created", "rule", "username", "acknowledged_by", "reason")
    list_filter = ("state", "rule")
    search_fields = ("username__exact",)
    search_help_text = "A user name."
    fields = (
        "text",
        ("state", "rule", "created"),
        ("username", "the_event"),
        ("acknowledged", "acknowledged_by"),
        "reason",
    )
