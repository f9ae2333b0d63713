"""The start page: what waits for the reader first, then the day, then how things stand. Apps register what they tell.

    @panel(Place.WAITING, "Mentions", of=Account, needs=("ledger.view_account",))
    def mentions(request, site):
        return Panel("Notes that mention you", [figure(number, "to read", address)], rows)

A source is asked on each site that has pages `of` its model, for readers with one of the permissions that it `needs`: those
to open what it links to. It answers with None where it has nothing to say. Sources of one title
make one panel. Of one place, what calls for the reader stands first, then in the order of registration. What one reads grows with the page and never with the tables. A source that reads what may be slow or away is
`apart`: it gets a savepoint and LONGEST, and what the database refuses it is told in its place and logged. Whatever else
goes wrong is an error of the page.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from django.db import Error, connections, models, transaction
from django.http import HttpRequest
from django.utils.safestring import SafeString

from backoffice.charts import share
from backoffice.paging import AtLeast

if TYPE_CHECKING:
    from backoffice.site import ConsoleSite

logger = logging.getLogger("backoffice.dashboard")
JOBS = "Jobs"  # the panel of what goes on or failed behind the scenes, of whatever app
SHOWN = 5  # rows of what waits; the number above leads to all
LONGEST = 1_000  # milliseconds that a statement of a source that is `apart` may take
LIMITED = "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)"
RESET = "SELECT set_config('statement_timeout', %s, true)"
FAILED = "This could not be read: it took too long, or the database did not answer. Load the page again; if it stays, tell an administrator."  # fmt: skip


class Place(Enum):
    """Where on the page."""

    WAITING = "waiting"
    DAY = "day"
    STANDING = "standing"


class Figure(NamedTuple):
    """A number and the list behind it, none where all of it is on the panel; `kind` is that of a chip, where it calls."""

    said: str
    label: str
    url: str
    kind: str = ""


class Row(NamedTuple):
    """One of what waits, with the way to it."""

    text: str
    url: str
    note: str = ""
    chip: str = ""


class Panel(NamedTuple):
    """What a source tells. `body` is markup of its own; `more` a sentence below."""

    title: str
    figures: Sequence[Figure] = ()
    rows: Sequence[Row] = ()
    body: SafeString = SafeString()
    more: str = ""
    problem: str = ""

    @property
    def calls(self) -> bool:
        """Whether it is for the reader to do something; what is only told stands behind it."""
        return any(one.kind for one in self.figures)


Read = Callable[[HttpRequest, "ConsoleSite"], Panel | None]


class Source(NamedTuple):
    """A registered source; `title` is what its panel is called while it cannot be read."""

    title: str
    of: type[models.Model]
    needs: Sequence[str]
    read: Read
    apart: bool

    def concerns(self, request: HttpRequest, site: "ConsoleSite") -> bool:
        """Whether it is asked at all."""
        return site.is_registered(self.of) and any(map(request.user.has_perm, self.needs))


SOURCES: dict[Place, list[Source]] = {place: [] for place in Place}


def panel(
    place: Place, title: str, *, of: type[models.Model], needs: Sequence[str], apart: bool = False
) -> Callable[[Read], Read]:
    """Register a source."""

    def register(read: Read) -> Read:
        SOURCES[place].append(Source(title, of, needs, read, apart))
        return read

    return register


def figure(number: int, label: str, url: str, kind: str = "") -> Figure:
    """Return a number (`paging.counted`) with its list; one that is zero needs nobody, whatever `kind` says."""
    return Figure(str(number) if isinstance(number, AtLeast) else f"{number:,}", label, url, kind if number else "")


def progress(done: int, whole: int) -> SafeString:
    """Return how much of something is done, as a bar."""
    return share(Decimal(done) / (whole or 1), f"{done:,} of {whole:,} done")


def told(request: HttpRequest, site: "ConsoleSite") -> dict[str, list[Panel]]:
    """Return what all sources tell this reader, by place."""
    found: dict[str, list[Panel]] = defaultdict(list)
    for place, sources in SOURCES.items():
        asked = [source for source in sources if source.concerns(request, site)]
        panels = [_apart(source, request, site) if source.apart else source.read(request, site) for source in asked]
        found[place.value] += sorted(_joined(filter(None, panels)), key=lambda shown: not shown.calls)
    return found


def _joined(panels: Iterable[Panel]) -> Iterable[Panel]:
    """Make one panel of those of one title."""
    by_title: dict[str, Panel] = {}
    for shown in panels:
        before = by_title.get(shown.title, Panel(shown.title))
        by_title[shown.title] = Panel(
            shown.title,
            [*before.figures, *shown.figures],
            [*before.rows, *shown.rows],
            before.body + shown.body,
            " ".join(filter(None, (before.more, shown.more))),
            " ".join(filter(None, (before.problem, shown.problem))),
        )
    return by_title.values()


def _apart(source: Source, request: HttpRequest, site: "ConsoleSite") -> Panel | None:
    try:
        with transaction.atomic(using=site.using), connections[site.using].cursor() as cursor:
            cursor.execute(LIMITED, [str(LONGEST)])
            [(before, _)] = cursor.fetchall()
            shown = source.read(request, site)
            cursor.execute(RESET, [before])
    except Error:
        logger.exception("panel=%s could not be read", source.title)
        return Panel(source.title, problem=FAILED)
    return shown
