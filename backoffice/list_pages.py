"""Keeping views of lists, choosing columns: what is sent to them changes how lists are shown, and nothing that they show.

All by POST, and back to the list. A team's views are kept by who may `share_view` and is in the team; everybody in it sees
them. They are conveniences: nobody is asked why, and the record says what for.
"""

from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from audit.hidden import NAMES
from audit.record import record
from backoffice import arrangement
from backoffice.arrangement import PLAIN, VIEW, name_of
from backoffice.guards import Guard, PersonGuard, StaffGuard
from backoffice.keyset import AFTER, BEFORE
from backoffice.models import ListChoice, SavedView, User
from backoffice.models.saved_view import NAME, QUERY
from backoffice.reason import give_reason
from backoffice.views import BaseView

MOST = 50  # views of one person or one team for a list
WRONG = {
    "name": f"Give the view a name, of {NAME} characters at most.",
    "team": "Choose a team whose views you keep, or keep the view for yourself.",
}
TAKEN = "There is a view “{}” already: choose another name."
SHOW_IT = " To replace that one, show it first, and keep it from there."
TOO_LONG = "What the list asks for is too long to be kept as a view: ask for less."
PASSING = {AFTER, BEFORE, VIEW, "e"}  # what no view keeps: where somebody had turned to


class ListGuard(PersonGuard):
    """Passes who may look at the list that the address names."""

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        model_admin = admin_of(str(kwargs["label"]))
        return model_admin is not None and bool(model_admin.has_view_or_change_permission(request))


def admin_of(label: str) -> Any:
    """Return the console's ModelAdmin of a model, or None."""
    from django.contrib.admin import site  # noqa: PLC0415  its registry is complete once all apps are loaded

    return next((page for model, page in site._registry.items() if model._meta.label_lower == label), None)


class ViewForm(forms.Form):
    """A name, what is shown, and for whom."""

    name = forms.CharField(max_length=NAME)
    query = forms.CharField(max_length=QUERY, required=False)
    team = forms.ModelChoiceField(Group.objects.none(), required=False)

    def __init__(self, data: Any, *, teams: QuerySet[Group]) -> None:
        super().__init__(data)
        cast("forms.ModelChoiceField[Group]", self.fields["team"]).queryset = teams

    def clean_query(self) -> str:
        """Keep what asks for something, and no secrets."""
        return kept_query(self.cleaned_data["query"])


def kept_query(query: str) -> str:
    """Return a query without secrets, and without the place that somebody had turned to."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name not in PASSING and not NAMES.search(name)])


class ListPage(BaseView):
    """What they share: POST only, and back to the list."""

    http_method_names = ["post"]

    def back(self, label: str, query: str = "") -> HttpResponse:
        """Go back to the list."""
        page = reverse(f"console:{label.replace('.', '_')}_changelist")
        return HttpResponseRedirect(f"{page}?{query or PLAIN}")

    def teams(self, label: str) -> QuerySet[Group]:
        """Return the teams that the person keeps views for."""
        return Group.objects.filter(pk__in=[team.pk for team in arrangement.of_list(self.request, label).teams])

    def choose(self, label: str, **of: Any) -> None:
        """Remember what the person chose for a list."""
        ListChoice.objects.update_or_create(person_id=self.request.user.pk, label=label, defaults=of)

    def shown(self, view: SavedView) -> HttpResponse:
        """Show a view."""
        return self.back(view.label, arrangement.address(view))


class ChooseColumns(ListPage):
    """Remember which columns a person wants to see; a view that is shown has its own, and is left."""

    guard: ClassVar[Guard] = StaffGuard() & ListGuard()

    def post(self, request: HttpRequest, label: str) -> HttpResponse:
        """Keep those that there are; none, and so those of the list, where the button says so."""
        there = {name_of(column) for column in admin_of(label).every_column(request)}
        chosen = dict.fromkeys(() if "default" in request.POST else request.POST.getlist("column"))
        self.choose(label, columns=[name for name in chosen if name in there])
        return self.back(label, kept_query(request.POST.get("query", "")[:QUERY]))


class KeepView(ListPage):
    """Keep what is shown under a name; the view that is shown is replaced, and no two that somebody sees are called alike."""

    guard: ClassVar[Guard] = StaffGuard() & ListGuard()

    def post(self, request: HttpRequest, label: str) -> HttpResponse:
        """Keep it and show it."""
        form = ViewForm(request.POST, teams=self.teams(label))
        if not form.is_valid():
            messages.error(request, " ".join(WRONG[field] for field in form.errors if field in WRONG) or TOO_LONG)
            return self.again(label, kept_query(request.POST.get("query", "")[:QUERY]))
        team, name, query = (form.cleaned_data[field] for field in ("team", "name", "query"))
        whose = {"team": team} if team else {"person_id": request.user.pk}
        if SavedView.objects.filter(label=label, **whose).exclude(name=name).count() >= MOST:
            messages.error(request, f"{MOST} views can be kept: delete one first.")
            return self.again(label, query)
        if taken := self.taken(label, name, team):
            messages.error(request, taken)
            return self.again(label, query)
        give_reason(f"To look again: “{name}”", using="default")
        now = {"query": query, "columns": arrangement.of(request, admin_of(label)).columns}
        view, new = SavedView.objects.update_or_create(label=label, name=name, **whose, defaults=now)
        record("search.saved", data=_told(view), using="default")
        messages.success(request, f"The view “{name}” is {'kept' if new else 'replaced'}.")
        return self.shown(view)

    def again(self, label: str, query: str) -> HttpResponse:
        """Go back to the list after a refusal, with the view that it shows: the next try is from there too."""
        shown = arrangement.of_list(self.request, label).shown
        return self.back(label, arrangement.address(shown._replace(query=query)) if shown else query)

    def taken(self, label: str, name: str, team: Group | None) -> str:
        """Say that another view that the person sees is called so, in whatever case; the one that is shown is replaced.

        Only the very view that would be kept can be shown and replaced: the person's own, or one of a team that they keep.
        """
        found, this = arrangement.of_list(self.request, label), (name, team.pk if team else None)
        alike = [one for one in found.views if one.name.casefold() == name.casefold()]
        others = [one for one in alike if one != found.shown or (one.name, one.team_id) != this]
        replaceable = all((one.name, one.team_id) == this for one in others)
        return TAKEN.format(name) + (SHOW_IT if replaceable else "") if others else ""


class ChangeView(ListPage):
    """Begin its list with a view, or no longer, or give the view up."""

    guard: ClassVar[Guard] = StaffGuard()

    def post(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """Do what the button says; of a team's view only who keeps views for it deletes it."""
        view = SavedView.objects.filter(pk=view_id).first()
        if view is None or view.pk not in {one.pk for one in arrangement.of_list(request, view.label).views}:
            raise Http404("You have no such view.")
        match request.POST.get("deed"):
            case "open":
                self.choose(view.label, opens=view)
            case "close":
                self.choose(view.label, opens=None)
            case "delete":
                return self._deleted(view)
        return self.shown(view)

    def _deleted(self, view: SavedView) -> HttpResponse:
        if view.team_id is not None and not self.teams(view.label).filter(pk=view.team_id).exists():
            messages.error(self.request, f"The view “{view}” is the team's: who keeps its views can delete it.")
            return self.shown(view)
        give_reason(f"Not needed any more: “{view}”", using="default")
        record("search.deleted", data=_told(view), using="default")
        view.delete()
        messages.success(self.request, f"The view “{view}” is deleted.")
        return self.back(view.label)


def _told(view: SavedView) -> dict[str, Any]:
    """Return what the record says of a view: all of it, as it has no versions."""
    team = {"team": view.team.name} if view.team else {}
    return {"name": view.name, "query": view.query, "list": view.label, "columns": view.columns, **team}


def pages() -> list[URLPattern]:
    """Return the addresses, below the console's path."""
    return [
        path("lists/<str:label>/columns/", ChooseColumns.as_view(), name="list_columns"),
        path("lists/<str:label>/views/", KeepView.as_view(), name="list_keep_view"),
        path("lists/views/<int:view_id>/", ChangeView.as_view(), name="list_change_view"),
    ]
