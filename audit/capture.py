"""The declaration that a model's rows are captured: `history = captured()`.

django-simple-history makes the historical model, `as_of` and diffs from it. Its own writers are off: they miss `update()`,
bulk and SQL writes, record stale values, and write into the wrong database. Triggers write instead, in the statement that
changes the row; a migration turns them on with `SELECT audit_capture(...)` (audit/migrations/sql/0002_capture.sql).
What is left out here has no column in the historical table, and so is not captured.

Imports nothing of the project but column defaults, so that every model may import it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import signals
from simple_history.manager import HistoricalQuerySet, HistoryManager
from simple_history.models import HistoricalRecords

from audit.facts import Actor, Clock, Fact, Source

Complete = Callable[[Sequence[Any], datetime, str], None]


class HistoryRow(models.Model):
    """What every historical row tells beside who, when and why. The database fills it in; nobody else can write it."""

    history_request_id = models.TextField(db_default=Fact(setting="backoffice.request_id"), editable=False)
    history_source = models.TextField(
        db_default=Source(), editable=False, help_text="Role and program, if not the site."
    )

    class Meta:
        abstract = True


class MomentQuerySet(HistoricalQuerySet):  # type: ignore[misc]  # the library ships no types
    """Historical rows; as instances, completed with what is recorded elsewhere."""

    def latest_of_each(self) -> "MomentQuerySet":
        """Return the last version of each key: of two with the same timestamp the later written one, and it alone.

        The library's `as_of` calls it.
        """
        same_key = self.filter(**{self._pk_attr: models.OuterRef(self._pk_attr)})
        later = models.Q(history_date__gt=models.OuterRef("history_date")) | models.Q(
            history_date=models.OuterRef("history_date"), history_id__gt=models.OuterRef("history_id")
        )
        latest: MomentQuerySet = self.filter(~models.Exists(same_key.filter(later)))
        return latest

    def _instanceize(self) -> None:
        fresh = bool(self._result_cache) and self._as_instances and isinstance(self._result_cache[0], self.model)
        super()._instanceize()
        if fresh and self._as_of is not None:
            self.model.complete(self._result_cache, self._as_of, self.db)


class MomentManager(HistoryManager):  # type: ignore[misc]  # as above
    """`Model.history.as_of(moment)`: all rows as they stood; `row.history.as_of(moment)`: this one."""

    def as_of(self, date: datetime) -> Any:
        """Return rows, or the row, as they stood at a moment. Raises DoesNotExist for a row that was not there."""
        found = super().as_of(date)
        if self.instance:
            self.model.complete([found], date, found._state.db)
        return found


class Captured(HistoricalRecords):  # type: ignore[misc]  # as above
    """HistoricalRecords that never writes."""

    def __init__(
        self, *, without: Sequence[str], complete: Complete, indexed: Sequence[str] = (), app: str | None = None
    ) -> None:
        super().__init__(
            app=app,
            bases=(HistoryRow,),
            excluded_fields=list(without),
            history_id_field=models.BigAutoField(),
            history_change_reason_field=models.TextField(db_default=Fact(setting="backoffice.reason")),
            history_manager=MomentManager,
            historical_queryset=MomentQuerySet,
        )
        self.complete = complete
        self.indexed = indexed

    def add_extra_methods(self, cls: type[models.Model]) -> None:
        """Add no `save_without_historical_record`: there is no saving without it."""

    def finalize(self, sender: type[models.Model], **kwargs: Any) -> None:
        """Make the historical model, and take the library's writers off again."""
        super().finalize(sender, **kwargs)
        signals.post_save.disconnect(self.post_save, sender=sender)
        signals.post_delete.disconnect(self.post_delete, sender=sender)
        signals.pre_delete.disconnect(self.pre_delete, sender=sender)

    def copy_fields(self, model: type[models.Model]) -> dict[str, Any]:
        """Copy the fields without their indexes: a historical row is looked up by its key and moment."""
        fields: dict[str, Any] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False
        return fields

    def get_extra_fields(self, model: type[models.Model], fields: dict[str, Any]) -> dict[str, Any]:
        """Make `instance` from the row alone: the library would fill what is left out with what holds today."""
        return {
            **super().get_extra_fields(model, fields),
            "history_date": models.DateTimeField(db_default=Clock()),
            "instance": property(_instance),
            "complete": staticmethod(self.complete),
        }

    def _get_history_user_fields(self) -> dict[str, Any]:
        # No constraint and DO_NOTHING: history stays as it was written, whatever becomes of the person.
        link: Any = models.ForeignKey(
            settings.AUTH_USER_MODEL,
            models.DO_NOTHING,
            null=True,
            related_name="+",
            db_constraint=False,
            db_index=False,
            db_default=Actor(),
        )
        return {"history_user": link}

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        """Index key and moment, and give the historical model no permissions: its object's own count."""
        opts = model._meta
        indexes = [models.Index(fields=[opts.pk.attname, "history_date"], name=f"{opts.db_table[:22]}_history")]
        indexes += [models.Index(fields=[name], name=f"{opts.db_table[:22]}_{name[:7]}") for name in self.indexed]
        return {**super().get_meta_options(model), "indexes": indexes, "default_permissions": []}


def _instance(row: Any) -> Any:
    """Return the object as this row has it; fields that are not captured have their defaults."""
    result = row.instance_type(**{field.attname: getattr(row, field.attname) for field in row.tracked_fields})
    result._state.db = row._state.db
    result._history = row
    return result


def _nothing_more(instances: Sequence[Any], moment: datetime, using: str) -> None:
    """Complete nothing: all there is to know is in the historical rows."""


def captured(*, without: Sequence[str] = (), complete: Complete = _nothing_more) -> Any:
    """Declare that a model's rows are captured, except the fields in `without`.

    `complete(instances, moment, using)` fills in what stands in another record, in one query for all.
    """
    return Captured(without=without, complete=complete)


def capture_links(model: type[models.Model], *fields: str, module: str | None = None, app: str | None = None) -> None:
    """Capture who belongs to what: the rows of many-to-many tables, as `field.through.history`.

    `module` and `app` are ours where the model is another's: the historical models stand there.
    """
    for name in fields:
        field: Any = model._meta.get_field(name)
        records = Captured(without=(), complete=_nothing_more, indexed=[field.m2m_field_name()], app=app)
        _finish(records, field.remote_field.through, module or model.__module__)


def capture_other(model: type[models.Model], *, module: str, app: str) -> None:
    """Capture the rows of a model that is not ours to declare anything on, as `Model.history`."""
    _finish(Captured(without=(), complete=_nothing_more, app=app), model, module)


def _finish(records: Captured, model: type[models.Model], module: str) -> None:
    records.module, records.cls, records.manager_name = module, model, "history"
    records.finalize(model)
