"""Limits and caps in the console."""

from typing import Any

from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest
from django.utils.html import format_html

from backoffice.admin import ConsoleAdmin, ReadOnlyAdmin
from ledger.models import Cap, Limit
from ledger.money import written


@admin.register(Limit)
class LimitAdmin(ConsoleAdmin):
    """What is the least and the most, for whom, and when."""

    list_display = ("kind", "currency", "entity", "account", "amount_written", "valid")
    list_filter = ("kind", "currency")
    list_select_related = ("entity", "account__user", "account__entity")
    autocomplete_fields = ("entity",)
    raw_id_fields = ("account",)
    ordering = ("currency", "kind", "id")

    @admin.display(description="Amount", ordering="amount")
    def amount_written(self, limit: Limit) -> str:
        """Show the amount in its currency."""
        return format_html('<span class="amount">{}</span>', written(limit.amount, limit.currency))


@admin.register(Cap)
class CapAdmin(ReadOnlyAdmin):
    """What all balances of a currency may come to, and what is left of it."""

    list_display = ("currency", "ceiling_written", "left")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Sum up the slots in the database."""
        return super().get_queryset(request).annotate(remaining=Sum("slots__remaining"))

    @admin.display(description="Cap", ordering="ceiling")
    def ceiling_written(self, cap: Cap) -> str:
        """Show the cap."""
        return format_html('<span class="amount">{}</span>', written(cap.ceiling, cap.currency))

    @admin.display(description="Left")
    def left(self, cap: Any) -> str:
        """Show what all accounts together can still take in."""
        return format_html('<span class="amount">{}</span>', written(cap.remaining, cap.currency))
