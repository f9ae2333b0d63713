"""How the reader of a list has it: the views to choose from, the one that is shown, and the columns.

Of the console's lists; the sandbox's are as the code has them. `?view=` names the view that a page is of, and lasts while its
filters are changed; a list that is opened without any query begins with the view that its reader chose for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from backoffice.models import ListChoice, SavedView, User

VIEW = "view"
SHARE = "backoffice.share_view"
PLAIN = "all="  # the query of a list as it is, which no view takes the place of


@dataclass
class Arrangement:
    """What one person has for one list. Two queries, asked once a request."""

    views: list[SavedView] = field(default_factory=list)
    choice: ListChoice | None = None
    shown: SavedView | None = None

    @property
    def opens(self) -> SavedView | None:
        """The view that the list begins with, of those that there are for its reader."""
        key = self.choice and self.choice.opens_id
        return next((view for view in self.views if view.pk == key), None) if key else None

    @property
    def columns(self) -> list[str]:
        """The names of the columns that were chosen; none: those of the list."""
        if self.shown and self.shown.columns:
            return self.shown.columns
        return self.choice.columns if self.choice else []


def of(request: HttpRequest, model_admin: Any) -> Arrangement:
    """Return what the reader has for the list of a ModelAdmin."""
    if not getattr(model_admin.admin_site, "keeps_views", False):
        return Arrangement()
    kept: dict[str, Arrangement] = request.__dict__.setdefault("_arrangements", {})
    label = model_admin.opts.label_lower
    if label not in kept:
        kept[label] = _asked(request, label)
    return kept[label]


def address(view: SavedView) -> str:
    """Return the query of a list that shows a view."""
    return "&".join(filter(None, (f"{VIEW}={view.pk}", view.query)))


def views_of(request: HttpRequest) -> QuerySet[SavedView]:
    """Return the views of a person and of that person's teams, of all teams for superusers. No query by itself."""
    teams = Q(person=None) if request.user.is_superuser else Q(team__user=request.user.pk)
    return SavedView.objects.filter(Q(person=request.user.pk) | teams)


def teams_of(request: HttpRequest) -> QuerySet[Group]:
    """Return the teams that a person keeps views for: the own ones, all of them for superusers. No query by itself."""
    user = cast("User", request.user)
    if not user.has_perm(SHARE):
        return Group.objects.none()
    return (Group.objects.all() if user.is_superuser else user.groups.all()).order_by("name")


def _asked(request: HttpRequest, label: str) -> Arrangement:
    views = list(views_of(request).filter(label=label).select_related("team"))
    shown = request.GET.get(VIEW, "")
    return Arrangement(
        views,
        ListChoice.objects.filter(person=request.user.pk, label=label).first(),
        next((view for view in views if str(view.pk) == shown), None),
    )


def arranged(every: Sequence[Any], fixed: Sequence[Any], chosen: Sequence[str]) -> list[Any]:
    """Return those of the columns that were chosen, in that order, and before them those that cannot be left out."""
    by_name = {name_of(column): column for column in every}
    names = dict.fromkeys([*(name_of(column) for column in fixed), *chosen])
    return [by_name[name] for name in names if name in by_name]


def name_of(column: Any) -> str:
    """Return what a column is called: a function by its name."""
    return column if isinstance(column, str) else str(column.__name__)
