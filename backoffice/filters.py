"""Filters of lists that offer no long lists: an object is found by what is typed, a time is named or goes from day to day.

A list of millions that is narrowed by what no index serves looks through its newest rows, and says so.
"""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from audit.names import fits
from backoffice.days import DAY, check_days, midnight

UNSEEN = "something that you may not see"
NEWEST = 1_000_000  # rows that are looked through where no index helps
OVERLAP = timedelta(hours=1)  # no transaction is longer: so far may times of writing differ from the order of keys
SHORT = {"today": "Today", "7": "Last 7 days", "month": "This month"}


class Narrowing(admin.ListFilter):
    """A filter of our own parameters, which it takes out of those that Django reads."""

    names: ClassVar[tuple[str, ...]]
    draws_alike = True

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        typed = {name: params.pop(name, [""])[-1] for name in filter(None, self.expected_parameters())}
        self.used_parameters = {name: text for name, text in typed.items() if text}

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def kept(self, changelist: ChangeList) -> list[tuple[str, str]]:
        """Return the other parameters of the list, which a form keeps."""
        mine = self.expected_parameters()
        return [(name, text) for name, texts in changelist.filter_params.items() for text in texts if name not in mine]


class RelatedFilter(Narrowing):
    """By an object that the rows point at, found by what is typed, as in the field of a form."""

    field: ClassVar[str]
    template = "console/related_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        self.parameter = f"{self.field}__id__exact"  # as Django calls it, and links to lists do
        self.site = model_admin.admin_site
        related: Any = model._meta.get_field(self.field).related_model
        self.others = self.site._registry.get(related)
        self.opts, self.request = model._meta, request
        super().__init__(request, params, model, model_admin)
        self.typed = str(self.used_parameters.get(self.parameter, ""))
        if self.typed and not fits(related, self.typed):
            raise IncorrectLookupParameters(f"{self.typed} is no key.")

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter]

    def has_output(self) -> bool:
        """Offer it to who may look at the others, and keep what was chosen for all."""
        return bool(self.typed or (self.others and self.others.has_view_permission(self.request)))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter: self.typed}) if self.typed else queryset

    @property
    def chosen(self) -> str:
        """What the chosen object is called, to who may see it. One query, none where nothing is chosen."""
        if not self.typed:
            return ""
        may = self.others is not None and self.others.has_view_permission(self.request)
        found = self.others.get_queryset(self.request).filter(pk=self.typed).first() if may else None
        return self.others.autocomplete_text(found) if found is not None else UNSEEN

    def choices(self, changelist: ChangeList) -> Any:
        """Give the template what is chosen, and where the search is answered."""
        asked = {"app_label": self.opts.app_label, "model_name": str(self.opts.model_name), "field_name": self.field}
        page = reverse("admin:autocomplete", current_app=self.site.name)
        yield {
            "chosen": self.chosen,
            "without": changelist.get_query_string(remove=[self.parameter]),
            "search": f"{page}?{urlencode(asked)}",
            "kept": self.kept(changelist),
        }


class EntityFilter(RelatedFilter):
    """By entity."""

    title, field = "entity", "entity"


class DaysForm(forms.Form):
    """From which day to which, both of them too."""

    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}), label="From")
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}), label="To")

    def clean(self) -> dict[str, Any]:
        """Refuse days that are none of a list."""
        check_days(self.cleaned_data.get("since"), self.cleaned_data.get("until"))
        return self.cleaned_data


class DaysFilter(Narrowing):
    """By when: today, the last days, this month, or from one day of the site's zone to another.

    Where keys follow the times of `column`, `key_at` says so: days are then found by keys, wherever they lie among millions.
    """

    names = ("days", "since", "until")
    column: ClassVar[str]
    template = "console/days_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.form = DaysForm({name: self.used_parameters.get(name, "") for name in ("since", "until")})

    @property
    def problem(self) -> str:
        """Why these days cannot be shown, or ''."""
        return " ".join(str(text) for texts in self.form.errors.values() for text in texts)

    def days(self) -> tuple[date | None, date | None]:
        """Return the first and the last day."""
        today = timezone.localdate()
        match self.used_parameters.get("days"):
            case "today":
                return today, today
            case "7":
                return today - timedelta(days=6), today
            case "month":
                return today.replace(day=1), today
        return self.form.cleaned_data.get("since"), self.form.cleaned_data.get("until")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.form.is_valid():
            return queryset.none()
        first, last = self.days()
        if first:
            queryset = self._from(queryset, midnight(first), "gte")
        if last:
            queryset = self._from(queryset, midnight(last + DAY), "lt")
        return queryset

    def _from(self, queryset: QuerySet[Any], moment: datetime, end: str) -> QuerySet[Any]:
        queryset = queryset.filter(**{f"{self.column}__{end}": moment})
        key = self.key_at(moment - OVERLAP if end == "gte" else moment + OVERLAP, queryset.db)
        return queryset if key is None else queryset.filter(**{f"pk__{end}": key})

    def key_at(self, moment: datetime, using: str) -> int | None:
        """Return the first key that may have been written at a moment or later; None where keys say nothing of it."""
        return None

    def choices(self, changelist: ChangeList) -> Any:
        """Give the template the short names, and the form."""
        chosen = self.used_parameters.get("days", "")
        own = dict.fromkeys(self.names)
        yield {
            "short": [
                (text, changelist.get_query_string({**own, "days": name}), name == chosen)
                for name, text in SHORT.items()
            ],
            "without": changelist.get_query_string(own) if self.used_parameters else "",
            "form": self.form,
            "kept": self.kept(changelist),
        }


class RequestedFilter(DaysFilter):
    """By when it was asked for."""

    title, column = "asked", "requested"


class NewestFilter(admin.SimpleListFilter):
    """How far a list looks that is narrowed by what no index serves: `cheap` parameters need no such end."""

    title = "how far to look"
    parameter_name = "reach"
    cheap: ClassVar[frozenset[str]] = frozenset()
    free = frozenset({"q", "days", "since", "until", "as_of"})
    silent = frozenset({"o", "all", "e", "view", "after", "before", "reach", "_popup", "_to_field", "_facets", "p"})

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        asked = {name for name, text in request.GET.items() if text}
        self.toils = bool(asked - self.silent - self.cheap) and not asked & (self.free | self.cheap)
        self.model_admin = model_admin
        super().__init__(request, params, model, model_admin)

    def has_output(self) -> bool:
        """Stand there where it decides anything."""
        return self.toils

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the rest."""
        return [("all", "All of them, which takes longer")]

    def choices(self, changelist: ChangeList) -> Any:
        """Call what is done by itself by its name."""
        first, *others = super().choices(changelist)
        return [{**first, "display": f"The newest {NEWEST:,}"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all" or not self.toils:
            return queryset
        seen = self.model_admin.within_grants(request, queryset.model._base_manager.using(queryset.db))
        [*newest] = seen.order_by("-pk").values_list("pk", flat=True)[:1]
        return queryset.filter(pk__gt=newest[0] - NEWEST) if newest else queryset
