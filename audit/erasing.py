"""Erasing beside the record: personal values of historical rows, what was written about a person, and what readers keep.

A model whose texts are about somebody says which in `erased_fields`, and in `erased_with` by which path its rows and their
versions lead to an object that is erased. Historical rows and alerts refuse such a change, their owner's too: the triggers are
off for the one transaction that erases, under a lock past which nobody else writes. That it was done is told by the event of
the erasure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from itertools import product
from operator import or_
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction
from psycopg import sql

from audit.erasure import Request
from audit.models import Alert, DeadLetter
from audit.personal import model_of, personal_columns
from backoffice.databases import EVENT_STORE, LEDGERS, as_owner
from backoffice.models import SavedView
from backoffice.scope import acting

PEOPLE = "backoffice.user"
REASON = "history_change_reason"
MENTIONING = {Alert: ("text", "reason"), DeadLetter: ("error",)}
ERASED = "(erased)"


def erase_versions(request: Request) -> int:
    """Blank personal values, and the reasons, of all versions of the objects, in ledger and sandbox; return how many.

    Reasons that mention a text are blanked in the versions of all other objects too.

    Raises:
        ImproperlyConfigured: the owner's URL is not set.
    """
    erased = 0
    for alias in LEDGERS:
        with as_owner(alias), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            for kind, identity in request.objects:
                model = model_of(kind)
                if model is not None and hasattr(model, "history"):
                    erased += _blank(cursor, model, identity)
            erased += _blank_reasons(cursor, request) if request.mentions else 0
    return erased


def erase_texts(request: Request) -> list[tuple[str, str]]:
    """Take out what was written about the objects, or mentions a text, in ledger and sandbox; return what else is about them.

    "(erased)" stands in its place, in the versions too.

    Raises:
        ImproperlyConfigured: the owner's URL is not set.
    """
    about = set[tuple[str, str]]()
    for alias, model in product(LEDGERS, apps.get_models()):
        if names := getattr(model, "erased_fields", ()):
            key, versions = model._meta.pk.attname, model.history.model._meta.default_manager  # type: ignore[attr-defined]  # captured
            with as_owner(alias), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                for manager in (model._base_manager, versions):
                    rows, theirs = manager.using(alias), _theirs(model, request)
                    about |= {
                        (model._meta.label_lower, str(one)) for one in rows.filter(theirs).values_list(key, flat=True)
                    }
                    for name in names:
                        told = rows.filter(theirs | _mentioning(name, request)).exclude(**{name: ""})
                        keys = list(told.values_list("pk", flat=True))
                        if keys:
                            with guards_off(cursor, manager.model._meta.db_table):
                                rows.filter(pk__in=keys).update(**{name: ERASED})
    return sorted(about)


def _theirs(model: Any, request: Request) -> models.Q:
    """Return what finds the rows, or the versions, that belong to the objects."""
    paths = ((model.erased_with.get(kind), identity) for kind, identity in request.objects if identity.isdigit())
    found = (models.Q(**{path: int(identity)}) for path, identity in paths if path)
    return reduce(or_, found, models.Q(pk__in=[]))


def _mentioning(name: str, request: Request) -> models.Q:
    """Return what finds the rows in whose field a text is."""
    return reduce(or_, (models.Q(**{f"{name}__icontains": text}) for text in request.spellings()), models.Q(pk__in=[]))


def still_there(request: Request) -> list[str]:
    """Name the objects whose present row still holds personal values: those are changed in the console, first."""
    found = []
    for kind, identity in request.objects:
        model = model_of(kind)
        names = (
            [field.name for field in model._meta.concrete_fields if field.column in personal_columns(model)]
            if model
            else []
        )
        if model is not None and names:
            with acting(actor=None, request_id="audit_erase"):
                row = model._base_manager.using("default").filter(pk=identity).values(*names).first()
            if row and any(row.values()):
                found.append(f"{kind}:{identity}")
    return found


def erase_kept(request: Request) -> int:
    """Delete views that the people kept, or that mention a text; blank what alerts and dead letters mention of it.

    Raises:
        ImproperlyConfigured: the owner's URL is not set.
    """
    people = [int(identity) for kind, identity in request.objects if kind == PEOPLE and identity.isdigit()]
    wanted = models.Q(person__in=people)
    for text in request.spellings():
        wanted |= models.Q(name__icontains=text) | models.Q(query__icontains=text)
    erased, _ = SavedView.objects.using("default").filter(wanted).delete()
    with as_owner(EVENT_STORE), transaction.atomic(using=EVENT_STORE), connections[EVENT_STORE].cursor() as cursor:
        for model, names in MENTIONING.items():
            with guards_off(cursor, model._meta.db_table):
                for name, text in product(names, request.spellings()):
                    found = model._default_manager.filter(**{f"{name}__icontains": text})
                    erased += found.update(**{name: ERASED})
    return erased


@contextmanager
def guards_off(cursor: Any, table: str) -> Iterator[None]:
    """Turn a table's triggers off within the block, for this transaction, which nobody else writes the table in."""
    name = sql.Identifier(table)
    cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    yield
    cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))


def _blank_reasons(cursor: Any, request: Request) -> int:
    blanked = 0
    tables = {model.history.model._meta.db_table for model in apps.get_models() if hasattr(model, "history")}
    for table in sorted(tables):
        parts = {"table": sql.Identifier(table), "reason": sql.Identifier(REASON)}
        where = sql.SQL("{reason} ILIKE ANY (%s)").format(**parts)
        cursor.execute(sql.SQL("SELECT FROM {table} WHERE {} LIMIT 1").format(where, **parts), [request.patterns()])
        if cursor.rowcount:
            with guards_off(cursor, table):
                cursor.execute(
                    sql.SQL("UPDATE {table} SET {reason} = '' WHERE {}").format(where, **parts), [request.patterns()]
                )
                blanked += int(cursor.rowcount)
    return blanked


def _blank(cursor: Any, model: type[models.Model], identity: str) -> int:
    versions: Any = model.history.model  # type: ignore[attr-defined]  # put there by the declaration of capture
    table, key = sql.Identifier(versions._meta.db_table), model._meta.pk
    blanks: list[tuple[str, str | None]] = [(REASON, "")]
    personal = (field for field in versions._meta.concrete_fields if field.column in personal_columns(model))
    blanks += [(field.column, None if field.null else "") for field in personal]
    sets = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in blanks
    )
    where = sql.SQL("{} = {}").format(sql.Identifier(str(key.column)), sql.Literal(key.to_python(identity)))
    with guards_off(cursor, versions._meta.db_table):
        cursor.execute(sql.SQL("UPDATE {} SET {} WHERE {}").format(table, sets, where))
        return int(cursor.rowcount)
