"""Accounts in the console: the list, the account's page, and the ways to its commands."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from audit.history import MOST, Line
from backoffice.admin import ConsoleAdmin
from ledger.admin import extras, past, search
from ledger.admin.commands import ACCOUNT_COMMANDS, AccountCommand
from ledger.admin.filters import CurrencyFilter
from ledger.choices import Status
from ledger.models import Account, Action
from ledger.money import written
from ledger.rules import ALLOWED

LATEST = 15  # actions on an account's page


@admin.display(description="Status", ordering="status")
def status_chip(account: Account) -> str:
    """Show the status as a chip."""
    return format_html('<span class="chip chip-{}">{}</span>', account.status, account.get_status_display())


def told(action: Action) -> str:
    """Return an action as a sentence of its account's history."""
    money = (
        f" {written(abs(action.delta), action.currency)}, {written(action.balance, action.currency)} after"
        if action.delta
        else ""
    )
    page = reverse("admin:ledger_action_change", args=[action.pk])
    return format_html(
        '{}{}: <a class="reference" href="{}">{}</a>', action.get_type_display(), money, page, action.reference
    )


@admin.register(Account)
class AccountAdmin(ConsoleAdmin):
    """Customers' accounts. The row is the ledger's; only the note is typed here."""

    list_display = ("customer", "entity", status_chip, "currency", "balance_written", "last_movement")
    list_display_links = ("customer",)
    list_filter = ("status", CurrencyFilter)
    list_select_related = ("user", "entity")
    ordering = ("-id",)
    search_fields = ("uid",)  # shows the box; get_search_results does not use it
    search_help_text = search.HELP
    entity_path = "entity"
    form = extras.AccountForm
    fieldsets = ((None, {"fields": ("note",)}),)
    export_fields = (
        "uid", "user", "user__email", "entity", "currency", "status", "balance", "version", "created", "modified",
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

    @admin.display(description="Last movement", ordering="modified")
    def last_movement(self, account: Account) -> Any:
        """Show when the account last changed."""
        return account.modified

    def other_history(self, request: HttpRequest, obj: Account) -> list[Line]:
        """Tell of the account's actions, which are the history of its balance and status."""
        actions = Action.objects.filter(account=obj).select_related("by").order_by("-version")[:MOST]
        return [Line(action.recorded, str(action.by), told(action), action.comment) for action in actions]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add two pages for each command: on one account, and on a selection."""
        pages = []
        for command in self.commands:
            view = command.as_view(model_admin=self)
            pages += [
                path(f"<int:object_id>/{command.name}/", view, name=f"ledger_account_{command.name}"),
                path(f"{command.name}/", view, name=f"ledger_account_{command.name}_selected"),
            ]
        return past.pages(self) + pages + super().get_urls()

    def permitted(self, request: HttpRequest) -> list[type[AccountCommand]]:
        """Return the commands whose guard lets this person in."""
        return [command for command in self.commands if command.guard.allows(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find what was typed through indexes."""
        return (search.find_accounts(queryset, search_term) if search_term.strip() else queryset), False

    def search_advice(self, typed: str) -> str:
        """Say what may be wrong with what was typed."""
        return search.advice(typed)

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

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer each permitted command on a selection."""
        actions: dict[str, Any] = dict(super().get_actions(request))
        for command in self.permitted(request):
            actions[command.name] = (partial(go_to_command, command), command.name, f"{command.verb} …")
        return actions

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the account with its latest actions and the commands its status allows."""
        extras.show(request)
        account = self.get_object(request, object_id)
        extra = self.account_context(request, account) if isinstance(account, Account) else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def account_context(self, request: HttpRequest, account: Account) -> dict[str, Any]:
        """Return what the account's page shows beside its form; one query."""
        allowed = ALLOWED[Status(account.status)]
        actions = Action.objects.filter(account=account).select_related("by").order_by("-version")[:LATEST]
        return {
            "title": str(account.user),
            "subtitle": None,
            "show_save_and_continue": False,  # the only field is the note
            "balance": written(account.balance, account.currency),
            "chip": status_chip(account),
            "sees_past": past.GUARD.allows(request),
            "commands": [command for command in self.permitted(request) if command.posting_type in allowed],
            "latest": [
                (action, written(action.delta, action.currency), written(action.balance, action.currency))
                for action in actions
            ],
        }


def go_to_command(
    command: type[AccountCommand], model_admin: AccountAdmin, request: HttpRequest, queryset: QuerySet[Account]
) -> HttpResponse | None:
    """Take a selection to the command's page."""
    from ledger.admin.commands.base import MOST  # noqa: PLC0415  the commands import their pages

    ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        model_admin.message_user(request, f"Choose {MOST} accounts at most.", messages.ERROR)
        return None
    page = reverse(f"{model_admin.admin_site.name}:ledger_account_{command.name}_selected")
    return HttpResponseRedirect(f"{page}?ids={','.join(map(str, ids))}")
