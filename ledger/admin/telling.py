"""Accounts and actions in words, with links to what an action speaks of: its other account, what it returns, its hold.

An account of an entity that the reader does not work on is told of, and not named: the database does not show it. Actions
come fetched with who did them and `statement.RELATED`, so no function here asks the database.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import get_language

from audit.moment import is_past
from backoffice.admin.lists import ANY_KEY
from backoffice.days import DAY
from backoffice.said import Figure, chip
from ledger import statement
from ledger.choices import ActionType
from ledger.models import Account, Action, Hold
from ledger.money import written

UNSEEN = "an account that you may not see"
TYPES = dict(ActionType.choices)
TOWARDS = {ActionType.TRANSFERRED_OUT: "to", ActionType.TRANSFERRED_IN: "from"}


def called(account: Account) -> str:
    """Return what tells an account from others of the same name."""
    parts = (str(account.user), account.currency, account.user.email, str(account.entity))
    return " · ".join(part for part in parts if part)


def of_account(account: Account) -> QuerySet[Action]:
    """Return the actions of an account, the latest first, with what their words need."""
    return (
        Action.objects.filter(account=account)
        .select_related("by")
        .prefetch_related(*statement.RELATED)
        .order_by("-version")
    )


@admin.display(description="When")
def created(action: Action) -> Any:
    """Show when it happened, and where that is more than a day away, when it was recorded."""
    if abs(action.recorded - action.created) <= DAY:
        return action.created
    return _both_times(action.created, action.recorded, get_current_timezone_name(), get_language())


# Pages are turned and loaded again, and spelling moments takes longer than all else of a row.
@lru_cache(maxsize=10_000)
def _both_times(happened: datetime, recorded: datetime, zone: str, language: str | None) -> SafeString:
    when, day = date_format(localtime(happened), "DATETIME_FORMAT"), date_format(localtime(recorded), "DATE_FORMAT")
    return format_html('{}<span class="recorded">recorded {}</span>', when, day)


@admin.display(description="Status", ordering="status")
def status_chip(account: Account) -> str:
    """Show the status as a chip."""
    return chip(account.status, account.get_status_display())


@admin.display(description="State", ordering="state")
def state_chip(hold: Hold) -> str:
    """Show the state of a hold as a chip."""
    return chip(hold.state, hold.get_state_display())


def link(row: Any, text: str) -> SafeString:
    """Return a link to the page of a row, on the site of its database: each site is called like its own."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    page = reverse(name, args=[row.pk], current_app=row._state.db)
    if isinstance(row, (Action, Hold)):
        return format_html('<a class="reference" href="{}">{}</a>', page, text)
    return format_html('<a href="{}">{}</a>', page, text)


def person(who: Any) -> str:
    """Return a person as a link."""
    return link(who, str(who)) if who else "nobody"


def request(approval: Any) -> str:
    """Return a request for approval as a link."""
    return link(approval, approval.deed)


def other_account(action: Any) -> str:
    """Return the other account of a transfer as a link, where the reader may see it."""
    return link(action.counterparty, str(action.counterparty.user)) if action.counterparty else UNSEEN


def counterparty(action: Any) -> str:
    """Return who the other account of a transfer belongs to, where the reader may see it; nothing for other actions."""
    if action.counterparty_id is None:
        return ""
    return str(action.counterparty.user) if action.counterparty else UNSEEN


def leading_to_accounts(request: HttpRequest, site: Any, columns: Sequence[Any]) -> list[Any]:
    """Return a list's columns with the customer's name as a link to the account, where the reader has anything of it.

    Not in a popup, which chooses a row, nor in the past, whose rows lead to what was known then. No query.
    """
    may = site.get_model_admin(Account).has_view_permission(request)
    if not may or is_past(request) or IS_POPUP_VAR in request.GET:
        return list(columns)
    page = reverse(f"{site.name}:ledger_account_change", args=[ANY_KEY])

    @admin.display(description="Customer")
    def customer(row: Any) -> str:
        address = page.replace(ANY_KEY, str(row.account_id))
        return format_html('<a href="{}">{}</a>', address, row.account.user)

    return [customer if column == customer.__name__ else column for column in columns]


def what(action: Any) -> str:
    """Return what happened: the type, and what the action speaks of."""
    kind = TYPES[action.type]
    if action.type in TOWARDS:
        return format_html("{} {} {}", kind, TOWARDS[action.type], other_account(action))
    if action.reverses:
        return format_html("{} {}", kind, link(action.reverses, action.reverses.reference))
    if action.hold:
        return format_html("{} {}", kind, link(action.hold, action.hold.placed.reference))
    return kind


def amount(action: Action) -> str:
    """Return what was added or taken; where nothing was, what is held more or less."""
    if action.delta or not action.held_delta:
        return Figure(signed(action.delta, action.currency))
    return format_html('<span class="amount quiet">{} held</span>', signed(action.held_delta, action.currency))


def figures(action: Action | None) -> tuple[Any, str]:
    """Return what an action changed and what stood afterwards: the balance, what was available, or the status."""
    if action is None:
        return "", ""
    if action.delta:
        return amount(action), written(action.balance, action.currency)
    if action.held_delta:
        return amount(action), f"{written(action.balance - action.held, action.currency)} available"
    return "", action.get_status_display()


def signed(amount: Any, currency: str) -> str:
    """Return an amount with a plus or minus sign."""
    return f"{'+' if amount > 0 else ''}{written(amount, currency)}"


def listed(words: Sequence[str]) -> str:
    """Return words as a sentence lists them."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def told(action: Any) -> str:
    """Return an action as a sentence of its account's history."""
    currency, money = action.currency, ""
    if action.delta:
        money = f" {written(abs(action.delta), currency)}, {written(action.balance, currency)} after"
    elif action.held_delta:
        available = written(action.balance - action.held, currency)
        money = f" {written(abs(action.held_delta), currency)}, {available} available after"
    return format_html("{}{}: {}", what(action), money, link(action, action.reference))
