"""Accounts in the console: the list, the account's page, and the ways to its commands."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from audit.history import Line, Until
from backoffice.filters import EntityFilter
from backoffice.said import Figure
from backoffice.site import SANDBOX_GUARD
from ledger.admin import extras, glance, notes, past
from ledger.admin.commanded import CommandedAdmin
from ledger.admin.commands import ACCOUNT_COMMANDS
from ledger.admin.filters import CurrencyFilter
from ledger.admin.finding.searching import Search
from ledger.admin.telling import called, of_account, status_chip
from ledger.admin.timeline import approval_lines, note_lines, posted
from ledger.models import Account
from ledger.money import written


@admin.register(Account)
class AccountAdmin(CommandedAdmin):
    """Customers' accounts. The row is the ledger's; only the pinned note is typed here."""

    list_display = (
        "customer", "entity", status_chip, "balance_written", "available_written", "last_movement"
    )  # fmt: skip
    list_display_links = ("customer",)
    list_filter = ("status", CurrencyFilter, EntityFilter)
    more_columns = ("currency", "uid", "created", "version")
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
        return Figure(written(account.balance, account.currency))

    @admin.display(description="Available")
    def available_written(self, account: Account) -> str:
        """Show what is left of the balance beside what is held."""
        return Figure(written(account.available, account.currency))

    @admin.display(description="Last movement", ordering="modified")
    def last_movement(self, account: Account) -> Any:
        """Show when the account last changed."""
        return account.modified

    def twin(self, request: HttpRequest, account: Account) -> str:
        """Lead those who may to the account's copy in the sandbox; whether there is one is not asked of the sandbox here."""
        if not SANDBOX_GUARD.allows(request):
            return ""
        return format_html(
            'To try something first: <a href="{}">its copy in the sandbox</a>, where nothing is real. An account opened '
            "since the sandbox was last filled has none yet.",
            reverse("sandbox:ledger_account_change", args=[account.pk]),
        )

    def page_of_then(self, request: HttpRequest, obj: Account) -> tuple[str, str] | None:
        """Lead to the balance as of a moment: an account can be back-dated, and older than its record."""
        page = reverse(f"{self.admin_site.name}:ledger_account_as_of", args=[obj.pk])
        return (self.kept(request, page), "Balance as of a moment") if past.GUARD.allows(request) else None

    def other_history(self, request: HttpRequest, obj: Account, until: Until) -> list[Line]:
        """Tell of the account's actions, which are the history of its balance and status, of notes and of requests."""
        lines = [*map(posted, until.of(of_account(obj), "recorded")), *note_lines(obj, until)]
        return [*lines, *approval_lines(obj, until)] if request.user.has_perm("ledger.view_approval") else lines

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the past, and those of notes."""
        return past.pages(self) + notes.pages(self) + super().get_urls()

    def autocomplete_text(self, obj: Account) -> str:
        """Tell accounts of the same name apart."""
        return called(obj)

    def goes_with(self, obj: Account) -> str:
        """Return the search for accounts that money can go to from this one."""
        return f"currency:{obj.currency}"

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
        """Save the note if it is another one, and start what else was asked for."""
        noted = "note" in form.changed_data
        if noted:
            super().save_model(request, obj, form, change)
        extras.start(request, obj, form.cleaned_data, noted=noted)

    def response_change(self, request: HttpRequest, obj: Account) -> HttpResponse:
        """Stay on the account, which tells what was saved and started, and leads back to the list as it was."""
        return HttpResponseRedirect(self.kept(request, request.path))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what the form has saved and started, too."""
        if request.method == "GET":
            extras.show(request, object_id)
        return super().change_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **how: Any) -> HttpResponse:
        """Show the customer at a glance round the form, and the note as it is saved, not as it was typed."""
        account: Account = context["original"]
        context |= {"title": str(account.user), "subtitle": None, "show_save_and_continue": False}
        context["saved_note"] = context["adminform"].form.initial.get("note", account.note)
        context["unsaved"] = extras.unsaved(context["adminform"].form) if context["errors"] else ""
        context |= glance.context(request, self, account)
        return super().render_change_form(request, context, *args, **how)
