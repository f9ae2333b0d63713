"""Personal values in the record: masked for readers who have no right for it.

A model names them in `personal_fields`. Versions, diffs and what events hold of such a field are shown to who has
`audit.view_personal`; to everybody else, and to every subscriber outside, they are masked. That a field changed is told.
What somebody typed to find a person is personal too: searches, and filters by such a field.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.apps import apps
from django.db import models
from django.http import HttpRequest

MASK = "•••"
PERMISSION = "audit.view_personal"
TYPED = {"q", "term"}  # what a list and a field are searched for is mostly a name
NESTED = "_changelist_filters"  # the query of the list that a page was opened from


def may_see(request: HttpRequest) -> bool:
    """Whether the person behind the request may see personal values of the record."""
    return bool(request.user.has_perm(PERMISSION))


def personal_columns(model: type[models.Model] | None) -> frozenset[str]:
    """Return the columns of a model that are personal."""
    names = getattr(model, "personal_fields", ())
    return (
        frozenset(str(field.column) for field in model._meta.concrete_fields if field.name in names)
        if model
        else frozenset()
    )


def model_of(object_type: str) -> type[models.Model] | None:
    """Return the model an event names, or None where it is no more, or has no table as another stands for it."""
    try:
        model = apps.get_model(object_type)
    except (LookupError, ValueError):
        return None
    return None if model._meta.swapped else model


def masked(object_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's data with personal values masked."""
    columns = personal_columns(model_of(object_type))
    result = dict(data)
    for part in ("new", "old"):
        if isinstance(data.get(part), dict):
            result[part] = {name: _mask(name in columns, value) for name, value in data[part].items()}
    if isinstance(data.get("changes"), dict):
        result["changes"] = {
            name: {side: _mask(name in columns, value) for side, value in change.items()}
            if isinstance(change, dict)
            else change
            for name, change in data["changes"].items()
        }
    if data.get("query"):
        result["query"] = masked_query(data["query"])
    return result


def masked_query(query: str) -> str:
    """Return a query string without what was typed to find somebody."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, _masked_value(name, value)) for name, value in pairs])


def _masked_value(name: str, value: str) -> str:
    if name == NESTED:
        return masked_query(value)
    return str(_mask(name in TYPED or not _personal_names().isdisjoint(name.split("__")), value))


@cache
def _personal_names() -> frozenset[str]:
    """Return what fields that are personal are called, of whatever model."""
    return frozenset(name for model in apps.get_models() for name in getattr(model, "personal_fields", ()))


def _mask(personal: bool, value: Any) -> Any:
    return MASK if personal and value not in (None, "") else value
