"""The list of a model: its page by keys, its order, its length, and what it says of what it did not show or could not find.

Sorted by what an index serves and by nothing else: `?o=name` and `?o=-name` for a column's name, `pk` for the order in which
rows came; anything else in `o` is passed over.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ERROR_FLAG, ORDER_VAR, ChangeList
from django.core.exceptions import FieldError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode

from audit.moment import NAME as AS_OF
from audit.moment import moment_of, page_then
from backoffice.admin import narrowed
from backoffice.admin.choices import offered
from backoffice.admin.related import fetch_beside, in_words, tells_of_people
from backoffice.arrangement import VIEW, name_of
from backoffice.keyset import AFTER, BEFORE, Order, Page, served
from backoffice.paging import counted, estimated

if TYPE_CHECKING:
    from backoffice.admin.base import ConsoleAdmin

BY_RECORDING = "Of a moment, a list shows what had been recorded by then, whenever it happened."
ANY_KEY = "any-key"
FILE = "is_for_a_file"  # on a request that wants the rows of a list, and no page of it


@lru_cache(maxsize=10_000)
def encoded(asked: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """Return the query of an address that asks for this."""
    return f"?{urlencode(asked, doseq=True)}"


class ConsoleList(ChangeList):
    """One page of a list, which can be of a moment of the past.

    `sought` is what the ModelAdmin left on the request of what was typed, if it did: its terms, notes and advice.
    """

    sought: Any = None
    # Whether more is asked for than choices that filters offer by name: what somebody typed is nowhere kept.
    is_typed = True
    counts = True  # whether the list says how long it is
    page: Page
    model_admin: "ConsoleAdmin"

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.place = {name: request.GET.get(name, "") for name in (AFTER, BEFORE)}
        self.misunderstood = ERROR_FLAG in request.GET  # Django leads to the plain list from what it cannot read
        super().__init__(request, *args, **kwargs)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return all rows of the list, whichever page is shown; go back to the plain list where they cannot be had."""
        passed_over = () if self.sorted_by else (ORDER_VAR,)
        for name in (AFTER, BEFORE, *passed_over):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        try:
            rows = super().get_queryset(request, exclude_parameters)
        except FieldError as error:
            raise IncorrectLookupParameters(error) from error
        known = {name for spec in self.filter_specs for name in offered(self, spec)} if self.filter_params else set()
        self.is_typed = not known.issuperset(self.filter_params)
        self.sought = getattr(request, "sought", None)
        related = self.model_admin.list_related
        return rows if related is None else rows.select_related(None).select_related(*related)

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """As Django does, for each choice of each filter: what an address says is encoded once and kept."""
        left = tuple(remove or ())
        asked = {name: text for name, text in self.filter_params.items() if not name.startswith(left)} | (
            new_params or {}
        )
        told = ((name, text) for name, text in sorted(asked.items()) if text is not None)
        texts = tuple(
            (name, tuple(map(str, text if isinstance(text, list | tuple) else [text]))) for name, text in told
        )
        tells = self.is_typed or AFTER in asked or BEFORE in asked  # a place is what a row says
        return (encoded.__wrapped__ if tells else encoded)(texts)

    def get_filters(self, request: HttpRequest) -> Any:
        """Keep what is left for Django to narrow the list by, which no filter shows."""
        found = super().get_filters(request)
        self.beside_filters = dict(found[2])
        return found

    @cached_property
    def narrowed_beside(self) -> list[narrowed.Narrowed]:
        """What the address leaves out beside the filters."""
        return list(narrowed.told(self))

    def get_filters_params(self, params: Any = None) -> Any:
        """Leave out which view is shown: what it asks for is beside it."""
        found = super().get_filters_params(params)
        found.pop(VIEW, None)
        return found

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, and count where there are more. At most three queries, and what rows are told with."""
        try:
            file = getattr(request, FILE, False)
            self.page = Page([]) if file else self.read()
        except FieldError as error:  # what no version of the past holds is known when the statement is made
            raise IncorrectLookupParameters(error) from error
        self.result_list = self.page.rows
        self.multi_page = bool(any(self.place.values()) or self.page.after) and not file
        self.result_count = self.how_many(request) if self.multi_page and self.counts else len(self.page.rows)
        self.full_result_count = self.result_count  # no "N results" beside the search: the end of the list says it
        self.show_full_result_count = self.can_show_all = False
        self.show_admin_actions = bool(self.page.rows)
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)  # asked for nothing

    def read(self) -> Page:
        """Read the page, and what rows of it point at: of the past all that belongs to them, of today what is told of it."""
        if self.moment:
            return self.order.page(self.queryset, self.list_per_page, **self.place)
        rows = in_words(self.queryset, self.model_admin.list_needs).prefetch_related(None)
        page = self.order.page(rows, self.list_per_page, **self.place)
        fetch_beside(page.rows, self.model_admin.list_prefetch_related)
        return page

    def how_many(self, request: HttpRequest) -> int:
        """Return how long the list is, about or at least. One query or two."""
        if not self.narrowed and self.model_admin.shows_all(request):
            found = estimated(self.model, self.queryset.db)
            if found is not None:
                return found
        return counted(self.queryset)

    @property
    def narrowed(self) -> bool:
        """Whether a search, a filter, of its own accord too, or a moment leaves rows out."""
        return bool(self.moment) or self.queryset.query.where != self.root_queryset.query.where

    @cached_property
    def order(self) -> Order:
        """How the list is sorted."""
        return Order.of(self.model, self.queryset.query.order_by)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return what was chosen, where an index serves it, else the list's own order."""
        default = self.model_admin.get_ordering(request) or self.lookup_opts.ordering or ()
        return Order.of(self.model, [self.sorted_by] if self.sorted_by else default).names()

    @cached_property
    def sorted_by(self) -> str:
        """The field that was chosen to sort by, with a minus where that is downwards; '' for the list's own order."""
        asked = self.params.get(ORDER_VAR, "")
        field = self.sortable.get(asked.removeprefix("-"), "")
        return f"-{field}" if field and asked.startswith("-") else field

    @cached_property
    def sortable(self) -> dict[str, str]:
        """The columns that the list can be sorted by, each with its field; `pk` among them, shown or not."""
        if self.sortable_by is not None and not self.sortable_by:
            return {}
        found, fields, key = {"pk": "pk"}, served(self.lookup_opts.model) | {"pk"}, self.lookup_opts.pk.name
        for column in self.list_display:
            field = str(self.get_ordering_field(column) or "").removeprefix("-")
            if field in fields:
                found[name_of(column)] = "pk" if field == key else field
        return found

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return the field that a column is sorted by, if it is any."""
        return None if field_name in {"action_checkbox", "__str__"} else super().get_ordering_field(field_name)

    @property
    def turned(self) -> str:
        """The same list the other way round, where it is sorted by when rows came, or ''."""
        if "pk" not in self.sortable or not self.order.fields[0].primary_key:
            return ""
        return self.get_query_string({ORDER_VAR: "pk" if self.order.descending else "-pk"})

    @property
    def previous(self) -> str:
        """The page before this one, or ''."""
        return self.get_query_string({BEFORE: self.page.before}) if self.page.before else ""

    @property
    def following(self) -> str:
        """The page behind this one, or ''."""
        return self.get_query_string({AFTER: self.page.after}) if self.page.after else ""

    @property
    def first(self) -> str:
        """The first page, where this is another, or ''."""
        return self.get_query_string() if any(self.place.values()) else ""

    @property
    def moment(self) -> Any:
        """The moment that the list is of, or None for today."""
        return moment_of(self)

    @property
    def masked(self) -> bool:
        """Whether rows of the past tell of people, and their names are masked to the reader."""
        hidden = any(getattr(row, "_hidden", False) for row in self.result_list[:1])
        related = self.model_admin.list_select_related
        return hidden and tells_of_people(self.model, () if isinstance(related, bool) else related)

    @property
    def problem(self) -> str:
        """Why nothing is shown of what was asked for, or nothing."""
        return next((found for spec in self.filter_specs if (found := getattr(spec, "problem", ""))), "")

    @property
    def query_string(self) -> str:
        """What is shown, as a view keeps it."""
        return self.get_query_string().removeprefix("?")

    def url_for_result(self, result: Model) -> str:
        """Lead from a row of the past to its history at that moment."""
        if self.moment is None:
            return self._pages.replace(ANY_KEY, str(quote(result.pk)))
        return page_then(self, result, self.params[AS_OF])

    @property
    def unseen(self) -> str:
        """Return why the list is not all that was searched for, in a sentence, or nothing."""
        return str(self.sought.unseen) if self.sought else ""

    @cached_property
    def _pages(self) -> str:
        """The address of a row's page, with ANY_KEY in the place of its key: resolved once and not for each row."""
        site, opts = self.model_admin.admin_site, self.opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[ANY_KEY], current_app=site.name)

    @property
    def advice(self) -> str:
        """Return what helps the reader on, or nothing."""
        if self.sought and not self.result_list:
            return str(self.sought.advice)
        if not self.result_list and self.moment:
            return BY_RECORDING
        if not self.result_list and self.query:
            return self.model_admin.search_advice(self.query)
        if not self.result_list:
            return next((found for spec in self.filter_specs if (found := getattr(spec, "advice", ""))), "")
        return ""
