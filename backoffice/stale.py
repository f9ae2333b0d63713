"""Two people who edit the same object: who saves second is told what the first changed, and overwrites nothing unseen.

A change form carries what it showed of each field, in a signed token (`seen`). When it is sent the row is locked and read
again: where a field holds something else by now, nothing is saved, and the page tells field by field what was there, what is,
who changed it and when. What the person has not touched takes over what is there now; the rest is theirs to decide, and the
form that says so carries a token of its own.

Invariants:
- Of two forms sent at once the second waits for the row, and then sees what the first saved.
- A field in which both agree is no matter: a form sent twice is saved once and complains of nothing.
- What a form does not show cannot be overwritten by it, and is not compared. Nor is a password, which is never shown.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.core import signing
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict

from audit.asof import history_of
from audit.timeline import who_of

NAME = "seen"
SALT = "backoffice.stale"
LOCKS = "stale_locks"  # set on a request that may change the object it asks for
VERSIONS = 50  # the latest versions, among which whoever changed a field is looked for
CHANGED = (
    "Not saved: somebody else has changed this while you had it open. What you did not touch has been taken over below; "
    "look at the rest, then save again."
)
Shown = bool | str | list[str] | None


class Changed(NamedTuple):
    """A field that somebody else changed: what was there when the form was opened, what is now, who did it and when."""

    label: str
    was: str
    now: str
    who: str
    when: datetime | None


class Watched(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Mixed into the form of an object that is there already."""

    subject: ClassVar[Model]
    meanwhile: tuple[Changed, ...] = ()

    @property
    def watched(self) -> list[str]:
        """Return the fields of the model that the form can change."""
        stored = {field.name for field in (*self.instance._meta.fields, *self.instance._meta.many_to_many)}
        return [name for name, field in self.fields.items() if name in stored and not field.disabled]

    def holds(self) -> dict[str, Shown]:
        """Return what the fields hold now, as it is compared."""
        found = {name: self.get_initial_for_field(self.fields[name], name) for name in self.watched}
        return {name: _plain(self.fields[name].prepare_value(value)) for name, value in found.items()}

    def token(self) -> str:
        """Return what the form shows, signed."""
        return signing.dumps(self.holds(), salt=_salt(self.instance), compress=True)

    def clean(self) -> Any:
        """Refuse what was made from something that is there no more."""
        cleaned = super().clean()
        if seen := self._seen():
            now, sent = self.holds(), set(self.changed_data)  # what is sent and differs from what is there now
            changed = [name for name, was in seen.items() if now.get(name, was) != was and name in sent]
            self.meanwhile = tuple(self._told(name, seen[name], now[name]) for name in changed)
            if changed:
                self.add_error(None, CHANGED)
                self._take_over(name for name in changed if self._untouched(name, seen[name]))
        return cleaned

    def _seen(self) -> dict[str, Shown]:
        """Return what the person saw; nothing where that is not known, as of what no form of ours sent."""
        try:
            seen: dict[str, Shown] = signing.loads(self.data.get(NAME, ""), salt=_salt(self.instance))
        except signing.BadSignature:
            return {}
        return seen

    def _untouched(self, name: str, was: Shown) -> bool:
        field = self.fields[name]
        sent = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        return _is_plain(field) and (_plain(sent) or None) == (was or None)  # nothing chosen is sent as an empty text

    def _take_over(self, names: Iterable[str]) -> None:
        """Put what is there now in the place of what was sent."""
        data: Any = self.data.copy() if isinstance(self.data, QueryDict) else QueryDict(mutable=True)
        for name in names:
            value, key = self.holds()[name], self.add_prefix(name)
            data.setlist(key, value if isinstance(value, list) else [value] if value else [])
        self.data = data

    def _told(self, name: str, was: Shown, now: Shown) -> Changed:
        who, when = _last_change(self.subject, name)
        field = self.fields[name]
        return Changed(str(field.label or name), said(field, was), said(field, now), who, when)


def _is_plain(field: forms.Field) -> bool:
    """Whether the field is sent under its own name, and not in parts."""
    return not isinstance(field.widget, forms.MultiWidget)


def _salt(row: Model) -> str:
    return f"{SALT} {row._meta.label_lower} {row.pk}"


def _plain(value: Any) -> Shown:
    """Return a value as JSON has it, so that what a form was made from and what is there now can be compared."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple, set, QuerySet)):
        return sorted(str(getattr(one, "pk", one)) for one in value)
    return str(getattr(value, "pk", value))


def said(field: forms.Field, value: Shown) -> str:
    """Return a value in words: what is chosen by its name, nothing as a dash. One query for what points at rows."""
    if value in (None, "", []):
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
        rows = field.queryset.filter(pk__in=value if isinstance(value, list) else [value])
        return ", ".join(sorted(str(row) for row in rows)) or "\N{EN DASH}"
    labels = {str(key): str(label) for key, label in getattr(field, "choices", ())}
    return ", ".join(labels.get(one, one) for one in value) if isinstance(value, list) else labels.get(value, value)


def _last_change(row: Model, name: str) -> tuple[str, datetime | None]:
    """Return who last changed a field, and when; nobody where no version tells. One query."""
    field: Any = row._meta.get_field(name)
    if field.many_to_many:
        found = field.remote_field.through.history.filter(**{field.m2m_field_name(): row.pk})
        last = found.select_related("history_user").order_by("-history_date", "-history_id").first()
        return (who_of(last), last.history_date) if last else ("", None)
    if history_of(type(row)) is None:
        return "", None
    manager: Any = row.history  # type: ignore[attr-defined]  # captured
    every = manager.select_related("history_user").order_by("-history_date", "-history_id")
    versions = list(every[:VERSIONS])
    for new, old in pairwise(versions):
        if getattr(new, field.attname) != getattr(old, field.attname):
            return who_of(new), new.history_date
    return "", None


class StaleForms:
    """A ModelAdmin whose change forms notice what others changed."""

    model: Any

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Let what is to be changed be locked before it is read."""
        setattr(request, LOCKS, request.method == "POST" and object_id is not None)
        page: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]  # of the ModelAdmin, beside which this is mixed in
        return page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the object; of a form that was sent, as it is once its row is locked."""
        found = super().get_object(request, object_id, from_field)  # type: ignore[misc]  # as above
        if found is None or not getattr(request, LOCKS, False) or not self.has_change_permission(request, found):  # type: ignore[attr-defined]  # as above
            return found
        row = self.model._base_manager.using(found._state.db).filter(pk=found.pk).order_by()
        list(row.select_for_update(no_key=True).values_list("pk"))
        return super().get_object(request, object_id, from_field)  # type: ignore[misc]  # as above

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **how: Any) -> Any:
        """Watch the fields of what is there already."""
        form = super().get_form(request, obj, change, **how)  # type: ignore[misc]  # as above
        if obj is None or not change or not self.has_change_permission(request, obj):  # type: ignore[attr-defined]  # as above
            return form
        return type(form.__name__, (Watched, form), {"subject": obj})

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **how: Any) -> HttpResponse:
        """Give the page the token of what it shows, and what somebody else has changed."""
        form = context["adminform"].form
        if isinstance(form, Watched):
            context |= {"seen": form.token(), "meanwhile": form.meanwhile}
        page: HttpResponse = super().render_change_form(request, context, *args, **how)  # type: ignore[misc]  # as above
        return page
