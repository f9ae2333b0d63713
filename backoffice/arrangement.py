"""How the reader of a list has it: the views to choose from, the one that is shown, and the columns.

Of the console's lists; the sandbox's are as the code has them. `?view=` names the view that a page is of, and lasts while its
filters are changed; a list that is opened without any query begins with the view that its reader chose for that.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connections
from django.http import HttpRequest

from backoffice.grants import HOME

VIEW = "view"
SHARE = "backoffice.share_view"
PLAIN = "all="  # the query of a list as it is, which no view takes the place of
# The views of a person and of that person's teams, of all teams for superusers; what was chosen for the list; these teams.
ASKED = """
WITH teams AS (
    SELECT id, name FROM auth_group
    WHERE %(all)s OR id IN (SELECT group_id FROM backoffice_user_groups WHERE user_id = %(person)s)
)
SELECT
    (SELECT jsonb_agg(jsonb_build_array(v.id, v.name, v.query, v.columns, v.team_id, teams.name) ORDER BY v.name, v.id)
        FROM backoffice_savedview v LEFT JOIN teams ON teams.id = v.team_id
        WHERE v.label = %(label)s AND (v.person_id = %(person)s OR teams.id IS NOT NULL)),
    (SELECT jsonb_build_array(columns, opens_id) FROM backoffice_listchoice WHERE label = %(label)s AND person_id = %(person)s),
    (SELECT jsonb_agg(jsonb_build_array(id, name) ORDER BY name) FROM teams WHERE %(shares)s)
"""


class View(NamedTuple):
    """A view that is kept: `backoffice.models.SavedView`."""

    pk: int
    name: str
    query: str
    columns: list[str]
    team_id: int | None
    team: str | None


class Team(NamedTuple):
    """A group that its people keep views for."""

    pk: int
    name: str


@dataclass
class Arrangement:
    """What one person has for one list, and the teams that the person keeps views for. One query, asked once a request."""

    views: list[View] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)  # columns
    opens: View | None = None  # the view that the list begins with
    teams: list[Team] = field(default_factory=list)
    shown: View | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the columns that were chosen; none: those of the list."""
        return (self.shown and self.shown.columns) or self.chosen


def of(request: HttpRequest, model_admin: Any) -> Arrangement:
    """Return what the reader has for the list of a ModelAdmin."""
    if not getattr(model_admin.admin_site, "keeps_views", False):
        return Arrangement()
    return of_list(request, model_admin.opts.label_lower)


def of_list(request: HttpRequest, label: str) -> Arrangement:
    """Return what the reader has for the list of that name."""
    kept: dict[str, Arrangement] = request.__dict__.setdefault("_arrangements", {})
    if label not in kept:
        kept[label] = _asked(request, label)
    return kept[label]


def address(view: Any) -> str:
    """Return the query of a list that shows a view."""
    return "&".join(filter(None, (f"{VIEW}={view.pk}", view.query)))


def _asked(request: HttpRequest, label: str) -> Arrangement:
    user: Any = request.user
    about = {"label": label, "person": user.pk, "all": user.is_superuser, "shares": user.has_perm(SHARE)}
    with connections[HOME].cursor() as cursor:
        cursor.execute(ASKED, about)
        views, choice, teams = (json.loads(told or "[]") for told in cursor.fetchall()[0])
    by_key = {str(view[0]): View(*view) for view in views}
    chosen, opens = choice or ([], None)
    shown = request.GET.get(VIEW, "")
    return Arrangement(
        list(by_key.values()), chosen, by_key.get(str(opens)), [Team(*team) for team in teams], by_key.get(shown)
    )


def arranged(every: Sequence[Any], fixed: Sequence[Any], chosen: Sequence[str]) -> list[Any]:
    """Return those of the columns that were chosen, in that order, and before them those that cannot be left out."""
    by_name = {name_of(column): column for column in every}
    names = dict.fromkeys([*(name_of(column) for column in fixed), *chosen])
    return [by_name[name] for name in names if name in by_name]


def name_of(column: Any) -> str:
    """Return what a column is called: a function by its name."""
    return column if isinstance(column, str) else str(column.__name__)
