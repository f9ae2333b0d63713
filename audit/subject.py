"""Which entity a page is about, and why an object that was asked for by its number was not shown.

Asked by `audit.middleware` once the page is made, of all entities, because the record says of which one a row is that was
refused: one look by key for a page about an object, for a list only where its address names what it is narrowed to.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest

from audit.names import fits
from audit.personal import model_of
from backoffice.models import Entity
from backoffice.scope import Reach, acting, current

NOTED = "audit_entities"
MISSING = "audit_missing"  # set on a request that was led away from an object
EXACTLY = {"", "exact", "id__exact", "pk__exact"}
MANY = 2


def note_entity(request: HttpRequest, row: models.Model) -> None:
    """Keep which entity an object is of that was read anyway, so that it need not be asked for."""
    request.__dict__.setdefault(NOTED, {})[row._meta.label_lower, str(row.pk)] = row.entity_id  # type: ignore[attr-defined]  # it has one


def entity_of(request: HttpRequest, model_admin: Any, key: str) -> int | None:
    """Return the entity of an object, if it has one. One query, none where it was noted."""
    noted = getattr(request, NOTED, {}).get((model_admin.opts.label_lower, key))
    found = [noted] if noted is not None else entities_of(model_admin, [key])
    return found[0] if found else None


def entities_of(model_admin: Any, keys: list[str]) -> list[int | None]:
    """Return the entities of these rows, whoever may see them: None where a row has none, at most two. Two queries."""
    keys = [key for key in keys if fits(model_admin.model, key)]
    if not keys:
        return []
    rows = model_admin.model._base_manager.using(getattr(model_admin, "using", None)).filter(pk__in=keys).order_by()
    path = getattr(model_admin, "entity_path", None)
    with _of_all(rows):
        if path is None:
            return [None] if rows.exists() else []
        return list(rows.values_list(path, flat=True).distinct()[:MANY])


def _of_all(rows: models.QuerySet[Any]) -> AbstractContextManager[None]:
    """Look at rows of every entity within the block, as who acts already."""
    scope = current()
    return acting(actor=scope.actor, request_id=scope.request_id, entities=Reach.EVERYTHING, using=rows.db)


def at_hand(request: HttpRequest, model_admin: Any) -> int | None:
    """Return the one entity that a list is about: of what it is narrowed to, or the only one that the reader works on."""
    for other, keys in _named(request, model_admin):
        if len(found := entities_of(other, keys)) == 1:
            return found[0]
    if getattr(model_admin, "entity_path", None) is None:
        return None
    own: list[int] = getattr(request, "_entities", None) or []
    return own[0] if len(own) == 1 else None


def _named(request: HttpRequest, model_admin: Any) -> Iterator[tuple[Any, list[str]]]:
    """Yield what a list's address names: a selection, an object of the event log, a row that its rows point at."""
    registry, asked = model_admin.admin_site._registry, request.GET
    if ids := request.POST.get("ids") or asked.get("ids"):
        yield model_admin, ids.split(",")
    kind, _, key = asked.get("seen", f"{asked.get('object_type', '')} {asked.get('object_id', '')}").partition(" ")
    pairs: list[tuple[Any, str]] = [(model_of(kind), key), (Entity, asked.get("entity_id", ""))]
    pairs += [(_pointed_at(model_admin.opts, name), str(asked[name])) for name in asked]
    for model, value in pairs:
        if model in registry and value:
            yield registry[model], [value]


def _pointed_at(opts: Any, name: str) -> type[models.Model] | None:
    first, _, rest = name.partition("__")
    try:
        field = opts.get_field(first) if rest in EXACTLY else None
    except FieldDoesNotExist:
        return None
    return field.related_model if field is not None and field.is_relation else None


def why_missing(request: HttpRequest, model_admin: Any, key: str) -> str:
    """Return why an object was not shown, as the sentence of the event says it. Two queries at most."""
    if not key:
        return "one of what they chose is not there, or not for them"
    if not entities_of(model_admin, [key]):
        return "there is no such object"
    rows = model_admin.get_queryset(request)
    with _of_all(rows):
        if not rows.filter(pk=key).exists():
            return "it belongs to an entity that they do not work on"
    return "it is not for them, or not any more"
