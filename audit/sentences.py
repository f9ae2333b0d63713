"""Events and historical rows as sentences for people, the objects of a whole page looked up together.

Two queries a type of object at most, whatever the number of events: the page is built of what this returns.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.admin import AdminSite
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.models import Event
from audit.registry import TYPES, EventType

Key = tuple[str, str]
SHOWN = 60  # characters of a value in a sentence
NAMELESS = "somebody unknown"


class Subject(NamedTuple):
    """An object that events speak of, as it is called today, and its page if there is one."""

    label: str
    url: str = ""

    @property
    def html(self) -> SafeString:
        """The label, as a link where there is a page."""
        return format_html('<a href="{}">{}</a>', self.url, self.label) if self.url else format_html("{}", self.label)


def model_of(object_type: str) -> type[models.Model] | None:
    """Return the model an event names, or None where it is no more."""
    try:
        return apps.get_model(object_type)
    except (LookupError, ValueError):
        return None


def subjects(request: HttpRequest, site: AdminSite, events: Iterable[Event]) -> dict[Key, Subject]:
    """Look up the objects of many events, one query a type; what the reader may not see stays a number."""
    wanted: dict[str, set[str]] = {}
    for event in events:
        if event.object_type and "database" not in event.data:  # what is in the sandbox has other numbers
            wanted.setdefault(event.object_type, set()).add(event.object_id)
    found: dict[Key, Subject] = {}
    for object_type, ids in wanted.items():
        found |= _of_type(request, site, object_type, ids)
    return found


def _of_type(request: HttpRequest, site: AdminSite, object_type: str, ids: set[str]) -> dict[Key, Subject]:
    model = model_of(object_type)
    model_admin = site._registry.get(model) if model else None
    if model is None or model_admin is None or not model_admin.has_view_permission(request):
        return {}
    numbers = [number for number in ids if number.isdecimal()]
    rows = model_admin.get_queryset(request).filter(pk__in=numbers) if numbers else ()
    return {(object_type, str(row.pk)): Subject(str(row), page_of(row, site)) for row in rows}


def page_of(row: models.Model, site: AdminSite) -> str:
    """Return the address of an object's page, '' where it has none."""
    try:
        return reverse(f"{site.name}:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


def name_of(event: Event) -> str:
    """Return what the object of an event is called where nothing better is known: `account 12`, `accounts`."""
    model = model_of(event.object_type)
    if model is None:
        return f"{event.object_type} {event.object_id}".strip() or "nothing in particular"
    opts = model._meta
    sandbox = " of the sandbox" if event.data.get("database") == "sandbox" else ""
    return (f"{opts.verbose_name} {event.object_id}" if event.object_id else str(opts.verbose_name_plural)) + sandbox


def sentence(event: Event, found: Mapping[Key, Subject]) -> SafeString:
    """Return an event as a sentence."""
    kind = TYPES.get(event.type) or EventType(event.type, "{who}: {object}", "")
    live = "database" not in event.data  # ids of the sandbox are those of the ledger, its objects are not
    subject = (live and found.get((event.object_type, event.object_id))) or Subject(name_of(event))
    who = event.username or (event.data.get("source") and f"Outside of the site, {event.data['source']}") or NAMELESS
    return format_html(kind.sentence, who=who, object=subject.html, more=_more(event))


def _more(event: Event) -> SafeString:
    data = event.data
    if "changes" in data:
        return differences(model_of(event.object_type), data["changes"])
    if (
        event.type.startswith("change.")
        and (row := data.get("new") or data.get("old"))
        and {"group_id", "permission_id"} & row.keys()
    ):
        what = "a group" if "group_id" in row else "a permission"
        return format_html(": {} {}", "given" if "new" in data else "relieved of", what)
    if event.type == "ledger.posted":
        money = f", {data['delta']} {data['currency']}" if float(data["delta"]) else ""
        return format_html(": {}{}, reference {}", data["what"], money, data["reference"])
    if event.type.startswith("approval."):
        return format_html(": {}, {} {}", data["asked"].get("verb", data["kind"]), data["amount"], data["currency"])
    if event.type in {"access.refused", "page.viewed"}:
        refused = f"{event.method} {event.path}"
        viewed = f"the page {data.get('page') or event.path}"
        return format_html("{}", refused if event.type == "access.refused" else viewed)
    return format_html(", searched for {}", data["query"]) if data.get("query") else SafeString()


def differences(model: type[models.Model] | None, changes: Mapping[str, Any]) -> SafeString:
    """Return `: note from “a” to “b”, status …` for what changed."""
    parts = [(verbose(model, name), *_told(change)) for name, change in changes.items()]
    return format_html(": {}", format_html_join("; ", "{}{}", [(name, told) for name, told in parts]))


def _told(change: Any) -> tuple[str]:
    if not isinstance(change, dict):
        return ("",)  # changed, and its value is nobody's business
    return (f" from {value(change['old'])} to {value(change['new'])}",)


def value(of: object) -> str:
    """Return a value as a sentence shows it."""
    if of is None or of == "":
        return "nothing"
    if isinstance(of, bool):
        return "yes" if of else "no"
    text = str(of)
    return f"“{text if len(text) <= SHOWN else text[:SHOWN] + '…'}”"


def verbose(model: type[models.Model] | None, column: str) -> str:
    """Return what people call a column."""
    for name in (column, column.removesuffix("_id")):
        try:
            return str(getattr(model._meta.get_field(name), "verbose_name", name)) if model else name
        except FieldDoesNotExist:
            continue
    return column


def as_lines(request: HttpRequest, site: AdminSite, events: Sequence[Event]) -> dict[Any, SafeString]:
    """Return the sentences of many events by their ids."""
    found = subjects(request, site, events)
    return {event.pk: sentence(event, found) for event in events}
