"""The History page of every model: its timeline in sentences, any two versions compared, and how it stood at a moment.

Read-only: nothing here reverts anything. What happened to an object beside its own row (an account's actions, a person's
groups) is told by the ModelAdmin's `other_history`; what was seen and done, by the event store, to readers of the log.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.asof import at, has_past, history_of
from audit.moment import PastMoment
from audit.names import visible
from audit.personal import MASK, may_see
from audit.sentences import LOOKS, in_words, value
from audit.timeline import Line, Until, Words, compared, event_lines, link_lines, version_lines

__all__ = ["HistoryPages", "Line", "Until", "link_lines"]

COMPARED = 2
WITHOUT = "no"
LEFT_OUT = {"password", "last_login"}
RELATED = 20  # rows of each kind that are shown beside an object as it stood


class Question(forms.Form):
    """Which two versions to compare, and at which moment to look at the object."""

    old = forms.IntegerField(required=False)
    new = forms.IntegerField(required=False)
    at = PastMoment(required=False, label="As it stood on")
    until = forms.CharField(required=False)
    looks = forms.ChoiceField(required=False, choices=[("", ""), (WITHOUT, WITHOUT)])


class HistoryPages:
    """A ModelAdmin whose History page is a timeline, with versions where its model is captured."""

    model: Any
    opts: Any
    admin_site: Any
    using: str
    view_events = "audit.view_event"

    def other_history(self, request: HttpRequest, obj: Any, until: Until) -> Iterable[Line]:
        """Return what else happened to the object until a moment, newest first, as much as `until.of` takes."""
        return ()

    def page_of_then(self, request: HttpRequest, obj: Any) -> tuple[str, str] | None:
        """Return the address and the name of a page that knows of moments before the record begins, if there is one."""
        return None

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
        question, label = Question(request.GET), cast("Any", self).label(obj)
        question.is_valid()
        asked = question.cleaned_data
        until, captured = Until.read(asked["until"]), history_of(self.model) is not None
        rows, chosen = self.versions(obj, until, asked) if captured else ([], [])
        words = Words(request, self.admin_site, self.model, [*rows, *chosen])
        looks, kept = asked.get(LOOKS) != WITHOUT, cast("Any", self).kept_context(request)
        reads_log = self.admin_site.name == "console" and request.user.has_perm(self.view_events)
        events = event_lines(request, self.admin_site, obj, until, looks=looks) if reads_log else []
        others = self.other_history(request, obj, until)
        lines, older = until.page([*version_lines(rows, words), *others, *(events or ())])
        here = {line.version for line in lines}
        return {
            "title": f"History: {label}",
            "label": label,
            "object": obj,
            "opts": self.opts,
            **kept,
            "kept_fields": [*kept["kept_fields"], *([] if looks else [(LOOKS, WITHOUT)])],
            "comparable": len(rows) > 1 or bool(chosen) or (captured and until.moment is not None),
            "has_past": has_past(self.model),
            "lines": lines,
            "older": older,
            "is_older": until.moment is not None,
            "store_away": events is None,
            "question": question,
            "looks": looks,
            "reads_log": reads_log,
            "elsewhere": [
                (name, row)
                for name in ("old", "new")
                for row in chosen
                if row.history_id == asked.get(name) and row.history_id not in here
            ],
            "comparison": _comparison(chosen, words),
            "stood": self.stood(request, obj, asked["at"]) if has_past(self.model) and asked.get("at") else None,
            "events_url": reverse("console:audit_event_changelist", query=_about(obj)) if reads_log else "",
        }

    def versions(self, obj: Any, until: Until, asked: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """Return the versions that the page can show, and those that the reader chose, wherever they stand. Two queries."""
        every = self.model.history.filter(**{obj._meta.pk.attname: obj.pk}).select_related("history_user")
        picked = {asked[name] for name in ("old", "new") if asked.get(name) is not None}
        return list(until.of(every, "history_date")), list(every.filter(history_id__in=picked)) if picked else []

    def stood(self, request: HttpRequest, obj: Any, moment: datetime) -> dict[str, Any]:
        """Return the object as it stood at a moment, and what was related to it then."""
        every = self.model._base_manager.using(obj._state.db).filter(pk=obj.pk)
        hidden = not may_see(request)
        then = at(every, moment, hidden=hidden).select_related(*_relations_of_then(self.model)).first()
        if then is None:
            return {"at": moment, "fields": [], "related": [], "instead": self.page_of_then(request, obj)}
        unknown = LEFT_OUT | _not_of_then(self.model)
        fields = [field for field in obj._meta.concrete_fields if field.name not in unknown]
        told = [(field.verbose_name, said(then, field)) for field in fields]
        related = list(self.related(request, then))
        masked = any(MASK in str(text) for _, text in told) or any(
            MASK in text for _, rows, _ in related for text in rows
        )
        return {"at": moment, "fields": told, "related": related, "masked": masked}

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
            past = at(every, then._as_of, hidden=then._hidden).select_related(*_relations_of_then(model)).order_by("pk")
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
    return in_words(field, found, {}, getattr(then, "currency", "")).strip("“”")


def _relations_of_then(model: type[models.Model]) -> list[str]:
    kept = (field for field in model._meta.concrete_fields if field.name not in _not_of_then(model))
    return [f.name for f in kept if isinstance(f, models.ForeignKey) and has_past(f.remote_field.model)]


def _not_of_then(model: type[models.Model]) -> set[str]:
    """Return the relations of a captured model that no version holds."""
    history = history_of(model)
    kept = {field.name for field in history.tracked_fields} if history else None
    fields = (field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey))
    return {field.name for field in fields if kept is not None and field.name not in kept}


def _comparison(chosen: Sequence[Any], words: Words) -> dict[str, Any] | None:
    if len(chosen) != COMPARED:
        return None
    first, second = sorted(chosen, key=lambda row: row.history_id)
    return {"old": first, "new": second, "fields": compared(first, second, words)}


def _about(obj: models.Model) -> dict[str, str]:
    return {"object_type": obj._meta.label_lower, "object_id": str(obj.pk), "window": "all"}
