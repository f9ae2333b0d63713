"""Filters of the ledger's lists, none of which reads the lists' tables: Django's own filter by value reads every row."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.http import urlencode

from backoffice.filters import DaysFilter, NewestFilter, RelatedFilter
from ledger.models import Cap

FIRST_AT = "SELECT first FROM ledger_recorded_between(%(moment)s, %(moment)s, 1)"


class CurrencyFilter(admin.SimpleListFilter):
    """By currency, of those that the ledger keeps."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the currencies that have a cap."""
        return [(code, code) for code in Cap.objects.values_list("currency", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        return queryset.filter(currency=self.value()) if self.value() else queryset


class AccountFilter(RelatedFilter):
    """By the account, found by its customer."""

    title, field = "customer", "account"


class ByFilter(RelatedFilter):
    """By who did it."""

    title, field = "colleague", "by"


class RecordedFilter(DaysFilter):
    """By when the action was written."""

    title, column = "recorded", "recorded"

    @property
    def advice(self) -> str:
        """Lead from days on which nothing was recorded to what happened on them, which is found by a search."""
        if self.problem or not self.used_parameters:
            return ""
        days = zip(("since", "until"), self.days(), strict=True)
        typed = " ".join(f"{end}:{day}" for end, day in days if day)
        if not typed:
            return ""
        told = 'Nothing that you see was recorded on these days. <a href="?{}">Look for what happened on them</a>.'
        return format_html(told, urlencode({"q": typed}))

    def key_at(self, moment: datetime, using: str) -> int | None:
        """Return the key of the first action recorded then or later, whoever may see it, or the next one. One query."""
        with connections[using].cursor() as cursor:
            cursor.execute(FIRST_AT, {"moment": moment})
            [(key,)] = cursor.fetchall()
        return int(key)


class PlacedFilter(RecordedFilter):
    """By when the hold was written: its key is that of the action that placed it."""

    column = "placed__recorded"


class NewestActions(NewestFilter):
    """How far to look through actions: those of an account have an index."""

    cheap = frozenset({"account__id__exact"})
