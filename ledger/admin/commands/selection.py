"""Which objects a command on several acts on: those chosen by hand, or all that the filter of a list finds.

All that a filter finds are looked for anew at each step, so what joins or leaves them before the confirmation is seen there.
"""

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.admin import FieldListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, QueryDict

from audit.moment import is_past
from bulk.working import AT_ONCE

if TYPE_CHECKING:
    from ledger.admin.commands.base import LedgerCommand

MOST = 10_000  # objects of one run; a preview of so many takes a few seconds
FILTER = "list"  # the parameter that holds the query of a list
OF_LIST = "is_of_list"  # set on a request that stands for a list's own


class Selection(NamedTuple):
    """Objects, and which they are in words; `query` is the filter, or None where they were chosen by hand."""

    objects: list[Any]
    words: str
    query: str | None


def selected(command: "LedgerCommand") -> Selection:
    """Return what the request selects, in ascending id.

    Raises:
        BadRequest: nothing, or too much.
        Http404: one of those chosen is not there.
    """
    asked = command.request.POST if FILTER in command.request.POST else command.request.GET
    if FILTER in asked:
        return matching(command.model_admin, command.request, asked[FILTER])
    return by_hand(command)


def by_hand(command: "LedgerCommand") -> Selection:
    """Return the objects that `ids` names."""
    opts = command.model_admin.opts
    ids = (command.request.POST.get("ids") or command.request.GET.get("ids", "")).split(",")
    if not all(part.isdecimal() for part in ids) or len(ids) > AT_ONCE:
        raise BadRequest(f"Choose between 1 and {AT_ONCE} {opts.verbose_name_plural}.")
    found = command.found(ids)
    if len(found) < len(set(ids)):
        raise Http404(f"One of these {opts.verbose_name_plural} does not exist.")
    nouns = opts.verbose_name if len(found) == 1 else opts.verbose_name_plural
    return Selection(found, f"{len(found)} chosen {nouns}", None)


def matching(model_admin: Any, request: HttpRequest, query: str) -> Selection:
    """Return all that the list finds for this query."""
    listed = of_list(model_admin, request, query)
    if listed.unseen:
        raise BadRequest(listed.unseen)
    found = list(listed.queryset.order_by("pk")[: MOST + 1])
    plural = model_admin.opts.verbose_name_plural
    if not 0 < len(found) <= MOST:
        raise BadRequest(f"The filter has to find between 1 and {MOST:,} {plural}.")
    return Selection(found, f"all {plural} {described(listed)}".strip(), query)


def of_list(model_admin: Any, request: HttpRequest, query: str) -> Any:
    """Return the list as its own page would have it. Raises BadRequest for a query that it does not understand."""
    asked = copy.copy(request)
    asked.GET, asked.resolver_match = QueryDict(query), None  # which a copy leaves out
    setattr(asked, OF_LIST, True)
    if is_past(asked):
        raise BadRequest("What stood in the past is not there any more to do anything with.")
    try:
        return model_admin.get_changelist_instance(asked)
    except IncorrectLookupParameters:
        raise BadRequest("The list does not understand its own filter any more: choose anew.") from None


def described(listed: Any) -> str:
    """Return a list's filter in words: `with status Frozen, found by “nova”`."""
    words = [f"with {title.lower()} {choice}" for title, choice in _chosen(listed)]
    if listed.query:
        words.append(f"found by “{listed.query}”")
    return ", ".join(words)[:450]


def _chosen(listed: Any) -> Iterator[tuple[str, str]]:
    """Yield what is chosen of each filter; the first choice of each is not to filter by it."""
    known = (spec for spec in listed.filter_specs if isinstance(spec, (SimpleListFilter, FieldListFilter)))
    for spec in known:
        for number, choice in enumerate(spec.choices(listed)):
            if number and choice.get("selected") and choice.get("display"):
                yield str(spec.title), str(choice["display"])
