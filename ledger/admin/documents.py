"""The documents of an account's page: what can be made of the account now, for the customer or for the file.

Nothing is stored: each is made when somebody asks for it. So there are links alone, none to what the reader may not open and
none to a month that was over before the account was opened. No query.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from backoffice.sheets import FORMATS
from ledger.admin import past
from ledger.admin.periods import Period, named
from ledger.models import Account

LAST_SECOND = "T23:59:59"  # of a day; what happened at the midnight after it belongs to the next one


class Document(NamedTuple):
    """What it is, of when, and the ways to have it: a label and an address each."""

    name: str
    of: str
    ways: list[tuple[str, str]]


def documents(request: HttpRequest, model_admin: Any, account: Account) -> list[Document]:
    """Return what the reader can have made of the account."""

    def page(name: str, **query: str) -> str:
        """Return an address below the account's, which leads back to the list as it was."""
        found = reverse(f"{model_admin.admin_site.name}:ledger_account_{name}", args=[account.pk], query=query)
        kept: str = model_admin.kept(request, found)
        return kept

    history = Document("History", "everything since it was opened", [("Page", page("history"))])
    if not past.GUARD.allows(request):
        return [history]
    opened = timezone.localdate(account.created)
    month, last = named(timezone.localdate())[:2]
    found = [_statement(page, period) for period in (month, last) if period.last >= opened]
    if last.last >= opened:
        then = page("as_of", moment=f"{last.last.isoformat()}{LAST_SECOND}")
        found.append(Document("Balance", f"end of last month, {_day(last.last)}", [("Page", then)]))
    return [*found, history]


def _statement(page: Callable[..., str], period: Period) -> Document:
    days = {"since": period.first.isoformat(), "until": period.last.isoformat()}
    ways = [
        ("Page", page("statement", **days)),
        ("To print", page("statement", **days, print="1")),
        *((kind.label, page(f"statement_{kind.name}", **days)) for kind in FORMATS.values()),
    ]
    of = f"{period.label.lower()}, {period.first.day} to {_day(period.last)}"
    return Document("Statement", of, ways)


def _day(day: date) -> str:
    return date_format(day, "j M Y")
