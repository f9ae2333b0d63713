"""Actions in the console: the whole record, read-only."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from backoffice.admin import ReadOnlyAdmin
from ledger.models import Action
from ledger.money import written


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    """Everything that ever happened, newest first."""

    list_display = ("reference", "created", "customer", "type", "delta_written", "balance_written", "by", "comment")
    list_filter = ("type", "currency")
    list_select_related = ("account__user", "account__entity", "by")
    ordering = ("-id",)
    fields = (
        ("reference", "uid"),
        "account",
        ("type", "status"),
        ("delta_written", "balance_written"),
        ("created", "recorded", "version"),
        ("reference_type", "external_reference"),
        "comment",
        "by",
    )
    readonly_fields = ("delta_written", "balance_written", "uid", "reference", "recorded")

    @admin.display(description="Customer")
    def customer(self, action: Action) -> str:
        """Show whose account it was."""
        return str(action.account.user)

    @admin.display(description="Amount")
    def delta_written(self, action: Action) -> str:
        """Show what was added or taken."""
        return format_html('<span class="amount">{}</span>', written(action.delta, action.currency))

    @admin.display(description="Balance after")
    def balance_written(self, action: Action) -> Any:
        """Show the running balance."""
        return format_html('<span class="amount">{}</span>', written(action.balance, action.currency))
