"""The list of a model: what it shows, and what it says of what it did not show or could not find."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from audit.moment import NAME as AS_OF
from audit.moment import moment_of, page_then, problem_of
from backoffice.paging import MOST, AtLeast

if TYPE_CHECKING:
    from backoffice.admin.base import ConsoleAdmin


class ConsoleList(ChangeList):
    """A list that says what it did not show, or could not find, and can be of a moment of the past."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Go back to the plain list where the past cannot be sorted or filtered as asked."""
        try:
            return super().get_queryset(request, exclude_parameters)
        except FieldError as error:
            raise IncorrectLookupParameters(error) from error

    @property
    def moment(self) -> Any:
        """The moment that the list is of, or None for today."""
        return moment_of(self)

    @property
    def problem(self) -> str:
        """Why nothing is shown of what was asked for, or nothing."""
        return problem_of(self)

    def url_for_result(self, result: Model) -> str:
        """Lead from a row of the past to its history at that moment."""
        if self.moment is None:
            return super().url_for_result(result)
        return page_then(self, result, self.params[AS_OF])

    @property
    def advice(self) -> str:
        """Return what helps the reader on, or nothing."""
        if not self.result_count and self.query:
            return cast("ConsoleAdmin", self.model_admin).search_advice(self.query)
        if isinstance(self.result_count, AtLeast):
            return f"The pages hold the first {MOST:,}. Search, filter or sort the other way to see the others."
        return ""
