"""Searching the event log: one form of indexed conditions, a window of time, and words that lead to objects.

Without a window, an object or a request the last WINDOW days are searched: the log has millions of events, and who looks
for older ones says so.
"""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, Func, Q, QuerySet, Value
from django.http import HttpRequest
from django.utils import timezone

from audit.names import fits, visible
from audit.personal import model_of
from audit.registry import TYPES
from audit.timeline import LOOKED
from backoffice.models.voiding import AnyOf
from backoffice.moments import Moment
from backoffice.people import matching

WINDOW = 7  # days
CANDIDATES = 50  # objects of each type that typed words may mean
DIRECT = ("user_id", "block", "object_type", "object_id", "entity_id", "request_id")
OWN = {"audit"}  # apps whose rows are not what events speak of


def type_choices() -> list[Any]:
    """Return all types, by family."""
    families: dict[str, list[tuple[str, str]]] = {}
    for name in TYPES:
        families.setdefault(name.partition(".")[0], []).append((name, name))
    every = [("", "All")]
    return [*every, *((family, [(f"{family}.", f"{family}: all"), *names]) for family, names in families.items())]


def object_types() -> list[tuple[str, str]]:
    """Return the models that the console has pages of."""
    from django.contrib.admin import site  # noqa: PLC0415  its registry is complete once all apps are loaded

    found = [(model._meta.label_lower, str(model._meta.verbose_name)) for model in site._registry]
    return [("", "All"), *sorted(found, key=lambda pair: pair[1])]


class SearchForm(forms.Form):
    """What to look for; everything that is empty is left out."""

    username = forms.CharField(required=False, label="Who, by any name", max_length=150)
    block = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)
    type = forms.ChoiceField(required=False, label="What", choices=type_choices)
    object_type = forms.ChoiceField(required=False, label="About", choices=object_types)
    object_id = forms.CharField(required=False, label="Its number", max_length=200)
    entity_id = forms.ChoiceField(required=False, label="Entity")
    request_id = forms.CharField(required=False, label="Request", max_length=200)
    reason = forms.CharField(required=False, label="Why, words of the reason", max_length=200)
    success = forms.ChoiceField(required=False, choices=[("", "All"), ("1", "Yes"), ("0", "No")])
    since = Moment(required=False)
    until = Moment(required=False)
    user_id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen = forms.RegexField(r"^\w+\.\w+ \S+$", required=False, widget=forms.HiddenInput)
    window = forms.ChoiceField(required=False, choices=[("", ""), ("all", "")], widget=forms.HiddenInput)

    def __init__(self, data: Any, *, entities: list[tuple[str, str]]) -> None:
        super().__init__(data)
        chosen: Any = self.fields["entity_id"]
        chosen.choices = [("", "All"), *entities]
        for name in ("since", "until"):
            self.fields[name].label = f"{name.capitalize()} ({timezone.get_current_timezone_name()})"

    def clean(self) -> dict[str, Any]:
        """Refuse a window that ends before it begins."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until <= since:
            raise forms.ValidationError("The window ends before it begins: choose an earlier Since or a later Until.")
        return self.cleaned_data


def same_subject(object_type: str, object_id: str) -> list[tuple[str, str]]:
    """Return an object and what is the same person or thing in another table: its one-to-one relations."""
    model = model_of(object_type)
    relations: list[Any] = [one for one in model._meta.get_fields() if one.one_to_one] if model else []
    row = None
    if model and relations and not model._meta.proxy and fits(model, object_id):
        row = model._base_manager.filter(pk=object_id).first()
    return [(object_type, object_id), *(_same(row, relations) if row else ())]


def _same(row: models.Model, relations: list[Any]) -> Iterator[tuple[str, str]]:
    """Give what stands at the other ends of relations."""
    for relation in relations:
        other = relation.related_model
        back = {relation.field.name: row} if relation.auto_created else {"pk": getattr(row, relation.attname)}
        for key in other._base_manager.filter(**back).values_list("pk", flat=True):
            yield other._meta.label_lower, str(key)


class SearchFilter(admin.ListFilter):
    """All conditions of the log in one form; where one cannot be read, nothing is found and the page says why."""

    title = "what to look for"
    hint = ""  # about what was typed and means nobody
    template = "audit/search_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        names = list(SearchForm.base_fields)
        typed = {name: params.pop(name, [""])[-1] for name in names}
        self.used_parameters = {name: text for name, text in typed.items() if text}
        self.form = SearchForm(typed, entities=model_admin.entity_choices(request))
        self.form.is_valid()
        self.site: AdminSite = model_admin.admin_site
        self.asked: dict[str, Any] = self.form.cleaned_data

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(SearchForm.base_fields)

    def choices(self, changelist: ChangeList) -> Any:
        """Give the template the other parameters of the list, to keep them."""
        kept = [(name, text) for name, text in changelist.params.items() if name not in SearchForm.base_fields]
        yield {"form": self.form, "kept": kept}

    @property
    def problem(self) -> str:
        """Why nothing can be searched as it was asked, in a sentence; '' where it can."""
        labels = {name: str(self.form[name].label).partition(" (")[0] for name in self.form.fields} | {"__all__": ""}
        said = ((labels[name], " ".join(map(str, texts))) for name, texts in self.form.errors.items())
        return " ".join(f"{label}: {text}" if label else text for label, text in said)

    @property
    def days(self) -> int:
        """How many days are searched unless the reader says otherwise; 0: he did."""
        own = ("since", "until", "window", "request_id", "object_id", "seen", "block")
        return 0 if any(self.asked.get(name) for name in own) else WINDOW

    def people(self, request: HttpRequest) -> QuerySet[Any]:
        """Return whom the reader may see, void ones too: what they did stays on record."""
        owner: Any = self.site.get_model_admin(get_user_model())
        seen: QuerySet[Any] = owner.within_grants(request, get_user_model()._base_manager.order_by())
        return seen

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.problem:
            return queryset.none()
        asked = self.asked
        condition = Q(**{name: asked[name] for name in DIRECT if asked.get(name) not in {None, ""}})
        if asked.get("type"):
            condition &= kinds(asked["type"])
        if asked.get("username"):
            people = called_so(asked["username"], self.people(request))
            self.hint = (
                "" if people else f"Nobody is called “{asked['username']}”: type a user name, or how names begin."
            )
            condition &= Q(username=asked["username"]) | Q(user_id__in=people)
        if asked.get("reason"):
            condition &= ~Q(reason="") & Q(Says(F("reason"), Value(asked["reason"])))
        if asked.get("success"):
            condition &= Q(success=asked["success"] == "1")
        if asked.get("seen"):
            condition &= about(same_subject(*asked["seen"].split(" ", 1))) & Q(type__in=LOOKED)
        since = asked.get("since") or (timezone.now() - timedelta(days=self.days) if self.days else None)
        condition &= Q(created__gte=since) if since else Q()
        condition &= Q(created__lt=asked["until"]) if asked.get("until") else Q()
        return queryset.filter(condition)


class Says(Func):
    """Whether a text holds all of these words, whatever their case and order.

    Read within the window that is searched: under row-level security no index serves such a condition.
    """

    template = "(to_tsvector('simple', %(expressions)s))"
    arg_joiner = ") @@ plainto_tsquery('simple', "
    output_field = models.BooleanField()


def kinds(name: str) -> Q:
    """Return the condition for a type, or for all that begin like `change.`: by range, as LIKE has no index under a policy."""
    return Q(type__gte=name, type__lt=f"{name[:-1]}/") if name.endswith(".") else Q(type=name)  # / comes after .


def called_so(typed: str, people: QuerySet[Any]) -> list[int]:
    """Return who is meant by a user name, or where nobody has it by how names begin, whatever the case. Two queries."""
    meant = people.filter(AnyOf(F("pk"), matching(typed, using=people.db, others=True)))
    named = dict(meant.values_list("pk", "username")[:CANDIDATES])
    exactly = [pk for pk, username in named.items() if username.lower() == typed.strip().lower()]
    return exactly or list(named)


def about(subjects: list[tuple[str, str]]) -> Q:
    """Return the condition that an event is about one of these objects, none of them in the sandbox."""
    condition = Q(pk__in=[])
    for object_type, object_id in subjects:
        condition |= Q(object_type=object_type, object_id=object_id)
    return condition & ~Q(data__has_key="database")


def meant(request: HttpRequest, site: AdminSite, term: str) -> Q:
    """Return the condition for typed words: who acted, a request, an event, an object, or what the lists find by them."""
    first, _, rest = term.partition(" ")
    if rest and model_of(first.lower()):
        return Q(object_type=first.lower(), object_id=rest.strip())
    condition = Q(username=term) | Q(request_id=term)
    with suppress(ValueError):  # it need not be the id of an event
        condition |= Q(pk=uuid.UUID(term))
    for found in _found(request, site, term):
        condition |= found
    return condition


def _found(request: HttpRequest, site: AdminSite, term: str) -> Iterator[Q]:
    """Ask the search of each list that the reader may see; an action's event bears the action's own public id.

    What is called exactly so is meant alone: a reference is that of one action, and not of all that happened to its account.
    """
    every = {model: _rows(request, site, model, model_admin, term) for model, model_admin in site._registry.items()}
    called = {model: [row for row in rows if _is_called(row, term)] for model, rows in every.items()}
    for model, rows in (called if any(called.values()) else every).items():
        if not rows:
            continue
        yield Q(object_type=model._meta.label_lower, object_id__in=[str(row.pk) for row in rows])
        if _has_uid(model):
            yield Q(pk__in=[row.uid for row in rows])


def _rows(request: HttpRequest, site: AdminSite, model: type[models.Model], model_admin: Any, term: str) -> list[Any]:
    """Return what the search of a list finds for this reader."""
    rows = visible(request, site, model) if model._meta.app_label not in OWN else None
    if rows is None or not model_admin.search_fields:
        return []
    rows, _ = model_admin.get_search_results(request, rows, term)
    return list(rows.order_by()[:CANDIDATES])


def _is_called(row: Any, term: str) -> bool:
    """Whether a text is the public id or the reference of a row, with hyphens or without."""
    named = (getattr(row, name, "") for name in ("uid", "reference"))
    return term.replace("-", "").casefold() in {str(one).replace("-", "").casefold() for one in named if one}


def _has_uid(model: type[models.Model]) -> bool:
    try:
        return isinstance(model._meta.get_field("uid"), models.UUIDField)
    except FieldDoesNotExist:
        return False
