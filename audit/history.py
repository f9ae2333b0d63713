"""The History page of every model: its timeline in sentences, any two versions compared, and how it stood at a moment.

Read-only: nothing here reverts anything. What happened to an object beside its own row (an account's actions, a person's
groups) is told by the ModelAdmin's `other_history`; what was seen and done, by the event store, to readers of the log.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from audit.asof import at, history_of
from audit.names import visible
from audit.personal import MASK, may_see, personal_columns
from audit.sentences import value
from audit.timeline import MOST, Line, Words, compared, event_lines, link_lines, version_lines

__all__ = ["MOST", "HistoryPages", "Line", "link_lines"]

LEFT_OUT = {"password", "last_login"}
RELATED = 20  # rows of each kind that are shown beside an object as it stood


class Question(forms.Form):
    """Which two versions to compare, and at which moment to look at the object."""

    old = forms.IntegerField(required=False)
    new = forms.IntegerField(required=False)
    at = forms.DateTimeField(required=False, label="As it stood on")


class HistoryPages:
    """A ModelAdmin whose History page is a timeline, with versions where its model is captured."""

    model: Any
    opts: Any
    admin_site: Any
    using: str
    view_events = "audit.view_event"

    def other_history(self, request: HttpRequest, obj: Any) -> Iterable[Line]:
        """Return what else happened to the object, at most MOST lines."""
        return ()

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the timeline, and what the reader asks about it."""
        admin: Any = self
        obj = admin.get_object(request, unquote(object_id))
        if obj is None:
            return admin._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[no-any-return]  # Django's
        if not admin.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **self.history_context(request, obj),
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "audit/history.html", context)

    def history_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return what the page shows."""
        captured = history_of(self.model) is not None
        rows = (
            list(self.model.history.filter(**{obj._meta.pk.attname: obj.pk}).select_related("history_user")[:MOST])
            if captured
            else []
        )
        words = Words(request, self.admin_site, self.model, rows)
        others = list(self.other_history(request, obj))
        reads_log = self.admin_site.name == "console" and request.user.has_perm(self.view_events)
        events = event_lines(request, self.admin_site, obj) if reads_log else []
        # Versions are never cut in favour of what is joined to them: they are what can be compared.
        lines = [*version_lines(rows, words), *others[:MOST], *(events or ())]
        question = Question(request.GET)
        question.is_valid()
        asked = question.cleaned_data
        return {
            "title": f"History: {obj}",
            "object": obj,
            "opts": self.opts,
            "module_name": str(self.opts.verbose_name_plural).capitalize(),
            "captured": captured,
            "lines": sorted(lines, key=lambda line: line.when, reverse=True),
            "cut": MOST in {len(rows), len(others), len(events or ())},
            "store_away": events is None,
            "question": question,
            "comparison": _comparison(rows, words, asked.get("old"), asked.get("new")),
            "stood": self.stood(request, obj, asked["at"]) if captured and asked.get("at") else None,
            "events_url": reverse("console:audit_event_changelist", query=_about(obj)) if reads_log else "",
        }

    def stood(self, request: HttpRequest, obj: Any, moment: datetime) -> dict[str, Any]:
        """Return the object as it stood at a moment, and what was related to it then."""
        every = self.model._base_manager.using(obj._state.db).filter(pk=obj.pk)
        then = at(every, moment).select_related(*_captured_relations(self.model)).first()
        if then is None:
            return {"at": moment, "fields": [], "related": []}
        hidden = frozenset() if may_see(request) else personal_columns(self.model)
        fields = [field for field in obj._meta.concrete_fields if field.name not in LEFT_OUT]
        return {
            "at": moment,
            "fields": [(field.verbose_name, MASK if field.column in hidden else said(then, field)) for field in fields],
            "related": list(self.related(request, then)),
        }

    def related(self, request: HttpRequest, then: Any) -> Iterable[tuple[str, list[str], bool]]:
        """Yield the kinds of captured rows that pointed at the object, as far as the reader may see them."""
        for relation in self.model._meta.related_objects:
            model = relation.related_model
            if history_of(model) is None or relation.hidden or relation.many_to_many:
                continue
            seen = visible(request, self.admin_site, model)
            if seen is None:
                continue
            every = model._base_manager.using(then._state.db).filter(**{relation.field.name: then.pk})
            past = at(every, then._as_of).select_related(*_captured_relations(model)).order_by("pk")
            rows = list(past[: RELATED + 1])
            kept = set(seen.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True)) if rows else ()
            if shown := [str(row) for row in rows[:RELATED] if row.pk in kept]:
                yield str(model._meta.verbose_name_plural), shown, len(rows) > RELATED


def said(then: Any, field: Any) -> str:
    """Return a field of a row of the past in words; of a relation, what that was called then."""
    if isinstance(field, models.ForeignKey):
        other = getattr(then, field.name)
        return value(None) if other is None else str(other)
    found = getattr(then, field.attname)
    if field.choices:
        return str(dict(field.flatchoices).get(found, ""))
    if isinstance(found, datetime):
        return date_format(localtime(found), "DATETIME_FORMAT")
    return value(found).strip("“”")


def _captured_relations(model: type[models.Model]) -> list[str]:
    fields = model._meta.concrete_fields
    return [f.name for f in fields if isinstance(f, models.ForeignKey) and history_of(f.remote_field.model)]


def _comparison(rows: Sequence[Any], words: Words, old: int | None, new: int | None) -> dict[str, Any] | None:
    by_id = {row.history_id: row for row in rows}
    if old is None or new is None or not {old, new} <= by_id.keys():
        return None
    first, second = sorted((by_id[old], by_id[new]), key=lambda row: row.history_id)
    return {"old": first, "new": second, "fields": compared(first, second, words)}


def _about(obj: models.Model) -> dict[str, str]:
    return {"object_type": obj._meta.label_lower, "object_id": str(obj.pk), "window": "all"}
