"""What ids of the record are called: every object that a page speaks of is looked up together, one query a type.

What the reader may not see stays a number.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.personal import may_see, model_of, personal_columns
from backoffice.grants import request_entities, sees_everything

Key = tuple[str, str]
OPEN = {"auth.group", "auth.permission"}  # what rights are called is no secret; a permission has no page


class Subject(NamedTuple):
    """An object that the record speaks of, as it is called today, and its page if there is one."""

    label: str
    url: str = ""
    currency: str = ""

    @property
    def html(self) -> SafeString:
        """The label, as a link where there is a page."""
        return format_html('<a href="{}">{}</a>', self.url, self.label) if self.url else format_html("{}", self.label)


def person(user: Any) -> str:
    """Return what somebody who acted is called everywhere: by name, with the user name behind it."""
    return called(user.get_full_name(), user.get_username())


def called(name: str, username: str) -> str:
    """Return a name with the user name behind it, or the one that there is."""
    return f"{name} ({username})" if name and username else name or username


def people_of(ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of people who acted, void ones too, without their user names. One query, none for nobody."""
    wanted = {key for key in ids if key is not None}
    found = get_user_model()._base_manager.filter(pk__in=wanted) if wanted else ()
    return {user.pk: user.get_full_name() for user in found}


Names = Mapping[Key, Subject]


def look_up(request: HttpRequest, site: AdminSite, keys: Iterable[Key]) -> dict[Key, Subject]:
    """Return what the reader may see of these objects, by type and id. One query a type."""
    wanted: dict[str, set[str]] = {}
    for object_type, object_id in keys:
        wanted.setdefault(object_type, set()).add(object_id)
    found: dict[Key, Subject] = {}
    for object_type in sorted(wanted):
        found |= _of_type(request, site, object_type, wanted[object_type])
    return found


def _of_type(request: HttpRequest, site: AdminSite, object_type: str, ids: set[str]) -> dict[Key, Subject]:
    model = model_of(object_type)
    if model is None:
        return {}
    keys = [key for key in ids if fits(model, key)]
    rows = visible(request, site, model) if keys else None
    if rows is None:
        return {}
    owner: Any = site._registry.get(model)
    called_by = getattr(owner, "label", str)
    return {
        (object_type, str(row.pk)): Subject(called_by(row), page_of(row, site), getattr(row, "currency", ""))
        for row in rows.filter(pk__in=keys)
    }


def fits(model: type[models.Model], key: str) -> bool:
    """Whether a text can be the key of a model, and no number too large for one."""
    return fits_field(model._meta.pk, key)


def fits_field(field: Any, text: str) -> bool:
    """Whether a column can hold what was typed, so that the database can be asked for it."""
    try:
        value = field.to_python(text)
        field.run_validators(value)
        if isinstance(value, datetime):
            value.astimezone(UTC)  # which some ends of the calendar have no day for
    except (ValidationError, ValueError, OverflowError):
        return False
    # The database is asked for what was typed, blanks around it too.
    return not isinstance(value, str) or value == text or text == text.strip()


def visible(request: HttpRequest, site: AdminSite, model: type[models.Model]) -> models.QuerySet[Any] | None:
    """Return the rows of a model that the reader may see, or None where that is nothing."""
    model_admin = site._registry.get(model)
    if model_admin is not None and model_admin.has_view_permission(request):
        return model_admin.get_queryset(request)
    if model._meta.label_lower in OPEN:
        return model._base_manager.select_related("content_type") if model_admin is None else model._base_manager.all()
    return None


def seen_in_full(request: HttpRequest, site: AdminSite, events: Sequence[Any]) -> set[Any]:
    """Return the ids of the events whose personal values the reader may see.

    What an event of no entity tells of a person is for who sees that person; what somebody typed who works on several entities
    may name anybody, so it is for who sees all of them. One query a model with personal values and one for what was typed, none
    for who sees everything or may see no such value.
    """
    if not may_see(request):
        return set()
    told = {event.pk for event in events}
    if request_entities(request) is None:
        return told
    typed = {event.pk for event in events if event.entity_id is None and event.data.get("query")}
    if typed and not sees_everything(request):
        told -= typed
    for object_type in {event.object_type for event in events if event.entity_id is None}:
        model = model_of(object_type)
        owner: Any = site._registry.get(model) if model and personal_columns(model) else None
        if model is None or owner is None:
            continue
        about = {event.pk: event.object_id for event in events if event.object_type == object_type}
        keys = [key for key in set(about.values()) if fits(model, key)]
        seen = owner.within_grants(request, model._base_manager.filter(pk__in=keys)).values_list("pk", flat=True)
        found = {str(key) for key in seen}
        told -= {pk for pk, key in about.items() if key not in found}
    return told


def page_of(row: models.Model, site: AdminSite) -> str:
    """Return the address of an object's page, '' where it has none."""
    try:
        return reverse(f"{site.name}:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


def field_of(model: type[models.Model] | None, column: str) -> Any:
    """Return the field behind a column, or None where it is no more."""
    for name in (column, column.removesuffix("_id")):
        try:
            return model._meta.get_field(name) if model else None
        except FieldDoesNotExist:
            continue
    return None


def key_of(field: Any, value: object) -> Key | None:
    """Return the object that a value of a relation points at, or None for any other value."""
    if not isinstance(field, models.ForeignKey) or value is None:
        return None
    return field.remote_field.model._meta.label_lower, str(value)
