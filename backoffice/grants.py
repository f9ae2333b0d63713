"""Which entities a person works on: given to groups and people as rows, covering the branch below, resolved at once.

Invariants:
- One statement for a person, whatever the depth of the tree and the number of grants, once a request: that which announces
  the request's scope, to which row-level security holds every query.
- Superusers see everything, without a condition. Nobody else sees a row of an entity that no grant covers.
- Grants are read where logins are, in `default`. The sandbox follows the same grants down its own tree (`sandbox.entities`)
  and leaves what it found on the request.

`ConsoleAdmin.get_queryset` narrows every list, page, command, autocomplete and export by `request_entities` too.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser, Group
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler
from django.http import HttpRequest
from guardian.shortcuts import assign_perm, remove_perm

from backoffice.databases import worked_on
from backoffice.models import Entity, User
from backoffice.scope import IS_EVERYTHING

HOME = "default"  # the database that logins and grants live in
WORK = f"backoffice.{Entity.WORK}"
OF_PERSON = "SELECT backoffice_entities_of(%s)"


class Within(Lookup):
    """`column = ANY(array)` with the array as part of the statement, for the entities that somebody sees.

    As a value it would be unknown to a plan that is kept, which has to suit an entity of ten rows and one of ten million.
    """

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        column, params = self.process_lhs(compiler, connection)
        return within(column, self.rhs), params


class Meeting(Within):
    """`column && array`, for a column of several entities. Django's `overlap` cuts keys off at 32 bits, those of the sandbox."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} && '{array(self.rhs)}'::bigint[]", params


def within(column: str, entities: Iterable[int]) -> str:
    """Return the condition that a column is one of these ids."""
    return f"{column} = ANY('{array(entities)}'::bigint[])"


def array(entities: Iterable[int]) -> str:
    """Return the array of these ids as PostgreSQL writes it."""
    return f"{{{','.join(str(int(entity)) for entity in entities)}}}"


def grant(to: Group | User, entity: Entity) -> None:
    """Let a group or a person work on an entity and those below it; given twice is given once."""
    assign_perm(WORK, to, entity)


def revoke(whose: Group | User, entity: Entity) -> None:
    """Take a grant back; grants above and below it stay."""
    remove_perm(WORK, whose, entity)


def entities_of(user: User) -> list[int]:
    """Return the ids of the entities that the grants of a person cover, ascending. One query."""
    with connections[HOME].cursor() as cursor:
        cursor.execute(OF_PERSON, [user.pk])
        [(ids,)] = cursor.fetchall()
    return list(ids)


def keep_entities(request: HttpRequest, entities: Iterable[int]) -> None:
    """Keep for the rest of the request which entities were announced for it."""
    request._entities = list(entities)  # type: ignore[attr-defined]  # ours


def request_entities(request: HttpRequest) -> list[int] | None:
    """Return the entities that the person behind the request sees, or None for all of them. One query a request."""
    user = request.user
    if user.is_active and user.is_superuser:
        return None
    found: list[int] | None = getattr(request, "_entities", None)
    if found is None:
        found = [] if isinstance(user, AnonymousUser) else entities_of(user)
        keep_entities(request, found)
    return found


def sees_everything(request: HttpRequest) -> bool:
    """Whether the person behind the request works on every entity there is. One query for all but superusers."""
    entities = request_entities(request)
    if entities is None:
        return True
    if not hasattr(request, "_sees_everything"):
        with connections[worked_on() or HOME].cursor() as cursor:  # the sandbox has a tree of its own
            cursor.execute(IS_EVERYTHING, [entities])
            [(request._sees_everything,)] = cursor.fetchall()  # type: ignore[attr-defined]  # ours: kept for the request
    return bool(request._sees_everything)  # type: ignore[attr-defined]  # as above
