"""How rows are voided, brought back and purged: Django's deletion collector, marking instead of deleting.

Invariants:
- One call is one transaction (a savepoint inside an open one): on any error nothing has changed.
- Statements per model do not grow with the rows: values travel as one array (`AnyOf`). A tree that points at itself
  costs one look per level.
- A row that is void already is neither voided again, nor counted, nor does it protect what it points at.
- A dependent of a plain model (rows of many-to-many tables, log entries, grants, sessions) stays as it is, since
  the row it points at still exists and may come back. Only its PROTECT or RESTRICT counts.
- A dependent permanent record refuses under CASCADE, in voiding and in purging.
- pre_delete and post_delete are not sent for voiding, because nothing is deleted; purging sends them.
- SET_NULL, SET_DEFAULT and SET() act on standing dependents and are not undone by restoring.

The chosen rows are locked first, in the order of their keys; dependents follow, model by model, as they are marked.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeAlias
from uuid import UUID, uuid4

from django.db import IntegrityError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CASCADE, PROTECT, RESTRICT, F
from django.db.models.deletion import Collector, ProtectedError
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler
from django.utils.text import capfirst
from psycopg.errors import ExclusionViolation, UniqueViolation

Counts: TypeAlias = tuple[int, dict[str, int]]
"""What Django's delete() returns: how many rows in all, and how many by model label."""

BINDING = (CASCADE, PROTECT, RESTRICT)
"""The rules under which a standing row may not point at a void one."""


def voids(model: type[Any]) -> bool:
    """Whether delete() voids the rows of `model`. An attribute says it: a mixin would enter every migration."""
    return getattr(model, "delete_voids", False)


def is_permanent(model: type[Any]) -> bool:
    """Whether the rows of `model` stay for good."""
    return getattr(model, "is_permanent", False)


class PermanentRecordError(ProtectedError):
    """Refusal to void, restore or purge a permanent record. Its text is one sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


class RestoreError(Exception):
    """Refusal to restore: what a row belongs to is void, or a value it must hold alone is taken."""


class AnyOf(Lookup):
    """`column = ANY(array)`: one parameter, however many values."""

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        column, params = self.process_lhs(compiler, connection)
        field = self.lhs.output_field
        values = [field.get_db_prep_value(value, connection) for value in self.rhs]
        return f"{column} = ANY(%s::{field.rel_db_type(connection)}[])", (*params, values)


def refuse_permanent(model: type[models.Model], rows: Iterable[models.Model] = ()) -> NoReturn:
    """Raise PermanentRecordError in the name of `model`."""
    name = capfirst(str(model._meta.verbose_name_plural))
    raise PermanentRecordError(
        f"{name} are permanent records: they can be neither voided nor restored nor purged.",
        {row for row in rows if row.pk is not None},
    )


def void_rows(rows: models.QuerySet[Any], *, using: str, key: UUID | None = None) -> Counts:
    """Void the standing ones of `rows` and what depends on them; they share `key`.

    Raises ProtectedError or RestrictedError as Django does, PermanentRecordError for permanent dependents. Queries: one
    for the rows, one for each relation that points at a model, one update for each model and each SET rule.
    """
    with transaction.atomic(using=using):
        voider = Voider(using)
        voider.collect(_locked(rows, using=using, is_void=False))
        counts = voider.mark(is_void=True, void_key=key or uuid4())
        voider.set_fields()
    return counts


def restore_rows(rows: models.QuerySet[Any], *, using: str) -> Counts:
    """Bring back the void ones of `rows` and those dependents that the same delete() voided.

    Raises RestoreError when something a row belongs to (CASCADE, PROTECT, RESTRICT) is still void or a value is taken.
    Queries: as in `void_rows`, and one for each foreign key that is checked.
    """
    try:
        with transaction.atomic(using=using):
            chosen = _locked(rows, using=using, is_void=True)
            restorer = Restorer(using, keys={row.void_key for row in chosen} - {None})
            restorer.collect(chosen)
            counts = restorer.mark(is_void=False, void_key=None)
            restorer.refuse_void_parents()
    except IntegrityError as error:
        if not isinstance(error.__cause__, (UniqueViolation, ExclusionViolation)):
            raise
        name = rows.model._meta.verbose_name
        raise RestoreError(
            f"This {name} cannot be restored: a value that only one row may hold is held by another now."
        ) from error
    return counts


def purge_rows(rows: Any, *, using: str, origin: Any = None, keep_parents: bool = False) -> Counts:
    """Really delete `rows`, a queryset or a list, and what depends on them, by Django's own rules and queries.

    Raises ProtectedError or RestrictedError as Django does, void dependents protecting too, since their keys would
    point nowhere; PermanentRecordError for permanent dependents.
    """
    purger = Purger(using, origin=rows if origin is None else origin)
    purger.collect(rows, keep_parents=keep_parents)
    return purger.delete()


def _locked(rows: models.QuerySet[Any], *, using: str, is_void: bool) -> list[Any]:
    """The standing or the void ones of `rows`, read anew and locked, so that two deletes do not cross."""
    chosen = rows.using(using).order_by().values("pk")
    base = rows.model._base_manager.using(using)
    return list(base.filter(pk__in=chosen, is_void=is_void).order_by("pk").select_for_update())


def _model_without_records(objs: Any) -> type[Any]:
    """The model of `objs`, a queryset or a list. Raises PermanentRecordError if they are permanent records."""
    model: type[Any] = objs.model if isinstance(objs, models.QuerySet) else type(next(iter(objs), None))
    if is_permanent(model) and objs:
        refuse_permanent(model, objs)
    return model


class MarkingCollector(Collector):
    """Walks dependents as Django's collector does and sets `is_void` on what it found."""

    def reached(self, rows: models.QuerySet[Any], on_delete: Callable[..., None]) -> models.QuerySet[Any]:
        """Those of `rows`, pointing here under `on_delete`, that this run is about."""
        raise NotImplementedError

    def can_fast_delete(self, objs: Any, from_field: "models.Field[Any, Any] | None" = None) -> bool:
        """Never: rows are not deleted."""
        return False

    def get_del_batches(
        self, objs: Any, fields: Iterable["models.Field[Any, Any]"]
    ) -> Sequence[Sequence[models.Model]]:
        """One batch: an array has no limit of parameters."""
        return [objs]

    def related_objects(
        self, related_model: type[models.Model], related_fields: Iterable[Any], objs: Any
    ) -> models.QuerySet[Any]:
        (field,) = related_fields
        (target,) = field.foreign_related_fields
        rows = related_model._base_manager.using(self.using)
        # Parents of a multi-table child come in the same query: the collector reads them row by row otherwise.
        if links := [link.name for link in related_model._meta.parents.values() if link]:
            rows = rows.select_related(*links)
        values = {getattr(obj, target.attname) for obj in objs} - {None}
        return self.reached(rows.filter(AnyOf(F(field.attname), list(values))), field.remote_field.on_delete)

    def collect(self, objs: Any, *args: Any, **kwargs: Any) -> None:
        """Take in `objs` and what depends on them; plain models are passed over, permanent ones refuse."""
        chosen = self._to_mark(objs)
        if voids(_model_without_records(chosen)):
            super().collect(chosen, *args, **kwargs)

    def _to_mark(self, objs: Any) -> Any:
        # Only rows behind a generic relation arrive without having passed related_objects(), and unread.
        unread = isinstance(objs, models.QuerySet) and objs._result_cache is None
        return self.reached(objs, CASCADE) if unread else objs

    def mark(self, *, is_void: bool, void_key: UUID | None) -> Counts:
        """Write the mark on all that was collected, one statement for each model, and count as delete() does."""
        counts: dict[str, int] = {}
        for model, rows in self.data.items():
            base, keys = model._base_manager.using(self.using), [row.pk for row in rows]
            owner = model._meta.get_field("is_void").model
            if not keys:
                continue
            # The row of a multi-table child has its mark in the parent's table, and the parent is collected too.
            changed = len(keys)
            if owner._meta.concrete_model is model._meta.concrete_model:
                chosen = base.filter(AnyOf(F("pk"), keys), is_void=not is_void)
                changed = chosen.update(is_void=is_void, void_key=void_key)
            if changed:
                counts[model._meta.label] = changed
        return sum(counts.values()), counts


class Voider(MarkingCollector):
    """Voids what is standing."""

    def reached(self, rows: models.QuerySet[Any], on_delete: Callable[..., None]) -> models.QuerySet[Any]:
        if voids(rows.model):
            return rows.filter(is_void=False)
        refuses = on_delete in (PROTECT, RESTRICT)
        refuses |= on_delete is CASCADE and is_permanent(rows.model)
        return rows if refuses else rows.none()

    def set_fields(self) -> None:
        """Carry out SET_NULL, SET_DEFAULT and SET(), after the marking: what has been voided keeps its pointers."""
        updates: Any = self.field_updates
        for (field, value), batches in updates.items():
            for rows in batches:
                standing = rows
                if rows._result_cache is not None:
                    base = rows.model._base_manager.using(self.using)
                    standing = base.filter(AnyOf(F("pk"), [row.pk for row in rows]), is_void=False)
                standing.update(**{field.name: value})


class Restorer(MarkingCollector):
    """Brings back what the deletes with the given keys have voided."""

    def __init__(self, using: str, *, keys: set[UUID]) -> None:
        super().__init__(using)
        self.keys = list(keys)

    def reached(self, rows: models.QuerySet[Any], on_delete: Callable[..., None]) -> models.QuerySet[Any]:
        if on_delete is CASCADE and voids(rows.model):
            return rows.filter(AnyOf(F("void_key"), self.keys), is_void=True)
        return rows.none()

    def refuse_void_parents(self) -> None:
        """Raise RestoreError if a row that was brought back belongs to a void one."""
        for model, rows in self.data.items():
            concrete: type[models.Model] = model._meta.concrete_model or model
            for field in concrete._meta.local_concrete_fields:
                link = field.remote_field
                if not rows or not link or link.on_delete not in BINDING:
                    continue
                if voids(link.model):
                    self._refuse_void_parent(model, field, [row.pk for row in rows])

    def _refuse_void_parent(self, model: type[models.Model], field: "models.Field[Any, Any]", keys: list[Any]) -> None:
        base = model._base_manager.using(self.using).select_related(field.name)
        row = base.filter(AnyOf(F("pk"), keys), **{f"{field.name}__is_void": True}).first()
        if row is not None:
            raise RestoreError(
                f"{capfirst(str(model._meta.verbose_name))} “{row}” cannot be restored while its"
                f" {field.verbose_name} “{getattr(row, field.name)}” is void: restore that first."
            )


class Purger(Collector):
    """Django's collector, which deletes, except that permanent records refuse."""

    def can_fast_delete(self, objs: Any, from_field: "models.Field[Any, Any] | None" = None) -> bool:
        model = objs if isinstance(objs, type) else getattr(objs, "model", type(objs))
        return not is_permanent(model) and super().can_fast_delete(objs, from_field)

    def collect(self, objs: Any, *args: Any, **kwargs: Any) -> None:
        _model_without_records(objs)
        super().collect(objs, *args, **kwargs)
