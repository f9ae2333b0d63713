"""Actions in the console: the whole record, read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from backoffice.admin import ReadOnlyAdmin
from ledger.admin import search
from ledger.admin.filters import CurrencyFilter
from ledger.models import Account, Action
from ledger.money import written


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    """Everything that ever happened, newest first."""

    list_display = ("reference", "created", "customer", "type", "delta_written", "balance_written", "by", "comment")
    list_filter = ("type", CurrencyFilter)
    search_fields = ("reference",)  # shows the box; get_search_results does not use it
    search_help_text = search.HELP
    entity_path = "entity"
    list_select_related = ("account__user", "account__entity", "by")
    ordering = ("-id",)
    export_fields = (
        "reference", "uid", "created", "recorded", "account__uid", "account__user", "account__entity", "type", "currency",
        "delta", "balance", "reference_type", "external_reference", "comment", "by",
    )  # fmt: skip
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find what was typed through indexes."""
        if not search_term.strip():
            return queryset, False
        accounts = self.admin_site.get_model_admin(Account).get_queryset(request)
        return search.find_actions(queryset, accounts, search_term), False

    def search_advice(self, typed: str) -> str:
        """Say what may be wrong with what was typed."""
        return search.advice(typed)

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
