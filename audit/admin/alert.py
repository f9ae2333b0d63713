"""Alerts in the console: what the rules found, and the page on which somebody says that it was looked into."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin.alerted import AlertColumns, AlertList, KindFilter, in_words, tell
from audit.admin.event import events_page
from audit.admin.followed import FollowedAdmin
from audit.admin.reasoned import ReasonedCommand
from audit.models import Alert, Event
from audit.record import record
from audit.sentences import as_lines
from backoffice.grants import request_entities, sees_everything
from backoffice.guards import PermissionGuard, StaffGuard

HOUR = timedelta(hours=1)
COUNTED = 1000  # events that followed; more is said as "more than"


class Acknowledge(ReasonedCommand):
    """Say that an alert was looked into, and what it was."""

    name = "acknowledge"
    verb = "Acknowledge"
    past = "Acknowledged"
    already = "This alert is already acknowledged"
    help_text = "Say what it was and what became of it. The alert stays on record with your name."
    guard = StaffGuard() & PermissionGuard("audit.acknowledge_alert")

    rows = Alert.objects
    state = Alert.State.OPEN

    def execute(self, row: Alert, reason: str) -> bool:
        """Acknowledge it unless somebody was quicker; the event is recorded where it was."""
        who = self.request.user.get_username()
        done = {"state": Alert.State.ACKNOWLEDGED, "acknowledged": timezone.now(), "acknowledged_by": who}
        first = bool(self.due().filter(pk=row.pk).update(**done, reason=reason))
        if first:
            record("alert.acknowledged", obj=row, data={"rule": row.rule, "text": row.text}, using="default")
        return first

    def whose(self, row: Alert) -> str:
        return row.acknowledged_by


@admin.register(Alert)
class AlertAdmin(AlertColumns, FollowedAdmin):
    """What a person should look at: of the reader's entities, and of none for who sees them all."""

    entity_path = "entity_id"
    command = Acknowledge
    chips = {Alert.State.OPEN: "frozen", Alert.State.ACKNOWLEDGED: "closed"}
    event_text = "The event that raised it"
    list_display = ("what", "about", "state_chip", "created", "kind", "who", "acknowledged_by", "reason")
    list_filter = ("state", KindFilter)
    export_fields = ("text", "state", "created", "rule", "username", "acknowledged_by", "reason")
    search_fields = ("username__exact",)
    search_help_text = "A user name."
    fields = (
        "what",
        ("state", "kind", "created"),
        "about",
        ("who", "the_event"),
        "first",
        "followed",
        ("acknowledged", "acknowledged_by"),
        "reason",
    )
    readonly_fields = ("what", "about", "kind", "who", "the_event", "first", "followed")

    def get_changelist(self, request: HttpRequest, **how: Any) -> type[ChangeList]:
        return AlertList

    def label(self, obj: Any) -> str:
        """Say who it was by name, where that was looked up."""
        return in_words(obj) if hasattr(obj, "who") else str(obj)

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show what concerns entities that the reader works on, and what concerns none or several to who works on all.

        What no event raised is about the record itself, such as a failed verification: it is for every reader.
        """
        entities = request_entities(request)
        if entities is None or sees_everything(request):
            return queryset
        return queryset.filter(Q(entity_id__in=entities) | Q(event_id=None))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return an alert with the event that raised it, in a sentence, if that is in the store and for this reader."""
        alert = super().get_object(request, object_id, from_field)
        if alert is not None and not hasattr(alert, "event"):
            alert.seen = self.admin_site.get_model_admin(Event).get_queryset(request)
            tell(request, self.admin_site, [alert])
            alert.lines = as_lines(request, self.admin_site, [alert.event]) if alert.event else {}
        return alert

    @admin.display(description="What began it")
    def first(self, alert: Any) -> SafeString | str:
        """Tell the event, with a link to its object."""
        return (
            alert.lines[alert.event.pk]
            if alert.event
            else "It concerns an entity that you do not work on, or its month was moved to a file."
        )

    @admin.display(description="In the hour after")
    def followed(self, alert: Any) -> SafeString | str:
        """Count what else came from there, or was done by that person, and lead to it."""
        event = alert.event
        if event is None:
            return ""
        source = event.data.get("source", "")
        same = {"data__source": source} if source else {"user_id": event.user_id, "ip": event.ip}
        rows = alert.seen.filter(created__gte=event.created, created__lte=event.created + HOUR, type=event.type, object_type=event.object_type, **same)  # fmt: skip
        number = rows.exclude(pk=event.pk).order_by()[: COUNTED + 1].count()
        text = f"{'More than ' if number > COUNTED else ''}{min(number, COUNTED):,} more of the same"
        window = {"since": event.created.isoformat(), "until": (event.created + HOUR).isoformat()}
        page = events_page(type=event.type, object_type=event.object_type, **window)
        return format_html('<a href="{}">{}</a>', page, text)
