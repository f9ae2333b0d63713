"""Moments of the past as they are typed, and a list as it stood at one: `?as_of=` on the list of any captured model.

The list is the same (columns, search, filters, downloads, what the reader may see); its rows are those of the moment, and
they lead to the object's history at that moment. What no version holds cannot be sorted or filtered by. To readers who
may not see personal values of the record, these are masked before anything is found or sorted by them.
"""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.asof import at
from audit.personal import may_see
from backoffice.moments import Moment

NAME = "as_of"
EARLIEST = 1900  # a year no ledger goes back to


class PastMoment(Moment):
    """A moment that has been, in the zone of the settings."""

    def clean(self, value: Any) -> Any:
        """Refuse what has not been: nobody knows how anything will stand tomorrow."""
        moment = super().clean(value)
        if moment and moment > timezone.now():
            raise ValidationError("Choose a moment that has been.")
        if moment and moment.year < EARLIEST:
            raise ValidationError(f"Choose a moment since {EARLIEST}.")
        return moment


class MomentForm(forms.Form):
    """At which moment."""

    as_of = PastMoment(required=False, label="As it stood on")


class MomentFilter(admin.ListFilter):
    """A moment, typed; where it is none, the list is empty and says why: today's rows would be taken for those of then."""

    title = "moment"
    template = "audit/moment_filter.html"
    draws_alike = True

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        typed = params.pop(NAME, [""])[-1]
        self.used_parameters = {NAME: typed} if typed else {}
        self.form = MomentForm({NAME: typed})

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [NAME]

    def choices(self, changelist: ChangeList) -> Any:
        """Give the template the other parameters of the list, to keep them."""
        kept = [(name, text) for name, texts in changelist.filter_params.items() for text in texts if name != NAME]
        yield {"form": self.form, "kept": kept}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.problem:
            return queryset.none()
        moment = self.moment
        return at(queryset, moment, hidden=not may_see(request)) if moment else queryset

    @property
    def moment(self) -> datetime | None:
        """The moment, if one was typed that can be read."""
        return self.form.cleaned_data.get(NAME) if self.form.is_valid() else None

    @property
    def problem(self) -> str:
        """Why there is no list of the moment that was typed, in a sentence; '' where there is."""
        return " ".join(map(str, self.form.errors.get(NAME, ())))


def is_past(request: HttpRequest) -> bool:
    """Whether a list of the past is asked for, of whatever moment."""
    return bool(request.GET.get(NAME))


def moment_of(changelist: Any) -> datetime | None:
    """Return the moment that a list is shown at, or None for today."""
    return next((spec.moment for spec in changelist.filter_specs if isinstance(spec, MomentFilter)), None)


def page_then(changelist: Any, row: Any, typed: str) -> str:
    """Return the address of the history of a list's row at the list's moment."""
    opts = changelist.opts
    name = f"{changelist.model_admin.admin_site.name}:{opts.app_label}_{opts.model_name}_history"
    return reverse(name, args=[row.pk], query={"at": typed})
