"""Holds in the console: the list, a hold's page, and the ways to capture and release it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from backoffice.admin import ReadOnlyAdmin
from backoffice.filters import EntityFilter
from backoffice.said import Figure
from ledger.admin import telling
from ledger.admin.commanded import CommandedAdmin
from ledger.admin.commands import HOLD_COMMANDS
from ledger.admin.filters import AccountFilter, CurrencyFilter, PlacedFilter
from ledger.admin.finding.searching import Search
from ledger.admin.telling import link, state_chip
from ledger.choices import HoldState, Status
from ledger.models import Hold
from ledger.money import written
from ledger.rules import ALLOWED


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin, CommandedAdmin):
    """What is held, newest first."""

    list_display = (
        "reference", "created", "customer", state_chip, "amount_written", "captured_written", "expires"
    )  # fmt: skip
    list_display_links = ("reference",)
    list_filter = ("state", CurrencyFilter, PlacedFilter, AccountFilter, EntityFilter)
    order_told = "In the order in which they were recorded. When is the time that each was placed at."
    more_columns = ("by", "reason", "uid")
    list_select_related = ("placed__by", "account__user", "account__entity", "resolved")
    list_related = ("placed__by", "account__user")
    list_needs = ("placed__comment",)
    search_fields = ("uid",)  # shows the box; get_search_results does not use it
    entity_path = "entity"
    ordering = ("-pk",)  # by `placed` would be by the ordering of actions
    export_fields = (
        "placed__reference", "uid", "created", "expires", "account__uid", "account__user", "account__entity", "currency",
        "amount", "state", "captured", "resolved__reference",
    )  # fmt: skip
    fields = (
        "account_link",
        ("amount_written", "captured_written"),
        ("created", "expires"),
        ("placed_link", "by", "reason"),
        "resolved_link",
        "uid",
    )
    readonly_fields = (
        "account_link", "amount_written", "captured_written", "placed_link", "by", "reason", "resolved_link", "uid"
    )  # fmt: skip
    change_form_template = "console/hold.html"
    commands = HOLD_COMMANDS

    def get_list_display(self, request: HttpRequest) -> Any:
        """Lead from the customer to the account."""
        return telling.leading_to_accounts(request, self.admin_site, super().get_list_display(request))

    def found(self, search: Search, rows: QuerySet[Any]) -> list[int]:
        """Find holds by themselves or by their account."""
        return search.hold_ids(rows)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the hold with the commands that its state and its account's status allow."""
        hold = self.get_object(request, object_id)
        extra: dict[str, Any] = {}
        if isinstance(hold, Hold):
            extra = {"title": f"Hold {hold}", "subtitle": None, "chip": state_chip(hold)}
            extra["commands"] = self.possible(request, hold)
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def possible(self, request: HttpRequest, hold: Hold) -> list[Any]:
        """Return the commands that can be offered."""
        if hold.state != HoldState.PENDING:
            return []
        allowed = ALLOWED[Status(hold.account.status)]
        return [command for command in self.permitted(request) if command.posting_type in allowed]

    @admin.display(description="Reference", ordering="pk")
    def reference(self, hold: Hold) -> str:
        """Show the reference of the action that placed it."""
        return format_html('<span class="reference">{}</span>', hold.placed.reference)

    @admin.display(description="Customer")
    def customer(self, hold: Hold) -> str:
        """Show whose money it is."""
        return str(hold.account.user)

    @admin.display(description="Held", ordering="amount")
    def amount_written(self, hold: Hold) -> str:
        """Show what is or was held."""
        return Figure(written(hold.amount, hold.currency))

    @admin.display(description="Captured")
    def captured_written(self, hold: Hold) -> str:
        """Show what was taken."""
        if hold.state != HoldState.CAPTURED:
            return "\N{EN DASH}"
        return Figure(written(hold.captured, hold.currency))

    @admin.display(description="Account")
    def account_link(self, hold: Hold) -> str:
        """Lead to the account."""
        return link(hold.account, str(hold.account))

    @admin.display(description="Placed")
    def placed_link(self, hold: Hold) -> str:
        """Lead to the action that placed it."""
        return link(hold.placed, hold.placed.reference)

    @admin.display(description="Ended")
    def resolved_link(self, hold: Hold) -> str:
        """Lead to the action that ended it."""
        if hold.resolved is None:
            return "Not yet"
        return format_html("{} {}", hold.resolved.get_type_display(), link(hold.resolved, hold.resolved.reference))

    @admin.display(description="By")
    def by(self, hold: Hold) -> str:
        """Show who placed it."""
        return str(hold.placed.by)

    @admin.display(description="Reason")
    def reason(self, hold: Hold) -> str:
        """Show why it was placed."""
        return hold.placed.comment
