"""What waits for the reader, counted in the header of every page.

The statement is made once for somebody with these rights on these entities: to make it takes ten times as long as to answer it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from backoffice.grants import HOME, request_entities, sees_everything
from backoffice.site import HeaderLink
from backoffice.waiting import KINDS, MANY, Kind

MOST_KEPT = 1_000  # statements
UNMADE: Any = object()
Statement = tuple[str, tuple[Any, ...]]
_kept: dict[tuple[Any, ...], Statement | None] = {}  # of all threads


def inbox(model: type[Model], label: str, permission: str) -> Callable[[HttpRequest], HeaderLink | None]:
    """Have what waits of this kind in the list of `backoffice.waiting`, and return what gives the header its link to that."""
    KINDS.append(Kind(model, permission))
    return partial(link, model, label, permission)


def link(model: type[Model], label: str, permission: str, request: HttpRequest) -> HeaderLink | None:
    """Return the link, with how much waits. None for who may not decide, else one query, and one that lists make too."""
    if not request.user.has_perm(permission):
        return None
    count = _count(_statement(model, request))
    said = f"{MANY - 1}+" if count == MANY else str(count)
    return HeaderLink(f"{label}: {said}" if count else label, reverse("console:waiting"), bool(count))


def _count(statement: Statement | None) -> int:
    if statement is None:
        return 0
    with connections[HOME].cursor() as cursor:
        cursor.execute(*statement)
        return len(cursor.fetchall())


def _statement(model: type[Model], request: HttpRequest) -> Statement | None:
    """Return what asks for what this person can decide; it depends on who, with which rights, on which entities."""
    user: Any = request.user
    entities = request_entities(request)
    of = (model, user.pk, user.rights, None if entities is None else tuple(entities), sees_everything(request))
    found: Statement | None = _kept.get(of, UNMADE)
    if found is UNMADE:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[of] = _made(model, request)
    return found


def _made(model: type[Model], request: HttpRequest) -> Statement | None:
    """Make it; None where nothing could be found, whatever there is."""
    model_admin: Any = admin.site.get_model_admin(model)
    every = model._default_manager.using(HOME).order_by()  # without what their list needs
    rows = model_admin.within_grants(request, every)
    try:
        found: Statement = model_admin.decidable_of(request, rows).values_list("pk")[:MANY].query.sql_with_params()
    except EmptyResultSet:
        return None
    return found
