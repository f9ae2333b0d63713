"""Filters of the ledger's lists that do not read the lists' tables: Django's own filter by value reads every row."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ledger.models import Cap


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
