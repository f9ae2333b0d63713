"""Where a search leads beside its rows: pages of the site by what they are called, and commands, `freeze nov` or `reverse K7M-Q4X-VPC`.

Only what the reader may open: pages are those of the index, commands those whose guards allow it and, on a row, those that its
state allows. An account's statement and history are asked for as commands are. Queries: none for pages; for a command those of
the search behind it, and the look that the row's page takes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse

from backoffice.guards import Guard, PermissionGuard, StaffGuard
from backoffice.models.voiding import AnyOf
from ledger.admin import finding, past
from ledger.admin.commands import ACCOUNT_COMMANDS, ACTION_COMMANDS, HOLD_COMMANDS, LedgerCommand
from ledger.choices import Status
from ledger.models import Account, Action, Hold
from ledger.money import written
from ledger.rules import ALLOWED

FURTHER: list[tuple[str, str, Guard]] = [  # pages that are no model's own
    ("Start", "index", StaffGuard()),
    ("All balances as of a moment", "ledger_account_balances", past.GUARD),
    ("Change my password", "password_change", StaffGuard()),
    ("My login: second factor and sessions", "mfa_index", StaffGuard()),
]
# What stands before whom a command is for; the amount is asked for by its form.
LINKING = re.compile(
    r"^(?:(?:[A-Z]{3} ?)?[0-9][0-9.,' ]*(?:[A-Z]{3})?\s+)?(?:to|from|on|for|of|by)\s+(?=\S)", re.IGNORECASE
)


class Place(NamedTuple):
    """A page of an account that is asked for as a command is, and does nothing."""

    verb: str
    name: str
    guard: Guard


PLACES = (
    Place("Statement", "statement", past.GUARD),
    Place("History", "history", StaffGuard() & PermissionGuard("ledger.view_account")),
)


class Hit(NamedTuple):
    """Something to go to."""

    label: str
    detail: str
    url: str


def pages(request: HttpRequest, site: Any, text: str) -> list[Hit]:
    """Return the pages one of whose words each typed word begins; first those that are called exactly so."""
    words = text.lower().split()
    found = [
        hit
        for hit in _pages(request, site)
        if words and all(f" {hit.label.lower()}".find(f" {one}") >= 0 for one in words)
    ]
    return sorted(found, key=lambda hit: (hit.label.lower() != text.lower(), hit.label))


def _pages(request: HttpRequest, site: Any) -> Iterator[Hit]:
    for app in site.get_app_list(request):
        for model in app["models"]:
            if model["admin_url"]:
                yield Hit(model["name"].capitalize(), "List", model["admin_url"])
            if model["add_url"]:
                yield Hit(f"Add {model['model']._meta.verbose_name}", "Form", model["add_url"])
    for label, name, guard in FURTHER:
        if guard.allows(request):
            yield Hit(label, "Page", reverse(name if name == "mfa_index" else f"{site.name}:{name}"))


class Order(NamedTuple):
    """A command that was typed: the verb, and what is to be done it to."""

    command: type[LedgerCommand] | Place
    model: type[Any]
    rest: str
    may: bool  # the reader, on some row at least


def ordered(request: HttpRequest, text: str) -> Order | None:
    """Return the command that the text begins with. No query."""
    verb, _, rest = text.strip().partition(" ")
    return _order(request, verb, rest)


def ordered_last(request: HttpRequest, text: str) -> Order | None:
    """Return the command that the text ends with, behind whom it is for. No query."""
    rest, _, verb = text.strip().rpartition(" ")
    return _order(request, verb, rest) if rest else None


def _order(request: HttpRequest, verb: str, rest: str) -> Order | None:
    groups: Sequence[tuple[type[Any], Sequence[type[LedgerCommand] | Place]]]
    groups = ((Account, (*ACCOUNT_COMMANDS, *PLACES)), (Action, ACTION_COMMANDS), (Hold, HOLD_COMMANDS))
    for model, commands in groups:
        for command in commands:
            if verb.lower() == command.verb.lower():
                return Order(command, model, LINKING.sub("", rest.strip()), command.guard.allows(request))
    return None


def refused(request: HttpRequest, site: Any, text: str) -> str:
    """Say that a page for adding something is none that the reader may open, where that was typed; '' where it was not."""
    verb, _, what = text.lower().partition(" ")
    for model, page in site._registry.items() if verb == "add" else ():
        there_is = "add" in model._meta.default_permissions
        if what == model._meta.verbose_name and there_is and not page.has_add_permission(request):
            return f"Adding {model._meta.verbose_name_plural} is not among your rights."
    return ""


def commands(request: HttpRequest, site: Any, order: Order, most: int) -> tuple[list[Hit], str]:
    """Return the command on each row that is meant and that it is possible on, and what to say where there is none."""
    verb = order.command.verb
    if not order.rest:
        return [], _ask(order)
    search = finding.look(request, site, order.rest)
    if search.problems:
        return [], " ".join(search.problems)
    model_admin = site.get_model_admin(order.model)
    rows = _rows(request, site, search, order.model, most)
    found = [_hit(site, order, row) for row in rows if _possible(request, model_admin, order, row)]
    if rows and not found:
        return [], f"{verb} is not possible: {_why_not(rows)}."
    return found, "" if found else search.advice


def _ask(order: Order) -> str:
    if order.model is Account:
        return f"{order.command.verb}: add a name, a customer number or an e-mail address."
    return f"{order.command.verb}: add the reference of the {'action' if order.model is Action else 'hold'}."


def _rows(request: HttpRequest, site: Any, search: Any, model: type[Any], most: int) -> list[Any]:
    """Return the rows that are meant; of actions and holds one at most, as it is looked at closely."""
    if model is Account:
        return accounts(request, site, search.account_ids, most)
    rows = site.get_model_admin(model).get_queryset(request)
    if not (search.typed.reference or search.typed.uid):
        return []
    ids = search.action_ids if model is Action else search.hold_ids(rows)
    return list(rows.filter(AnyOf(F("pk"), ids))[:1])


def accounts(request: HttpRequest, site: Any, ids: Iterable[int], most: int) -> list[Any]:
    """Return these accounts by what their customers are called. One query."""
    rows = site.get_model_admin(Account).get_queryset(request).filter(AnyOf(F("pk"), list(ids)))
    return list(rows.order_by("user__last_name", "user__first_name", "pk")[:most])


def _possible(request: HttpRequest, model_admin: Any, order: Order, row: Any) -> bool:
    if order.model is Account:
        return isinstance(order.command, Place) or order.command.posting_type in ALLOWED[Status(row.status)]
    return order.command in model_admin.possible(request, row)


def _hit(site: Any, order: Order, row: Any) -> Hit:
    page = reverse(f"{site.name}:ledger_{order.model._meta.model_name}_{order.command.name}", args=[row.pk])
    if order.model is Account:
        return Hit(f"{order.command.verb}: {isolated(row.user)}", standing(row), page)
    return Hit(f"{order.command.verb}: {row}", str(row.account), page)


def standing(account: Account) -> str:
    """Return what tells an account from others, and how it stands."""
    told = (
        account.entity,
        written(account.balance, account.currency),
        account.get_status_display(),
        account.user.email,
    )
    return " · ".join(str(part) for part in told if part)


def isolated(name: object) -> str:
    """Return a name such that its direction of writing does not turn what stands beside it."""
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"


def _why_not(rows: Sequence[Any]) -> str:
    return ", ".join(
        f"{row} is {row.get_status_display().lower()}" if isinstance(row, Account) else f"{row} is done with"
        for row in rows[:3]
    )
