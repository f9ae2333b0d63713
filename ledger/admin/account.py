"""Accounts in the console: the list, the account's page, and the ways to its commands."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html

from audit.history import Line, Until
from audit.names import person
from backoffice.filters import EntityFilter
from ledger.admin import extras, past
from ledger.admin.commanded import CommandedAdmin
from ledger.admin.commands import ACCOUNT_COMMANDS
from ledger.admin.filters import CurrencyFilter
from ledger.admin.finding.searching import Search
from ledger.admin.telling import amount, called, deed, link, of_account, status_chip, told, what
from ledger.choices import ApprovalState, HoldState, Status
from ledger.models import Account, Approval, Hold
from ledger.money import written
from ledger.rules import ALLOWED

LATEST = 15  # actions, and pending holds, on an account's page


def waiting(account: Account) -> list[tuple[Approval, str]]:
    """Return what was asked for on the account and nobody has decided yet, the latest first. One query."""
    pending = Approval.objects.filter(account=account, state=ApprovalState.PENDING, expires__gt=timezone.now())
    return [(approval, deed(approval)) for approval in pending.select_related("maker").order_by("-pk")[:LATEST]]


def approval_lines(account: Account, until: Until) -> Iterator[Line]:
    """Tell what was asked for on the account, and what became of it. Two queries."""
    approvals = Approval.objects.filter(account=account).select_related("maker", "checker")
    for one in until.of(approvals.order_by("-requested"), "requested"):
        text = format_html("Asked for approval: {}, {}", deed(one), link(one, str(one)))
        yield Line(one.requested, person(one.maker), text, one.reason)
    for one in until.of(approvals.filter(decided__isnull=False).order_by("-decided"), "decided"):
        text = format_html("{}: {}, {}", one.get_state_display(), deed(one), link(one, str(one)))
        yield Line(one.decided, person(one.checker or one.maker), text, one.comment or one.error_text)


@admin.register(Account)
class AccountAdmin(CommandedAdmin):
    """Customers' accounts. The row is the ledger's; only the note is typed here."""

    list_display = (
        "customer", "entity", status_chip, "currency", "balance_written", "available_written", "last_movement"
    )  # fmt: skip
    list_display_links = ("customer",)
    list_filter = ("status", CurrencyFilter, EntityFilter)
    more_columns = ("uid", "created", "version")
    list_select_related = ("user", "entity")
    ordering = ("-id",)
    search_fields = ("uid",)  # shows the box; get_search_results does not use it
    entity_path = "entity"
    form = extras.AccountForm
    fieldsets = ((None, {"fields": ("note",)}),)
    export_fields = (
        "uid", "user", "user__email", "entity", "currency", "status", "balance", "held", "available", "version", "created",
        "modified",
    )  # fmt: skip
    change_form_template = "console/account.html"
    commands = ACCOUNT_COMMANDS

    @admin.display(description="Customer")
    def customer(self, account: Account) -> str:
        """Show who the customer is."""
        return str(account.user)

    @admin.display(description="Balance", ordering="balance")
    def balance_written(self, account: Account) -> str:
        """Show the balance in the account's currency."""
        return format_html('<span class="amount">{}</span>', written(account.balance, account.currency))

    @admin.display(description="Available")
    def available_written(self, account: Account) -> str:
        """Show what is left of the balance beside what is held."""
        return format_html('<span class="amount">{}</span>', written(account.available, account.currency))

    @admin.display(description="Last movement", ordering="modified")
    def last_movement(self, account: Account) -> Any:
        """Show when the account last changed."""
        return account.modified

    def page_of_then(self, request: HttpRequest, obj: Account) -> tuple[str, str] | None:
        """Lead to the balance as of a moment: an account can be back-dated, and older than its record."""
        page = reverse(f"{self.admin_site.name}:ledger_account_as_of", args=[obj.pk])
        return (page, "Balance as of a moment") if past.GUARD.allows(request) else None

    def other_history(self, request: HttpRequest, obj: Account, until: Until) -> list[Line]:
        """Tell of the account's actions, which are the history of its balance and status."""
        actions = until.of(of_account(obj), "recorded")
        lines = [Line(action.recorded, person(action.by), told(action), action.comment) for action in actions]
        return [*lines, *approval_lines(obj, until)] if request.user.has_perm("ledger.view_approval") else lines

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the past."""
        return past.pages(self) + super().get_urls()

    def autocomplete_text(self, obj: Account) -> str:
        """Tell accounts of the same name apart."""
        return called(obj)

    def found(self, search: Search, rows: QuerySet[Any]) -> list[int]:
        """Find accounts by their customer or their actions."""
        return search.account_ids

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """Offer extra work to those who may save."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        return (*fieldsets, ("When this is saved, also", {"fields": extras.offered(obj)}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the note, and start what else was asked for."""
        super().save_model(request, obj, form, change)
        extras.start(request, obj, form.cleaned_data)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and what came of extra work."""
        extras.show(request)
        return super().changelist_view(request, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the account with its latest actions and the commands its status allows."""
        extras.show(request)
        account = self.get_object(request, object_id)
        extra = self.account_context(request, account) if isinstance(account, Account) else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def account_context(self, request: HttpRequest, account: Account) -> dict[str, Any]:
        """Return what the account's page shows beside its form; two queries."""
        allowed = ALLOWED[Status(account.status)]
        return {
            "title": str(account.user),
            "subtitle": None,
            "show_save_and_continue": False,  # the only field is the note
            "balance": written(account.balance, account.currency),
            "held": written(account.held, account.currency) if account.held else "",
            "available": written(account.available, account.currency),
            "saved_note": account.note,  # the form changes its own copy, also where it is not saved
            "waiting": waiting(account) if request.user.has_perm("ledger.view_approval") else (),
            "holds": self.pending_holds(account) if request.user.has_perm("ledger.view_hold") else None,
            "chip": status_chip(account),
            "sees_past": past.GUARD.allows(request),
            "limit_url": self.limit_url(request, account),
            "commands": [command for command in self.permitted(request) if command.posting_type in allowed],
            "latest": [
                (action, what(action), amount(action), written(action.balance, action.currency))
                for action in of_account(account)[:LATEST]
            ],
        }

    def limit_url(self, request: HttpRequest, account: Account) -> str:
        """Return where a limit for the account is begun, for who may propose one while anything can happen to it."""
        if account.status == Status.CLOSED or not request.user.has_perm("ledger.propose_limit"):
            return ""
        page = reverse(f"{self.admin_site.name}:ledger_limit_propose_new")
        return f"{page}?account={account.uid}&currency={account.currency}"

    @staticmethod
    def pending_holds(account: Account) -> list[tuple[Hold, str]]:
        """Return what is held on the account, the latest first; no query where nothing is."""
        if not account.held:
            return []
        holds = Hold.objects.filter(account=account, state=HoldState.PENDING).select_related("placed__by")
        return [(hold, written(hold.amount, hold.currency)) for hold in holds.order_by("-pk")[:LATEST]]
