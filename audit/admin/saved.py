"""Searches that a reviewer keeps: saved under a name, deleted again, seen by nobody else.

They are a reader's own convenience: nobody is asked why, and the record says what for.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.hidden import NAMES
from audit.models import SavedSearch
from audit.record import record
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.reason import give_reason
from backoffice.views import BaseView

MOST = 50  # searches of one person


class SavedSearchForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A name and a query string."""

    class Meta:
        model = SavedSearch
        fields = ("name", "query")

    def clean_query(self) -> str:
        """Keep what asks for something, and no secrets."""
        pairs = parse_qsl(self.cleaned_data["query"])
        return urlencode([(name, value) for name, value in pairs if not NAMES.search(name)])


class SearchPage(BaseView):
    """What saving and deleting share: POST only, back to the log."""

    guard = StaffGuard() & PermissionGuard("audit.view_event")
    http_method_names = ["post"]
    model_admin: Any = None

    @property
    def own(self) -> Any:
        """The searches of this very person."""
        return SavedSearch.objects.filter(user_id=self.request.user.pk or 0)

    def back(self, query: str = "") -> HttpResponse:
        """Go back to the log."""
        page = reverse("console:audit_event_changelist")
        return HttpResponseRedirect(f"{page}?{query}" if query else page)


class SaveSearch(SearchPage):
    """Keep a search; one of the same name is replaced."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save it and show it."""
        form = SavedSearchForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Give the search a name, of 80 characters at most.")
            return self.back()
        name, query = form.cleaned_data["name"], form.cleaned_data["query"]
        if self.own.exclude(name=name).count() >= MOST:
            messages.error(request, f"{MOST} searches can be kept: delete one first.")
            return self.back(query)
        give_reason(f"To look again: “{name}”", using="default")
        _, new = SavedSearch.objects.update_or_create(
            user_id=request.user.pk or 0, name=name, defaults={"query": query}
        )
        record("search.saved", data={"name": name, "query": query}, using="default")
        messages.success(request, f"The search “{name}” is saved." if new else f"The search “{name}” is replaced.")
        return self.back(query)


class DeleteSearch(SearchPage):
    """Give a search up."""

    def post(self, request: HttpRequest, search_id: int) -> HttpResponse:
        """Delete it."""
        search = self.own.filter(pk=search_id).first()
        if search is None:
            raise Http404("You have no such search.")
        give_reason(f"Not needed any more: “{search.name}”", using="default")
        record("search.deleted", data={"name": search.name, "query": search.query}, using="default")
        search.delete()
        messages.success(request, f"The search “{search.name}” is deleted.")
        return self.back()
