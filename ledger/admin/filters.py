"""Filters of the ledger's lists that do not read the lists' tables: Django's own filter by value reads every row."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ledger.choices import ApprovalState
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


class StateFilter(admin.SimpleListFilter):
    """By state; what waits where nothing is chosen."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all states but the one shown by itself."""
        return [(state.value, str(state.label)) for state in ApprovalState if state != ApprovalState.PENDING] + [
            ("all", "All")
        ]

    def choices(self, changelist: Any) -> Any:
        """Call what is shown by itself by its name."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "Pending"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        return queryset if self.value() == "all" else queryset.filter(state=self.value() or ApprovalState.PENDING)


class AskedByFilter(admin.SimpleListFilter):
    """By who asked: the reader, or somebody else."""

    title = "asked by"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the two."""
        return [("others", "Others"), ("me", "Me")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        mine = {"maker_id": request.user.pk}
        return {"me": queryset.filter(**mine), "others": queryset.exclude(**mine)}.get(self.value() or "", queryset)
