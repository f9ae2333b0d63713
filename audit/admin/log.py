"""A page of the event log: its events with their sentences, and what was not searched."""

from django.http import HttpRequest

from audit.sentences import as_lines
from backoffice.admin import ConsoleList


class EventList(ConsoleList):
    """Nothing is counted: the log is the longest of all lists, and nobody asks how long."""

    counts = False

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, then what it speaks of, together."""
        super().get_results(request)
        lines = as_lines(request, self.model_admin.admin_site, self.result_list)
        for event in self.result_list:
            event.sentence = lines[event.pk]

    @property
    def days(self) -> int:
        """How many days were searched because the reader named no window."""
        return int(self.filter_specs[0].days)  # type: ignore[attr-defined]  # the search form is the one filter

    @property
    def hint(self) -> str:
        """What was typed and means nobody, or nothing."""
        return str(self.filter_specs[0].hint)  # type: ignore[attr-defined]  # as above

    @property
    def everything(self) -> str:
        """The same search without a window."""
        return self.get_query_string({"window": "all"})

    @property
    def advice(self) -> str:
        """Say what was not searched."""
        if self.hint and not self.result_list:
            return self.hint
        if self.days and not self.result_list:
            return f"Only the last {self.days} days were searched."
        return ""
