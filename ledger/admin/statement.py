"""The statement of an account in the console: a page to look at and to print, and the same as a file."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from backoffice.exporting import CAPS, attachment
from backoffice.sheets import FORMATS, number
from ledger.admin import telling
from ledger.admin.past import PastPage, query_without
from ledger.admin.periods import PeriodForm, named
from ledger.money import exponent
from ledger.statement import PAGE, Movement, Position, Statement

PRINTED = 1_000  # movements on one page that is meant for paper
HEADER = (
    "created", "recorded", "reference", "type", "counterparty", "external_reference", "currency", "amount", "balance",
)  # fmt: skip  # no comments: they are what staff told each other, and a statement is for the customer


class StatementPage(PastPage):
    """Opening, movements and closing of a period: `Account.statement`. Without dates, of this month."""

    verb = "Statement"
    template = "ledger/statement.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Show a page of the statement, or hand it out as a file."""
        account = self.account()
        periods = named(timezone.localdate())
        _, first, last = periods[0]
        form = PeriodForm(request.GET if "since" in request.GET else {"since": first, "until": last})
        context: dict[str, Any] = {"form": form, "periods": periods}
        if form.is_valid():
            since, until = form.ends()
            statement = account.statement(since=since, until=until, known=self._known())
            if self.kind:
                return self._file(statement, form)
            context |= self._shown(statement, form)
        elif self.kind:
            return HttpResponseRedirect(self._page())
        return TemplateResponse(request, self.template, {**self.page_context(account), **context})

    def _shown(self, statement: Statement, form: PeriodForm) -> dict[str, Any]:
        """Return one page of the statement and the ways on; its period and version are in their addresses."""
        to_print = "print" in self.request.GET
        after = self._after()
        page = statement.page(after=after, most=PRINTED if to_print else PAGE)
        days = {"since": form.cleaned_data["since"], "until": form.cleaned_data["until"]}
        kept = dict(self.model_admin.kept_context(self.request)["kept_fields"])
        same = {**days, "known": statement.known, **kept}
        return {
            "statement": statement,
            "page": page,
            "lines": [(line, telling.what(line.action)) for line in page.movements],
            "below_zero": any(balance < 0 for balance in (page.carried, *(line.balance for line in page.movements))),
            "chosen": (days["since"], days["until"]),
            "continued": after is not None and after.created >= statement.since,
            "next": urlencode({**same, "after": page.next, **({"print": 1} if to_print else {})}) if page.next else "",
            "whole": "" if to_print else urlencode({**same, "print": 1}),
            "same": urlencode(same),
            "files": [(kind.label, self._page(f"_{kind.name}")) for kind in FORMATS.values()],
            "zone": timezone.get_current_timezone_name(),
        }

    def _known(self) -> int | None:
        """Return the version asked for; what is none asks for all that is known."""
        text = self.request.GET.get("known", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004  an int4 at most

    def _after(self) -> Position | None:
        """Return where the page goes on; what is no position begins at the beginning."""
        try:
            return Position.parse(self.request.GET["after"])
        except (KeyError, ValueError):
            return None

    def _page(self, kind: str = "") -> str:
        name = f"admin:ledger_account_statement{kind}"
        return reverse(name, args=[self.kwargs["object_id"]], current_app=self.model_admin.admin_site.name)

    def _file(self, statement: Statement, form: PeriodForm) -> HttpResponseBase:
        """Hand out the whole period, or go back to the page with a sentence: a file is never cut."""
        most = CAPS[self.kind.name]
        movements = list(islice(statement.movements(), most + 1))
        if len(movements) > most:
            sentence = f"A {self.kind.label} file holds {most:,} movements at most: choose a shorter period."
            messages.error(self.request, sentence)
            return HttpResponseRedirect(f"{self._page()}?{query_without(self.request, 'after', 'print')}")
        days = f"{form.cleaned_data['since']}-{form.cleaned_data['until']}"
        name = f"statement-{statement.account.uid}-{days}"
        return attachment(self.kind, name, HEADER, rows(statement, movements))


def rows(statement: Statement, movements: list[Movement]) -> Iterator[list[Any]]:
    """Give the lines of a file: the opening, each movement ready to be told, the closing."""
    currency = statement.account.currency
    places = exponent(currency)

    def end(when: Any, what: str, balance: Any) -> list[Any]:
        return [when, None, "", what, "", "", currency, None, number(balance, places)]

    lines = (
        [*_told(line), currency, number(line.action.delta, places), number(line.balance, places)] for line in movements
    )
    opening = end(statement.since, "opening balance", statement.opening)
    return chain([opening], lines, [end(statement.until, "closing balance", statement.closing)])


def _told(line: Movement) -> list[Any]:
    action = line.action
    told = [action.get_type_display(), telling.counterparty(action), action.external_reference]
    return [action.created, action.recorded, action.reference, *told]
