"""The event log in the console: read-only, and reading it is an event too."""

import json
import uuid
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.models import Event
from audit.registry import TYPES
from audit.sentences import as_lines
from backoffice.admin import ConsoleList, ReadOnlyAdmin
from backoffice.databases import EVENT_STORE
from backoffice.grants import request_entities


class TypeFilter(admin.SimpleListFilter):
    """Of which type, or of which family of types."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in TYPES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class WindowForm(forms.Form):
    """From when until when."""

    since = forms.DateTimeField(required=False)
    until = forms.DateTimeField(required=False)


class WindowFilter(admin.ListFilter):
    """A time window, typed; a moment that cannot be read is said so and left out."""

    title = "time"
    template = "audit/window_filter.html"
    names = ("since", "until")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        typed = {name: params.pop(name, [""])[-1] for name in self.names}
        self.used_parameters = {name: text for name, text in typed.items() if text}
        self.form = WindowForm(typed)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: ChangeList) -> Any:
        """Give the template the other parameters of the list, to keep them."""
        kept = [(name, text) for name, texts in changelist.filter_params.items() for text in texts]
        yield {"form": self.form, "kept": [(name, text) for name, text in kept if name not in self.names]}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        self.form.is_valid()
        since, until = (self.form.cleaned_data.get(name) for name in self.names)
        queryset = queryset.filter(created__gte=since) if since else queryset
        return queryset.filter(created__lt=until) if until else queryset


class EventList(ConsoleList):
    """A page of events with their sentences, looked up together."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then what it speaks of."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        lines = as_lines(request, self.model_admin.admin_site, self.result_list)
        for event in self.result_list:
            event.sentence = lines[event.pk]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What was seen, done and refused."""

    using = EVENT_STORE
    view_event = "log.viewed"  # how audit.middleware records these pages
    list_display = ("what", "created", "username", "type", "success", "ip")
    list_display_links = ("created",)
    list_filter = (WindowFilter, TypeFilter, "success")
    list_select_related = ()
    search_fields = ("username",)  # shows the box; get_search_results does not use it
    search_help_text = "A user name, a request, or an object such as ledger.account 12."
    ordering = ("-created", "-id")
    export_fields = (
        "id", "created", "type", "username", "user_id", "entity_id", "object_type", "object_id", "method", "path", "status",
        "ip", "browser", "reason", "request_id", "success",
    )  # fmt: skip
    fields = (
        "what",
        ("created", "type", "success"),
        ("username", "user_id", "entity_id"),
        ("object_type", "object_id", "of_object"),
        ("method", "path", "status"),
        ("ip", "browser"),
        ("request_id", "of_request"),
        "reason",
        "everything",
    )
    readonly_fields = ("what", "everything", "of_object", "of_request")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventList

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show what concerns no entity, and what concerns those that the reader works on."""
        entities = request_entities(request)
        if entities is None:
            return queryset
        return queryset.filter(Q(entity_id=None) | Q(entity_id__in=list(entities)))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Event | None:
        """Return an event with its sentence."""
        event: Event | None = super().get_object(request, object_id, from_field)
        if event is not None:
            event.sentence = as_lines(request, self.admin_site, [event])[event.pk]  # type: ignore[attr-defined]  # ours
        return event

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find events by who acted, by request or by object, each through its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        first, _, rest = term.partition(" ")
        if rest and "." in first:
            return queryset.filter(object_type=first.lower(), object_id=rest.strip()), False
        return queryset.filter(Q(username=term) | Q(request_id=term)), False

    @admin.display(description="What happened")
    def what(self, event: Any) -> SafeString:
        """Show the event as a sentence."""
        return cast("SafeString", event.sentence)

    @admin.display(description="Data")
    def everything(self, event: Event) -> SafeString:
        """Show the data as it was recorded."""
        return format_html("<pre>{}</pre>", json.dumps(event.data, indent=2, ensure_ascii=False))

    @admin.display(description="")
    def of_object(self, event: Event) -> SafeString | str:
        """Link to all events of the object."""
        return self._link("object_type", "object_id", event=event, text="All events of this object")

    @admin.display(description="")
    def of_request(self, event: Event) -> SafeString | str:
        """Link to all events of the request."""
        return self._link("request_id", event=event, text="All events of this request")

    def _link(self, *names: str, event: Event, text: str) -> SafeString | str:
        if not all(getattr(event, name) for name in names):
            return ""
        return format_html('<a href="{}">{}</a>', events_page(**{name: getattr(event, name) for name in names}), text)


def events_page(**chosen: str | uuid.UUID) -> str:
    """Return the address of the event log, narrowed: `events_page(object_type="ledger.account", object_id="12")`."""
    return reverse("console:audit_event_changelist", query=chosen)


from audit import seals_admin  # noqa: E402, F401  the pages of blocks and verifications register themselves
