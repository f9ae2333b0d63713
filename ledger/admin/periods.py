"""Periods as people choose them: whole days, the last one included; the ledger's own end is the midnight after it."""

from datetime import date, datetime
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from backoffice.days import DAY, check_days, midnight


class Period(NamedTuple):
    """From the first to the last day."""

    label: str
    first: date
    last: date


def named(today: date) -> list[Period]:
    """Return the periods that have a name today; one that is not over ends today."""
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    quarter = month.replace(month=3 * ((today.month - 1) // 3) + 1)
    found = []
    for name, start, months in (("month", month, 1), ("quarter", quarter, 3), ("year", year, 12)):
        found.append(Period(f"This {name}", start, today))
        found.append(Period(f"Last {name}", _later(start, -months), start - DAY))
    return found


def _later(first: date, months: int) -> date:
    """Return the first of a month that many months later."""
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)


class PeriodForm(forms.Form):
    """Two days, both included."""

    since = forms.DateField(label="From", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    until = forms.DateField(label="To, inclusive", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        """Refuse what is no period."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if until and until > timezone.localdate():
            raise ValidationError("Choose a last day that has come, not one of the future.")
        check_days(since, until)
        return self.cleaned_data

    def ends(self) -> tuple[datetime, datetime]:
        """Return the first moment of the period and the first one after it."""
        return midnight(self.cleaned_data["since"]), midnight(self.cleaned_data["until"] + DAY)
