"""How long a list is, without counting its table: `COUNT(*)` of ten million rows takes longer than all the rest of a page.

- Of a table that the reader sees whole, and nothing of which was left out: what PostgreSQL's statistics say, "about 9,980,000".
  To somebody who sees a part of it, that would tell of the others' rows.
- Of anything else, a count that ends at MOST, without order and joins that decide nothing: "10,000+".
"""

from typing import Any

from django.core.paginator import Paginator
from django.db import connections
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property

MOST = 10_000
EXACT = 3  # figures of an estimate that are told
ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"


class Exactly(int):
    """A number as it is, written as those beside it are that are not the whole truth: 5,240."""

    def __str__(self) -> str:
        return f"{int(self):,}"


class AtLeast(int):
    """A number that is not the whole truth, written with a plus: 10,000+."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class About(int):
    """A number that statistics say, told with few figures: about 9,980,000."""

    def __str__(self) -> str:
        places = EXACT - len(f"{int(self)}")
        return f"about {round(int(self), min(places, 0)):,}"


def counted(rows: QuerySet[Any]) -> int:
    """Return the number of rows where it is at most MOST, else "MOST+". One bounded query."""
    number = int(rows.order_by()[: MOST + 1].count())
    return Exactly(number) if number <= MOST else AtLeast(MOST)


def estimated(model: type[Model], using: str) -> int | None:
    """Return about how many rows a table has, or None where that is not known or few enough to count. One query."""
    with connections[using].cursor() as cursor:
        cursor.execute(ESTIMATE, [model._meta.db_table])
        [(number,)] = cursor.fetchall()
    return About(number) if number > MOST else None


class CappedPaginator(Paginator[Any]):
    """A paginator that counts as far as anybody pages: of the search behind a field."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows where it is at most MOST, else "MOST+"."""
        return counted(self.object_list)  # type: ignore[arg-type]  # the stubs allow for lists
