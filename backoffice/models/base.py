"""The base of every model: rows are voided rather than deleted, and ledger records stay for good.

Invariants:
- `objects` shows standing rows; `all_objects_including_void()` shows all; foreign keys, `refresh_from_db()` and
  one-to-one accessors reach a void row, because `_base_manager` stays Django's plain one.
- `is_void` and `void_key` change by delete() and restore(). Rows voided by one delete() share a `void_key`; it is empty
  on a row that was created void.
- A void row keeps its unique values: a form says so at the field. Where a new row may take them over, declare
  `UniqueConstraint(fields=[...], condition=Q(is_void=False), name=...)`; restoring is refused once that has happened.
- A void row that owns a multi-table child is void as a whole: child and parent together.

A manager of one's own subclasses `Manager` (or `RecordManager`), or is made by `Manager.from_queryset(...)` from a
queryset that subclasses `QuerySet`. Together with another manager, ours comes first:

    class UserManager(Manager["User"], DjangoUserManager["User"]): ...

    class User(Model, AbstractUser):
        objects = UserManager()
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Literal, NoReturn, Self, cast
from uuid import uuid4

from django.core import checks
from django.core.exceptions import ValidationError
from django.db import models, router

from backoffice.models.querysets import (
    BaseManager,
    Manager,
    QuerySet,
    RecordManager,
    RecordQuerySet,
    default_managers_with_void_rows,
)
from backoffice.models.voiding import (
    Counts,
    PermanentRecordError,
    RestoreError,
    purge_rows,
    refuse_permanent,
    restore_rows,
    void_rows,
    voids,
)

__all__ = [
    "BaseManager",
    "Counts",
    "Manager",
    "Model",
    "PermanentRecordError",
    "QuerySet",
    "Record",
    "RecordManager",
    "RecordQuerySet",
    "RestoreError",
]


class Model(models.Model):
    """A row that can be voided, restored and purged."""

    delete_voids: ClassVar[bool] = True

    # The database has the default too, so that SQL written by hand and COPY need not name the column.
    is_void = models.BooleanField("void", default=False, db_default=False, editable=False)
    void_key = models.UUIDField(null=True, editable=False)

    objects = Manager()

    class Meta:
        abstract = True

    @classmethod
    def all_objects_including_void(cls) -> QuerySet[Self]:
        """All rows, void ones too. No query by itself."""
        manager = cast("Manager[Self]", cls._default_manager)
        return manager.all_objects_including_void()

    def delete(self, using: str | None = None, keep_parents: bool = False) -> Counts:
        """Void this row and its dependents as `on_delete` says; return Django's counts, (0, {}) if it was void.

        Raises ValueError without a primary key or with `keep_parents`; else see `voiding.void_rows`.
        """
        if keep_parents:
            raise ValueError("A row is voided as a whole: keep_parents is not possible.")
        rows, key = self._row("voided", using), uuid4()
        counts = void_rows(rows, using=rows.db, key=key)
        if counts[0]:
            self.is_void, self.void_key = True, key
        return counts

    def restore(self, using: str | None = None) -> Counts:
        """Bring back this row and those of its dependents that the same delete() voided; (0, {}) if it is standing.

        Raises ValueError without a primary key; else see `voiding.restore_rows`.
        """
        rows = self._row("restored", using)
        counts = restore_rows(rows, using=rows.db)
        if counts[0]:
            self.is_void, self.void_key = False, None
        return counts

    def purge_from_db(self, using: str | None = None, keep_parents: bool = False) -> Counts:
        """Really delete this row, void or not, and all dependents, void ones included.

        Raises ValueError without a primary key; else see `voiding.purge_rows`.
        """
        rows = self._row("purged", using)
        return purge_rows([self], using=rows.db, origin=self, keep_parents=keep_parents)

    delete.alters_data = True  # type: ignore[attr-defined]  # templates may not call it
    restore.alters_data = True  # type: ignore[attr-defined]  # as above
    purge_from_db.alters_data = True  # type: ignore[attr-defined]  # as above

    def _row(self, what: str, using: str | None) -> models.QuerySet[Any]:
        """The row as a queryset on the database it is written to."""
        if self.pk is None:
            raise ValueError(f"A {self._meta.verbose_name} that was never saved cannot be {what}.")
        using = using or router.db_for_write(type(self), instance=self)
        return type(self)._base_manager.using(using).filter(pk=self.pk)

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """Raise ValidationError if another row, void ones included, holds a unique value."""
        with default_managers_with_void_rows():
            super().validate_unique(exclude=exclude)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Raise ValidationError if a constraint would refuse the row, void rows included.

        No form has `is_void` as a field, yet its value is known: constraints on it are checked all the same.
        """
        with default_managers_with_void_rows():
            super().validate_constraints(exclude=set(exclude or ()) - {"is_void"})

    def unique_error_message(self, model_class: type[models.Model], unique_check: Sequence[str]) -> ValidationError:
        """Say so if the row that holds the value is void, since no list shows it. One query."""
        message = super().unique_error_message(model_class, tuple(unique_check))
        if not voids(model_class):
            return message
        opts: Any = model_class._meta
        held = {name: getattr(self, name) for name in unique_check}
        if not model_class._base_manager.filter(**held, is_void=True).exists():
            return message
        return ValidationError(
            "A void %(model_name)s holds this %(field_labels)s: restore it, purge it or choose another value.",
            code=message.code,
            params={
                "model_name": opts.verbose_name,
                "field_labels": " and ".join(str(opts.get_field(name).verbose_name) for name in unique_check),
            },
        )

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse a default manager that would show void rows."""
        return [*super().check(**kwargs), *_check_default_manager(cls, Manager, "B001")]


class Record(models.Model):
    """A ledger record: it can be neither voided nor restored nor purged."""

    is_permanent: ClassVar[bool] = True
    is_void: ClassVar[Literal[False]] = False

    objects = RecordManager()

    class Meta:
        abstract = True

    @classmethod
    def all_objects_including_void(cls) -> RecordQuerySet[Self]:
        """All rows: a record is never void."""
        manager = cast("RecordManager[Self]", cls._default_manager)
        return manager.all_objects_including_void()

    def delete(self, using: str | None = None, keep_parents: bool = False) -> NoReturn:
        """Raise PermanentRecordError."""
        refuse_permanent(type(self), [self])

    def restore(self, using: str | None = None) -> NoReturn:
        """Raise PermanentRecordError."""
        refuse_permanent(type(self), [self])

    def purge_from_db(self, using: str | None = None, keep_parents: bool = False) -> NoReturn:
        """Raise PermanentRecordError."""
        refuse_permanent(type(self), [self])

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse a default manager through which records could be deleted."""
        return [*super().check(**kwargs), *_check_default_manager(cls, RecordManager, "B002")]


def _check_default_manager(
    model: type[models.Model], wanted: type[BaseManager[Any]], code: str
) -> list[checks.CheckMessage]:
    if isinstance(model._default_manager, wanted):
        return []
    hint = f"Let its manager subclass backoffice.models.base.{wanted.__name__}, and come first among its bases."
    message = f"The default manager of {model._meta.label} is no {wanted.__name__}."
    return [checks.Error(message, hint=hint, obj=model, id=f"backoffice.{code}")]
