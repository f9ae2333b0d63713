"""The History page of captured models: versions in sentences, any two of them compared, and the object as it stood.

Read-only: nothing here reverts anything. What happened to an object beside its own row (an account's actions, a person's
groups) is told by the ModelAdmin's `other_history`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.sentences import NAMELESS, value

MOST = 200  # versions on the page, and as many lines of anything else; the event log has the older ones
DEED = {"+": "Created", "-": "Deleted"}


class Line(NamedTuple):
    """What happened, when, by whom; `version` numbers the rows that can be compared."""

    when: datetime
    who: str
    text: str | SafeString
    reason: str = ""
    version: int | None = None


class Difference(NamedTuple):
    """A field of two versions."""

    label: str
    old: str
    new: str


class Question(forms.Form):
    """Which two versions to compare, and at which moment to look at the object."""

    old = forms.IntegerField(required=False)
    new = forms.IntegerField(required=False)
    at = forms.DateTimeField(required=False, label="As it stood on")


def shown(row: Any, field: Any) -> str:
    """Return a field's value in words; of a relation, what it points at today."""
    if isinstance(field, models.ForeignKey):
        number = getattr(row, field.attname)
        other = (
            field.remote_field.model._base_manager.using(row._state.db).filter(pk=number).first() if number else None
        )
        return str(other) if other else value(number)
    if field.choices:
        return str(dict(field.flatchoices).get(getattr(row, field.attname), ""))
    return value(getattr(row, field.attname))


def changed_fields(old: Any, new: Any) -> list[Any]:
    """Return the captured fields in which two versions differ."""
    return [field for field in new.tracked_fields if getattr(old, field.attname) != getattr(new, field.attname)]


def compared(old: Any, new: Any) -> list[Difference]:
    """Return the fields that differ, with both values."""
    return [
        Difference(str(field.verbose_name), shown(old, field), shown(new, field)) for field in changed_fields(old, new)
    ]


def who_of(row: Any) -> str:
    """Return who made a version: a person, or the role and program that wrote it past the site."""
    if row.history_user is not None:
        return str(row.history_user)
    return f"outside of the site, {row.history_source}" if row.history_source else NAMELESS


def version_lines(rows: Sequence[Any]) -> Iterator[Line]:
    """Tell versions, newest first, each by what it changed."""
    for new, old in pairwise([*rows, None]):
        text: str | SafeString = DEED.get(new.history_type, "Changed")
        if new.history_type == "~" and old is not None:
            fields = changed_fields(old, new)
            text = format_html(
                "Changed {}", format_html_join("; ", "{}{}", [(f.verbose_name, _from_to(old, new, f)) for f in fields])
            )
        yield Line(new.history_date, who_of(new), text, new.history_change_reason, new.history_id)


def _from_to(old: Any, new: Any, field: Any) -> str:
    if isinstance(field, models.ForeignKey):
        return ""  # said in words by the comparison
    return f" from {shown(old, field)} to {shown(new, field)}"


def link_lines(manager: Any, owner: str, other: str, obj: models.Model) -> Iterator[Line]:
    """Tell when an object came to belong to something and when it ceased to, from the rows of a link table."""
    for row in manager.filter(**{owner: obj}).select_related(other, "history_user")[:MOST]:
        text = format_html("{} {}", "Taken into" if row.history_type == "+" else "Taken out of", getattr(row, other))
        yield Line(row.history_date, who_of(row), text, row.history_change_reason)


class HistoryPages:
    """A ModelAdmin whose History page shows captured versions, where its model has them."""

    model: Any
    opts: Any
    admin_site: Any
    view_events = "audit.view_event"

    def other_history(self, request: HttpRequest, obj: Any) -> Iterable[Line]:
        """Return what else happened to the object, at most MOST lines."""
        return ()

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the versions, and what the reader asks about them."""
        base: Any = super()
        if not hasattr(self.opts, "simple_history_manager_attribute"):
            return base.history_view(request, object_id, extra_context)  # type: ignore[no-any-return]  # Django's own page
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
        rows = list(self.model.history.filter(id=obj.pk).select_related("history_user")[:MOST])
        others = list(self.other_history(request, obj))
        # Versions are never cut in favour of what is joined to them: they are what can be compared.
        lines = sorted([*version_lines(rows), *others[:MOST]], key=lambda line: line.when, reverse=True)
        question = Question(request.GET)
        question.is_valid()
        asked = question.cleaned_data
        return {
            "title": f"History: {obj}",
            "object": obj,
            "opts": self.opts,
            "module_name": str(self.opts.verbose_name_plural).capitalize(),
            "lines": lines,
            "cut": len(others) >= MOST or len(rows) == MOST,
            "question": question,
            "comparison": self._comparison(rows, asked.get("old"), asked.get("new")),
            "stood": self._stood(obj, asked["at"]) if asked.get("at") else None,
            "events_url": self._events_url(request, obj),
        }

    def _comparison(self, rows: Sequence[Any], old: int | None, new: int | None) -> dict[str, Any] | None:
        by_id = {row.history_id: row for row in rows}
        if old is None or new is None or not {old, new} <= by_id.keys():
            return None
        first, second = sorted((by_id[old], by_id[new]), key=lambda row: row.history_id)
        return {"old": first, "new": second, "fields": compared(first, second)}

    @staticmethod
    def _stood(obj: Any, moment: datetime) -> dict[str, Any]:
        try:
            then = obj.history.as_of(moment)
        except ObjectDoesNotExist:
            return {"at": moment, "fields": []}
        left_out = {"password", "last_login"}
        fields = [field for field in obj._meta.concrete_fields if field.name not in left_out]
        return {"at": moment, "fields": [(field.verbose_name, shown(then, field)) for field in fields]}

    def _events_url(self, request: HttpRequest, obj: Any) -> str:
        if self.admin_site.name != "console" or not request.user.has_perm(self.view_events):
            return ""
        query = {"object_type": self.opts.label_lower, "object_id": str(obj.pk)}
        return reverse("console:audit_event_changelist", query=query)
