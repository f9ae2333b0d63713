"""Pages of the event log by keys: newer and older, each as cheap as the first, nothing counted.

`before=` and `after=` hold the moment and the id of an event; the page begins there.
"""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest

from audit.sentences import as_lines
from backoffice.admin import ConsoleList

BEFORE, AFTER = "before", "after"


class Place(NamedTuple):
    """An event's place in the log."""

    created: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.created.isoformat()}_{self.id}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return the place that a parameter names. Raises IncorrectLookupParameters."""
        moment, _, key = text.partition("_")
        try:
            return cls(datetime.fromisoformat(moment.replace(" ", "+")), uuid.UUID(key))
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


class EventList(ConsoleList):
    """A page of events with their sentences, looked up together."""

    newer = older = ""  # query strings of the pages beside this one

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.before, self.after = request.GET.get(BEFORE, ""), request.GET.get(AFTER, "")
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        """Leave the place out of the filters."""
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in {BEFORE, AFTER}}

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and one row more, then what it speaks of."""
        most = self.list_per_page
        rows, more = self._read(most)
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.queryset, most)  # asked for nothing
        if rows:
            first, last = Place(rows[0].created, rows[0].pk), Place(rows[-1].created, rows[-1].pk)
            came_back = bool(self.after)
            self.newer = self._page(AFTER, first) if (self.before or (came_back and more)) else ""
            self.older = self._page(BEFORE, last) if (came_back or more) else ""
        lines = as_lines(request, self.model_admin.admin_site, rows)
        for event in rows:
            event.sentence = lines[event.pk]

    def _read(self, most: int) -> tuple[list[Any], bool]:
        rows: Any = self.queryset.order_by("-created", "-id")
        if self.after:
            place = Place.read(self.after)
            rows = rows.filter(created__gte=place.created).exclude(created=place.created, id__lte=place.id)
            found = list(rows.order_by("created", "id")[: most + 1])
            return found[:most][::-1], len(found) > most
        if self.before:
            place = Place.read(self.before)
            rows = rows.filter(created__lte=place.created).exclude(created=place.created, id__gte=place.id)
        found = list(rows[: most + 1])
        return found[:most], len(found) > most

    def _page(self, name: str, place: Place) -> str:
        return self.get_query_string({BEFORE: None, AFTER: None} | {name: str(place)})

    @property
    def days(self) -> int:
        """How many days were searched because the reader named no window."""
        return int(self.filter_specs[0].days)  # type: ignore[attr-defined]  # the search form is the one filter

    @property
    def problem(self) -> str:
        """Why nothing was searched, or nothing."""
        return str(self.filter_specs[0].problem)  # type: ignore[attr-defined]  # as above

    @property
    def hint(self) -> str:
        """What was typed and means nobody, or nothing."""
        return str(self.filter_specs[0].hint)  # type: ignore[attr-defined]  # as above

    @property
    def everything(self) -> str:
        """The same search without a window."""
        return self.get_query_string({"window": "all", BEFORE: None, AFTER: None})

    @property
    def search(self) -> str:
        """The search as it can be kept: without the place of the page."""
        return self.get_query_string({BEFORE: None, AFTER: None}).removeprefix("?")

    @property
    def advice(self) -> str:
        """Say what was not searched."""
        if self.hint and not self.result_count:
            return self.hint
        if self.days and not self.result_count:
            return f"Only the last {self.days} days were searched."
        return ""
