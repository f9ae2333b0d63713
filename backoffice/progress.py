"""How far something that goes on by itself has come, for the script of its page: `static/console/progress.js`.

The script asks again and again, so the record keeps no view of it (`audit.middleware`). Bulk runs and imports have one each.
"""

from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse

from backoffice.views import RowPage


class Come(NamedTuple):
    """How far: whether it goes on, and how many of all are done."""

    running: bool
    settled: int
    total: int


class ProgressPage(RowPage):
    """The numbers of one row."""

    def come(self, row: Any) -> Come:
        """Return how far it has come."""
        raise NotImplementedError

    def get(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Answer with numbers."""
        return JsonResponse(self.come(self.row(object_id))._asdict())
