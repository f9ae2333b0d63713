"""Querysets and managers of the base: void rows are left out of every default query.

Invariants:
- The exclusion is one condition that the manager adds (`NotVoid`), so related managers, counts, aggregates, `in_bulk`,
  `get_or_create` and the rest follow by themselves; `all_objects_including_void()` takes that one condition off again
  and leaves the rest of the query as it is.
- Joins are not covered: `Account.objects.filter(entity__name=…)` sees void entities, as foreign keys to them must work.
- Managers are no part of migrations: a historical model has Django's own manager, and its delete() really deletes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NoReturn, Self, TypeVar, cast

from django.db import NotSupportedError, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import WhereNode

from audit.asof import PastQuery, at
from backoffice.models.voiding import Counts, purge_rows, refuse_permanent, restore_rows, void_rows

ModelT_co = TypeVar("ModelT_co", bound=models.Model, covariant=True)
Method = TypeVar("Method", bound=Callable[..., Any])

_with_void_rows: ContextVar[bool] = ContextVar("_with_void_rows", default=False)


class NotVoid(Lookup):
    """`NOT is_void`, told apart from a condition the caller wrote; without a parameter, so partial indexes fit."""

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        column, params = self.process_lhs(compiler, connection)
        return f"NOT {column}", params


@contextmanager
def default_managers_with_void_rows() -> Iterator[None]:
    """Within: default managers see void rows too. For Django's checks of uniqueness, which ask the default manager."""
    token = _with_void_rows.set(True)
    try:
        yield
    finally:
        _with_void_rows.reset(token)


def _queryset_only(method: Method) -> Method:
    """Keep `method` off managers, as Django keeps delete(): nobody voids a whole table by accident."""
    vars(method)["queryset_only"] = True
    return method


def _take_off_exclusion(where: WhereNode) -> None:
    # An empty node holds for every row: right under AND as under OR, where leaving the child out would be wrong.
    where.children = [WhereNode() if isinstance(c, NotVoid) else c for c in where.children]
    for child in where.children:
        if isinstance(child, WhereNode):
            _take_off_exclusion(child)


class QuerySet(models.QuerySet[ModelT_co]):
    """Queryset of a `Model`: delete() voids."""

    _fields: tuple[str, ...] | None  # Django's own, which its stubs leave out
    _for_write: bool  # as above

    def all_objects_including_void(self) -> Self:
        """The same query with void rows in it. No query by itself."""
        if self.query.combinator:
            raise NotSupportedError("Take void rows in before union(), not after.")
        clone = self.all()
        _take_off_exclusion(clone.query.where)
        return clone

    def as_of(self, moment: datetime) -> Self:
        """The rows that match as they stood at a moment, related ones too: see `audit.asof.at`. No query by itself."""
        return cast("Self", at(self, moment))

    @_queryset_only
    def delete(self) -> Counts:
        """Void these rows and their dependents: see `voiding.void_rows` for errors and queries."""
        return self._change(void_rows, "delete")

    @_queryset_only
    def restore(self) -> Counts:
        """Bring back the void rows that match, whether or not this queryset shows them.

        See `voiding.restore_rows` for errors and queries.
        """
        return self.all_objects_including_void()._change(restore_rows, "restore")

    @_queryset_only
    def purge_from_db(self) -> Counts:
        """Really delete these rows and all dependents, void ones included: see `voiding.purge_rows`."""
        return self._change(purge_rows, "purge_from_db")

    def _change(self, operation: Callable[..., Counts], name: str) -> Counts:
        query = self.query
        if isinstance(query, PastQuery):
            raise TypeError("What stood once cannot be changed.")
        if query.combinator or query.is_sliced or query.distinct_fields or self._fields is not None:
            raise TypeError(f"{name}() takes whole rows: no union, slice, distinct(fields) or values().")
        rows = self.order_by().select_related(None)
        rows._for_write = True
        rows.query.select_for_update = False
        counts = operation(rows, using=rows.db)
        self._result_cache = None
        return counts


class RecordQuerySet(models.QuerySet[ModelT_co]):
    """Queryset of a `Record`: reads and inserts only."""

    def all_objects_including_void(self) -> Self:
        """All rows: a record is never void."""
        return self.all()

    def as_of(self, moment: datetime) -> Self:
        """The rows that match as they stood at a moment, related ones too: see `audit.asof.at`. No query by itself."""
        return cast("Self", at(self, moment))

    @_queryset_only
    def delete(self) -> NoReturn:
        """Raise PermanentRecordError."""
        refuse_permanent(self.model)

    @_queryset_only
    def restore(self) -> NoReturn:
        """Raise PermanentRecordError."""
        refuse_permanent(self.model)

    @_queryset_only
    def purge_from_db(self) -> NoReturn:
        """Raise PermanentRecordError."""
        refuse_permanent(self.model)


class BaseManager(models.Manager[ModelT_co]):
    """What the managers of `Model` and `Record` have in common."""

    use_in_migrations = False


_ManagerOfAll = BaseManager.from_queryset(QuerySet)
_ManagerOfRecords = BaseManager.from_queryset(RecordQuerySet)


class Manager(_ManagerOfAll[ModelT_co]):
    """Default manager of a `Model`: standing rows. Give it methods with `Manager.from_queryset(...)`."""

    def get_queryset(self) -> QuerySet[ModelT_co]:
        rows = cast("QuerySet[ModelT_co]", super().get_queryset())
        return rows if _with_void_rows.get() else rows.filter(NotVoid(F("is_void"), True))


class RecordManager(_ManagerOfRecords[ModelT_co]):
    """Default manager of a `Record`."""
