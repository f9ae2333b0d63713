"""How far something that goes on by itself has come, for the script of its page: `static/console/progress.js`.

The script asks again and again, so the record keeps no view of it (`audit.middleware`). Bulk runs and imports have one each.
"""

from typing import Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from backoffice.views import BaseView


class Come(NamedTuple):
    """How far: whether it goes on, and how many of all are done."""

    running: bool
    settled: int
    total: int


class ProgressPage(BaseView):
    """The numbers of one row."""

    model_admin: Any = None  # of the rows, given to as_view()

    def come(self, row: Any) -> Come:
        """Return how far it has come."""
        raise NotImplementedError

    def get(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Answer with numbers."""
        row = self.model_admin.get_queryset(request).filter(pk=object_id).first()
        if row is None:
            raise Http404(f"There is no such {self.model_admin.opts.verbose_name}.")
        return JsonResponse(self.come(row)._asdict())
