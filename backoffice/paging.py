"""Pages of a list without counting its table: `COUNT(*)` of ten million rows takes longer than all the rest of a page.

Rows are counted up to MOST, without order and joins that decide nothing, and a longer list says "10,000+". Its pages end
there too: every page that is offered exists and costs the same, and nobody turns four hundred of them. Who looks for
other rows searches, filters, or sorts the other way round.
"""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

MOST = 10_000


class AtLeast(int):
    """A number that is not the whole truth, written with a plus: 10,000+."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class CappedPaginator(Paginator[Any]):
    """A paginator that counts as far as anybody pages."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows where it is at most MOST, else "MOST+". One bounded query."""
        rows: Any = self.object_list
        counted = int(rows.order_by()[: MOST + 1].count())
        return counted if counted <= MOST else AtLeast(MOST)
