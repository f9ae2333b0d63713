"""The search box of every page: where it leads, the page of what it found, and what it suggests while somebody types.

What one thing alone answers to is gone to at once. Every answer is an event of the log with what was typed, as a list's is;
the jump too, whose page is not the search's. A few queries whatever is found: those of `Search`, one for the rows of each part.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from audit import hidden
from audit.middleware import after_request
from backoffice.databases import SANDBOX
from backoffice.guards import StaffGuard
from backoffice.models import User
from backoffice.models.voiding import AnyOf
from backoffice.people import matching
from backoffice.said import told
from backoffice.site import ConsoleSite
from backoffice.views import BaseView
from ledger.admin import finding, telling
from ledger.admin.finding import going
from ledger.admin.finding.going import Hit, Order, isolated, standing
from ledger.admin.finding.operators import ALL
from ledger.admin.finding.searching import WINDOW, Search
from ledger.models import Account, Action
from ledger.money import written

SHOWN, SUGGESTED = 25, 8  # of each part


class Part(NamedTuple):
    """Hits of one kind; `more` is the list of all that match, where not all are shown or the list can do more with them."""

    heading: str
    hits: list[Hit]
    more: str = ""
    actions: Sequence[Any] = ()  # which the page shows as a table

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the actions as the table shows them; suggestions do without."""
        return [_row(action) for action in self.actions]


@dataclass
class Found:
    """All that was found: `said` is what to know of it, `search` what was understood."""

    parts: list[Part]
    said: list[str] = field(default_factory=list)
    search: Search | None = None
    exact: bool = True  # rather than offered for something mistyped
    answered: bool = False  # whether what is said answers what was typed, rather than that nothing was found

    @property
    def only(self) -> Hit | None:
        """The one hit, where there is no other and nothing to say."""
        hits = [hit for part in self.parts for hit in part.hits]
        return hits[0] if len(hits) == 1 and self.exact and not self.said else None


def find(request: HttpRequest, site: Any, text: str, most: int) -> Found:
    """Find `most` of each kind, as far as the reader may see it."""
    order = going.ordered(request, text)
    hits, said = going.commands(request, site, order, most) if order and order.may else ([], "")
    if hits:
        return Found([Part("Commands", hits)])
    pages = Part("Pages", going.pages(request, site, text)[:most])
    if not sees(request, site, Account):
        return Found([pages] if pages.hits else [], [] if pages.hits else ["No page is called so."])
    search = finding.look(request, site, text)
    parts = [part for part in (pages, *_rows(request, site, search, most)) if part.hits]
    found = Found(parts, [*search.problems, *search.notes], search)
    if parts or search.problems:
        return found
    found.said = [said] if said else []
    return otherwise(request, site, order, found, most)


def otherwise(request: HttpRequest, site: Any, order: Order | None, found: Found, most: int) -> Found:
    """Offer what may have been meant where nothing was found: a command behind whom it is for, one without a right, a slip."""
    search: Any = found.search
    text = search.typed.text
    order = order or going.ordered_last(request, text)
    if order and order.may and not found.said:
        hits, said = going.commands(request, site, order, most)
        if hits:
            return Found([Part("Commands", hits)])
        found.said = [said]
    if order and not order.may:
        return _without_right(request, site, order, most)
    if refused := going.refused(request, site, text):
        return Found([], [refused], search, answered=True)
    found.said, found.answered = found.said or [search.advice], bool(order and not order.rest)
    if sees(request, site, Action):
        near = _actions(request, site, "Did you mean", search.nearest().values_list("pk", flat=True), most)
        found.parts, found.exact = [near] if near.hits else [], not near.hits
    return found


def _without_right(request: HttpRequest, site: Any, order: Order, most: int) -> Found:
    """Say that the command is not the reader's to give, and lead to what it was meant for."""
    meant = finding.look(request, site, order.rest) if order.rest else None
    parts = [part for part in _rows(request, site, meant, most) if part.hits] if meant else []
    below = " What it was meant for is below." if parts else ""
    return Found(parts, [f"“{order.command.verb}” is not among your rights.{below}"], meant, answered=True)


def sees(request: HttpRequest, site: Any, model: type[Any]) -> bool:
    """Say whether the reader may see the list of the model."""
    return bool(site.get_model_admin(model).has_view_permission(request))


def _rows(request: HttpRequest, site: Any, search: Search, most: int) -> Iterator[Part]:
    """Give what was named or asked for: accounts, actions, people without an account."""
    typed, actions = search.typed, sees(request, site, Action)
    named = search.named_ids if actions and not search.about_actions else []
    if not search.about_actions and not (named and (typed.reference or typed.uid)):
        ids = search.people_ids if named else search.account_ids
        yield Part("Accounts", _accounts(request, site, ids, most), _list(site, Account, typed.text))
    if actions and (named or search.about_actions):
        ids = named or search.action_ids
        yield _actions(request, site, "Actions", ids, most)._replace(more=_list(site, Action, typed.text))
    if typed.words and typed.plain and sees(request, site, User):
        yield Part("People", _people(request, site, typed.words, most))


def _accounts(request: HttpRequest, site: Any, ids: Iterable[int], most: int) -> list[Hit]:
    page, rows = f"{site.name}:ledger_account_change", going.accounts(request, site, ids, most)
    return [Hit(str(row.user), standing(row), reverse(page, args=[row.pk])) for row in rows]


def _actions(request: HttpRequest, site: Any, heading: str, ids: Iterable[int], most: int) -> Part:
    found: QuerySet[Any] = site.get_model_admin(Action).get_queryset(request).filter(AnyOf(F("pk"), list(ids)))
    rows, page = list(found.order_by("-pk")[:most]), f"{site.name}:ledger_action_change"
    hits = [Hit(row.reference, _happened(row), reverse(page, args=[row.pk])) for row in rows]
    return Part(heading, hits, actions=rows)


def _row(action: Any) -> dict[str, Any]:
    """Return an action as the list shows it, with the way to its account."""
    return {
        "when": telling.created(action),
        "reference": telling.link(action, action.reference),
        "customer": telling.link(action.account, str(action.account.user)),
        "type": action.get_type_display(),
        "amount": telling.amount(action),
        "reason": action.comment,
    }


def _happened(action: Action) -> str:
    moved = action.delta or action.held_delta
    money = f" {written(abs(moved), action.currency)}" if moved else ""
    return f"{action.get_type_display()}{money} · {isolated(action.account.user)} · {told(action.created)}"


def _people(request: HttpRequest, site: Any, words: str, most: int) -> list[Hit]:
    """Return people of whom no account is kept: a customer is found as an account."""
    people: QuerySet[Any] = site.get_model_admin(User).get_queryset(request)
    rows = people.filter(AnyOf(F("pk"), matching(words, using=people.db, others=True)), entity=None)
    return [
        Hit(str(row), f"{row.username} · {row.email}", reverse(f"{site.name}:backoffice_user_change", args=[row.pk]))
        for row in rows.order_by("last_name", "first_name", "pk")[:most]
    ]


def _list(site: Any, model: type[Any], text: str) -> str:
    page = reverse(f"{site.name}:ledger_{model._meta.model_name}_changelist", query={"q": text})
    return str(page)


class FindPage(BaseView):
    """What was found, or the way to it."""

    guard = StaffGuard()
    site: Any = None  # given to as_view()

    def get(self, request: HttpRequest) -> HttpResponse:
        """Lead to the only hit, else show all."""
        text = request.GET.get("q", "").strip()
        found = find(request, self.site, text, SHOWN) if text else Found([])
        if found.only:
            self.tell(request)
            return HttpResponseRedirect(found.only.url)
        context = {
            "title": f"Find “{text}”" if text else "Find",
            "find_text": text,
            "found": found,
            "operators": ALL,
            "window": f"{WINDOW:,}",
        }
        return TemplateResponse(request, "console/find.html", {**self.site.each_context(request), **context})

    def tell(self, request: HttpRequest) -> None:
        """Record the search that is answered with another page, as one that is shown would be."""
        data = {"page": "find", "query": hidden.query_of(request)}
        if self.site.using == SANDBOX:
            data["database"] = SANDBOX
        after_request(request, "page.viewed", status=HTTPStatus.FOUND, data=data)


class Suggestions(BaseView):
    """What the box suggests, as JSON."""

    guard = StaffGuard()
    site: Any = None  # given to as_view()

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer with the first hits of each part."""
        text = request.GET.get("q", "").strip()
        found = find(request, self.site, text, SUGGESTED) if text else Found([])
        parts = [{"heading": part.heading, "hits": [hit._asdict() for hit in part.hits]} for part in found.parts]
        terms = [term.said for term in found.search.terms] if found.search else []
        return JsonResponse({"parts": parts, "said": found.said, "terms": terms})


def pages(site: ConsoleSite) -> list[URLPattern]:
    """Return the search's own addresses on a site."""
    return [
        path("find/", FindPage.as_view(site=site), name="find"),
        path("find/suggestions/", Suggestions.as_view(site=site), name="find_suggestions"),
    ]


ConsoleSite.more_pages.append(pages)
