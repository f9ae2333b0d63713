"""Filters of the ledger's lists, none of which reads the lists' tables: Django's own filter by value reads every row."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice.filters import DaysFilter, NewestFilter, RelatedFilter
from ledger.models import Cap

WRITTEN = ("ledger.Action", "recorded")  # whose keys follow the times at which actions were written


class CurrencyFilter(admin.SimpleListFilter):
    """By currency, of those that the ledger keeps."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the currencies that have a cap."""
        return [(cap.currency, cap.currency) for cap in Cap.objects.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        return queryset.filter(currency=self.value()) if self.value() else queryset


class AccountFilter(RelatedFilter):
    """By the account, found by its customer."""

    title, field = "customer", "account"


class ByFilter(RelatedFilter):
    """By who did it."""

    title, field = "colleague", "by"


class RecordedFilter(DaysFilter):
    """By when the action was written."""

    title, column, keys = "day of recording", "recorded", WRITTEN


class PlacedFilter(DaysFilter):
    """By when the hold was written: its key is that of the action that placed it."""

    title, column, keys = "day of placing", "placed__recorded", WRITTEN


class NewestActions(NewestFilter):
    """How far to look through actions: those of an account have an index."""

    cheap = frozenset({"account__id__exact"})
