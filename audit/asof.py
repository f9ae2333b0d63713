"""The past as querysets: `Limit.objects.as_of(moment)` filters, joins, sorts and counts rows as they stood.

In the compiled statement every captured table is shadowed by a common table expression of its own name: of each key the
last version until the moment, of two versions of the same microsecond the later written one. So whatever the statement
reaches (filters across relations, subqueries, `select_related`, aggregates, many-to-many tables) is of that moment too.
A model that is not captured but a record by itself says with `past_rows` which of its rows stood then. Any other table is
read as it is today.

What comes of such a queryset carries `_as_of`, and its relations, forward and reverse, lead to the same moment. Columns
that are not captured are empty, or what the model's declaration completes; filtering or sorting by them raises FieldError.
Where it is `hidden`, personal columns are masked in the table expression itself: so nothing that the statement says, finds,
sorts or counts tells of them.

Imports nothing of the project but `audit.personal`, so that every model may import it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.compiler import SQLCompiler
from django.db.models.fields import related_descriptors as related
from django.db.models.query import ModelIterable
from django.db.models.sql import Query

from audit.personal import MASK, personal_columns

NAME = re.compile(r'"(\w+)"')


def history_of(model: type[models.Model]) -> Any:
    """Return the historical model of a captured one, or None."""
    manager = getattr(model._meta, "simple_history_manager_attribute", None)
    return getattr(model, manager).model if manager else None


def has_past(model: type[models.Model]) -> bool:
    """Say whether anything is known of how rows of the model stood: it is captured, or its own record says."""
    return history_of(model) is not None or hasattr(model, "past_rows")


@cache
def _by_table() -> dict[str, type[models.Model]]:
    every = apps.get_models(include_auto_created=True)
    return {model._meta.db_table: model for model in every if has_past(model) and not model._meta.proxy}


def past_of(table: str, connection: BaseDatabaseWrapper, *, hidden: bool = False) -> str:
    """Return the expression that stands for a table; its one parameter is the moment."""
    declared: Any = _by_table()[table]
    model: type[models.Model] = declared
    history, quote = history_of(model), connection.ops.quote_name
    kept = {field.column for field in (history.tracked_fields if history else model._meta.concrete_fields)}
    masked = personal_columns(model) if hidden else ()

    def column(name: str, kind: str | None) -> str:
        if name not in kept:
            return f"NULL::{kind} AS {quote(name)}"
        if name in masked:
            return f"CASE WHEN {quote(name)} = '' THEN '' ELSE '{MASK}' END::{kind} AS {quote(name)}"
        return quote(name)

    columns = ", ".join(column(str(field.column), field.db_type(connection)) for field in model._meta.concrete_fields)
    rows = _versions(model, history, quote) if history else f"({declared.past_rows}) past"
    return f"{quote(table)} AS NOT MATERIALIZED (SELECT {columns} FROM {rows})"  # noqa: S608  names of ours


def _versions(model: type[models.Model], history: Any, quote: Callable[[str], str]) -> str:
    key = quote(str(model._meta.pk.column))
    return f"""(SELECT DISTINCT ON ({key}) * FROM {quote(history._meta.db_table)} WHERE history_date <= %s
        ORDER BY {key}, history_date DESC, history_id DESC) past WHERE history_type <> '-'"""  # noqa: S608  names of ours


class PastCompiler(SQLCompiler):
    """Shadows the tables of what it compiles of which the past is known."""

    def collapse_group_by(self, expressions: Any, having: Any) -> Any:
        """Name every column: of an expression, unlike of a table, PostgreSQL does not know that the key decides all."""
        return expressions

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        """Return the statement behind its common table expressions."""
        sql, params = super().as_sql(*args, **kwargs)
        query: Any = self.query
        tables = sorted({name for name in NAME.findall(sql) if name in _by_table()})
        if not tables:
            return sql, params
        shadows = ", ".join(past_of(table, self.connection, hidden=query.hidden) for table in tables)
        return f"WITH {shadows} {sql}", (*[query.moment] * len(tables), *params)


class PastQuery(Query):
    """A query of the rows that stood at `moment`."""

    moment: datetime
    hidden: bool

    def get_compiler(self, using: Any = None, connection: Any = None, elide_empty: bool = True) -> Any:
        """Return the compiler that shadows tables, for the plain SELECT and no other."""
        compiler = super().get_compiler(using, connection, elide_empty)
        if type(compiler) is SQLCompiler:
            return PastCompiler(self, compiler.connection, compiler.using, elide_empty)
        return compiler

    def chain(self, klass: Any = None) -> Any:
        """Refuse to become an UPDATE or a DELETE: their WHERE would be read today."""
        if klass is not None and not issubclass(klass, PastQuery):
            raise TypeError("What stood once cannot be changed.")
        return super().chain(klass)

    def names_to_path(self, names: Any, opts: Any, *args: Any, **kwargs: Any) -> Any:
        """Refuse what no version holds: it would be empty, and so the answer wrong."""
        found = super().names_to_path(names, opts, *args, **kwargs)
        field: Any = found[1]
        history = history_of(field.model) if getattr(field, "concrete", False) else None
        if history and not field.many_to_many and field.name not in {kept.name for kept in history.tracked_fields}:
            raise FieldError(f"{field} is not captured: no rows of the past can be found or sorted by it.")
        return found


class PastIterable(ModelIterable):  # type: ignore[type-arg]  # generic in the stubs only
    """Gives instances that know of which moment they are, completed with what is recorded elsewhere."""

    def __iter__(self) -> Iterator[Any]:
        rows = list(super().__iter__())
        query: Any = self.queryset.query
        met: dict[int, Any] = {}
        _remember(rows, query, met)
        by_model: dict[Any, list[Any]] = {}
        for row in met.values():
            by_model.setdefault(history_of(type(row)), []).append(row)
        for history, group in by_model.items():
            if complete := getattr(history, "complete", None):
                complete(group, query.moment, self.queryset.db)
        return iter(rows)


def _remember(rows: Iterable[Any], query: PastQuery, met: dict[int, Any]) -> None:
    """Mark rows and what came along with them by `select_related`."""
    for row in rows:
        if isinstance(row, models.Model) and id(row) not in met:
            row._as_of, row._hidden = query.moment, query.hidden  # type: ignore[attr-defined]  # ours
            met[id(row)] = row
            _remember(row._state.fields_cache.values(), query, met)


def at(queryset: Any, moment: datetime, *, hidden: bool = False) -> Any:
    """Return a queryset over the rows that stood at a moment, with personal values masked if `hidden`. No query by itself.

    Raises:
        TypeError: the model is not captured, so nothing is known of its past.
        ValueError: the moment has no time zone.
    """
    if not has_past(queryset.model._meta.concrete_model):
        raise TypeError(f"{queryset.model._meta.label} is not captured: nothing is known of its past.")
    if moment.tzinfo is None:
        raise ValueError("A moment has a time zone.")
    return _placed(queryset, moment, hidden=hidden)


def _placed(queryset: Any, moment: datetime, *, hidden: bool) -> Any:
    past = queryset.all()
    past.query = past.query.chain(klass=PastQuery)
    past.query.moment, past.query.hidden = moment, hidden
    past._iterable_class = PastIterable if past._iterable_class is ModelIterable else past._iterable_class
    return past


def _beside(queryset: Any, row: Any) -> Any:
    """Return a queryset of the moment that a row is of, or as it is for a row of today."""
    moment = getattr(row, "_as_of", None)
    return _placed(queryset, moment, hidden=row._hidden) if moment else queryset


def _of_the_same_moment(get_queryset: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `get_queryset` of a relation: from a row of the past it leads into the past."""

    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = get_queryset(self, *args, **kwargs)
        return _beside(found, kwargs.get("instance") or getattr(self, "instance", None))

    return wrapped


def _prefetched(get_prefetch_querysets: Callable[..., Any], start: Callable[[Any], Any]) -> Callable[..., Any]:
    """Wrap what `prefetch_related` calls in the same way."""

    def wrapped(self: Any, instances: Any, querysets: Any = None) -> Any:
        if getattr(instances[0], "_as_of", None) and querysets is None:
            querysets = [_beside(start(self), instances[0])]
        return get_prefetch_querysets(self, instances, querysets)

    return wrapped


def _towards_one(accessor: Any) -> None:
    kind = type(accessor)
    methods = {
        "get_queryset": _of_the_same_moment(kind.get_queryset),
        "get_prefetch_querysets": _prefetched(kind.get_prefetch_querysets, lambda this: this.get_queryset()),
    }
    accessor.__class__ = type(kind.__name__, (kind,), methods)


def _towards_many(accessor: Any) -> None:
    kind = accessor.related_manager_cls
    methods = {
        "get_queryset": _of_the_same_moment(kind.get_queryset),
        "get_prefetch_querysets": _prefetched(
            kind.get_prefetch_querysets, lambda this: this.model._default_manager.all()
        ),
    }
    vars(accessor)["related_manager_cls"] = type(kind.__name__, (kind,), methods)  # where cached_property keeps it


def lead_into_the_past() -> None:
    """Let the relations of captured models follow their rows to their moment; called once, when all models are there."""
    for model in _by_table().values():
        for accessor in list(vars(model).values()):
            if isinstance(accessor, related.ForwardManyToOneDescriptor | related.ReverseOneToOneDescriptor):
                _towards_one(accessor)
            elif isinstance(accessor, related.ReverseManyToOneDescriptor):  # many-to-many ones too
                _towards_many(accessor)
