"""The event log in the console: read-only, and reading it is an event too."""

import json
import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin.log import EventList
from audit.admin.search import SearchFilter, SearchForm, kinds, meant
from audit.exports import KINDS, rows_of, signed_zip
from audit.middleware import downloading
from audit.models import Event
from audit.names import Subject, page_of, seen_in_full
from audit.origin import badge
from audit.personal import masked
from audit.sentences import as_lines
from backoffice.admin import ReadOnlyAdmin
from backoffice.databases import EVENT_STORE
from backoffice.exporting import CAPS
from backoffice.grants import request_entities, sees_everything
from backoffice.guards import ModelGuard
from backoffice.models import Entity
from backoffice.said import told
from backoffice.views import guarded

MOST_ENTITIES = 200  # that the form offers
OF_SEVERAL = ("import.", "bulk.", "command.")  # what these tell may hold accounts and balances of whatever entity


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What was seen, done and refused."""

    using = EVENT_STORE
    view_event = "log.viewed"  # how audit.middleware records these pages
    entity_path = "entity_id"
    missing_advice = (
        "Either its number is wrong, it concerns an entity that you do not work on, or its month was moved to a file. "
        "The attempt is recorded."
    )
    list_display = ("what", "when", "who", "reason", "success")  # type and address are on its page
    list_display_links = ("when",)
    list_filter = (SearchFilter,)
    list_select_related = ()
    sortable_by = ()
    search_fields = ("username",)  # shows the box; get_search_results does not use it
    search_help_text = "A user name, a customer's name or e-mail, a reference, a public id, a request, or an object such as ledger.account 12."
    ordering = ("-created", "-id")
    change_list_template = "audit/log.html"
    export_fields = (
        "id", "created", "type", "username", "user_id", "entity_id", "object_type", "object_id", "method", "path", "status",
        "ip", "browser", "reason", "request_id", "success",
    )  # fmt: skip
    fields = (
        "what",
        ("when", "type", "success"),
        ("who", "of_person"),
        "entity",
        ("object_type", "object_id", "of_object"),
        ("method", "path", "status"),
        ("ip", "browser"),
        ("request_id", "of_request"),
        "reason",
        "sealed_in",
        "everything",
    )
    readonly_fields = (
        "what",
        "when",
        "who",
        "entity",
        "sealed_in",
        "everything",
        "of_object",
        "of_request",
        "of_person",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let only the search form narrow the log: each of its conditions has an index, and none looks into the data."""
        return lookup in SearchForm.base_fields

    def get_urls(self) -> list[URLPattern]:
        """Put the signed downloads before the admin's own pages."""
        return [*(self.signed_url(kind) for kind in KINDS), *super().get_urls()]

    def signed_url(self, kind: str) -> URLPattern:
        """Return the signed download of a kind; the CSV takes the place of the plain one."""

        def view(request: HttpRequest) -> HttpResponse:
            return self.signed_view(request, kind)

        page: Any = guarded(ModelGuard(self))(self.admin_site.admin_view(view))
        page.model_admin = self
        url: URLPattern = path(f"export/{kind}/", page, name=f"audit_event_export_{kind}")
        return url

    def signed_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Send the log as it is searched, signed, or go back to it with a sentence."""
        page = reverse("console:audit_event_changelist")
        try:
            log: Any = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{page}?e=1")
        if log.problem:
            messages.error(request, log.problem)
            return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}")
        events = list(log.queryset[: CAPS["csv"] + 1])
        if len(events) > CAPS["csv"]:
            messages.error(request, f"A file holds {CAPS['csv']:,} events at most: choose a shorter window first.")
            return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}")
        rows = list(rows_of(events, personal=seen_in_full(request, self.admin_site, events)))
        about = {"by": request.user.get_username(), "search": log.query_string}
        try:
            name, content = signed_zip(rows, kind, **about)
        except ImproperlyConfigured as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(page)
        downloading(request, rows=len(rows), format=kind)
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(content, content_type="application/zip", headers=disposition)

    def entity_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the entities that the reader works on."""
        entities, seen = Entity.objects.order_by("name"), request_entities(request)
        mine = entities if seen is None else entities.filter(pk__in=list(seen))
        return [(str(key), name) for key, name in mine.values_list("pk", "name")[:MOST_ENTITIES]]

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show what concerns no entity, and what concerns those that the reader works on.

        What is about several entities at once bears none: it is for who sees all of them, and for whose deed it was. The
        database holds to the same (audit/migrations/sql/0012_event_scope.sql).
        """
        entities = request_entities(request)
        if entities is None or sees_everything(request):
            return queryset
        shared = Q()
        for family in OF_SEVERAL:
            shared &= ~kinds(family)
        of_none = Q(entity_id=None) & (shared | Q(user_id=request.user.pk))
        return queryset.filter(of_none | Q(entity_id__in=list(entities)))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Event | None:
        """Return an event with its sentence."""
        event: Event | None = super().get_object(request, object_id, from_field)
        if event is not None:
            event.sentence = as_lines(request, self.admin_site, [event])[event.pk]  # type: ignore[attr-defined]  # ours
            personal = event.pk in seen_in_full(request, self.admin_site, [event])
            event.shown = event.data if personal else masked(event.object_type, event.data)  # type: ignore[attr-defined]  # ours
        return event

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find events by who acted, by request, by object or by what objects are called, each through its index."""
        term = search_term.strip()
        return (queryset.filter(meant(request, self.admin_site, term)) if term else queryset), False

    @admin.display(description="What happened")
    def what(self, event: Any) -> SafeString:
        """Show the event as a sentence."""
        return format_html("{}{}", event.sentence, badge(event.data.get("source", "")))

    @admin.display(description="When")
    def when(self, event: Event) -> str:
        """Show the moment in the site's zone, and which that is."""
        return told(event.created)

    @admin.display(description="Who")
    def who(self, event: Any) -> str:
        """Show who acted, by name and user name."""
        return str(event.who)

    @admin.display(description="Entity")
    def entity(self, event: Event) -> SafeString | str:
        """Show the entity by its name, with a link where the reader may look at it."""
        entity = Entity.all_objects_including_void().filter(pk=event.entity_id).first() if event.entity_id else None
        return Subject(entity.name, page_of(entity, self.admin_site)).html if entity else "None"

    @admin.display(description="Sealed in")
    def sealed_in(self, event: Event) -> SafeString:
        """Lead to the block that seals it."""
        page = reverse("console:audit_seal_change", args=[event.block])
        return format_html('<a href="{}">Block {}</a>, position {}', page, event.block, event.position)

    @admin.display(description="Data")
    def everything(self, event: Any) -> SafeString:
        """Show the data as it was recorded, personal values to those who may see them."""
        return format_html("<pre>{}</pre>", json.dumps(event.shown, indent=2, ensure_ascii=False))

    @admin.display(description="More")
    def of_object(self, event: Event) -> SafeString | str:
        """Link to all events of the object, and to everyone who looked at it."""
        links = self._link("object_type", "object_id", event=event, text="All events of this object")
        if not links:
            return ""
        seen = events_page(seen=f"{event.object_type} {event.object_id}")
        return format_html('{} · <a href="{}">Everyone who looked at it</a>', links, seen)

    @admin.display(description="More")
    def of_request(self, event: Event) -> SafeString | str:
        """Link to all events of the request."""
        return self._link("request_id", event=event, text="Everything in this request")

    @admin.display(description="More")
    def of_person(self, event: Event) -> SafeString | str:
        """Link to everything that the person did."""
        return self._link("user_id", event=event, text="Everything this person did")

    def _link(self, *names: str, event: Event, text: str) -> SafeString | str:
        if not all(getattr(event, name) for name in names):
            return ""
        return format_html('<a href="{}">{}</a>', events_page(**{name: getattr(event, name) for name in names}), text)


def events_page(**chosen: str | int | uuid.UUID) -> str:
    """Return the address of the event log, narrowed: `events_page(object_type="ledger.account", object_id="12")`."""
    return reverse("console:audit_event_changelist", query=chosen)
