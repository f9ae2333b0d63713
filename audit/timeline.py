"""What happened to an object, as lines of a timeline: its versions, what was linked to it, and its events.

Every lookup is batched: versions and events take the same queries however many they are. The page goes back in time by the
moment of its last line; what happened at that very moment is told apart by how much of it was shown (`Since`).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite
from django.db import OperationalError, models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit import origin
from audit.models import Event
from audit.names import Key, Names, key_of, look_up, person
from audit.personal import MASK, may_see, personal_columns
from audit.sentences import NAMELESS, as_lines, in_words

PAGE = 100  # lines of a timeline
MOST_SHOWN = 10_000  # lines of one moment
DEED = {"+": "Created", "-": "Deleted"}
LOOKED = ("object.viewed", "export.downloaded", "list.viewed")
TOLD_OTHERWISE = ("change.", "ledger.posted")  # by versions, and by the object's actions


class Line(NamedTuple):
    """What happened, when, by whom; `version` numbers the rows that can be compared, `url` leads to the event."""

    when: datetime
    who: str
    text: str | SafeString
    reason: str = ""
    version: int | None = None
    url: str = ""


class Until(NamedTuple):
    """Where a page of a timeline begins: at what happened until a moment, without the lines of that moment shown before."""

    moment: datetime | None = None
    shown: int = 0

    def __str__(self) -> str:
        return f"{self.moment.isoformat()} {self.shown}" if self.moment else ""

    @classmethod
    def read(cls, text: str) -> "Until":
        """Return what a parameter says; the newest page where it says nothing that can be read."""
        moment, _, shown = text.rpartition(" ")
        try:
            until = cls(datetime.fromisoformat(moment), max(0, min(int(shown), MOST_SHOWN)))
        except ValueError:
            return cls()
        return until if until.moment and until.moment.tzinfo else cls()

    def of(self, rows: Any, field: str) -> Any:
        """Return what a source, newest first, can give to the page, and one row more."""
        narrowed = rows.filter(**{f"{field}__lte": self.moment}) if self.moment else rows
        return narrowed[: self.shown + PAGE + 1]

    def page(self, lines: Iterable[Line]) -> "tuple[list[Line], Until | None]":
        """Return the page, newest first, and where the next one begins, if there is one."""
        latest = sorted(lines, key=lambda line: line.when, reverse=True)[self.shown :]
        page = latest[:PAGE]
        if len(latest) <= PAGE:
            return page, None
        last = page[-1].when
        before = self.shown if last == self.moment else 0
        return page, Until(last, before + sum(line.when == last for line in page))


class Difference(NamedTuple):
    """A field of two versions."""

    label: str
    old: str
    new: str


class Words:
    """Values of versions in words, for one reader: relations by what they point at, personal ones masked."""

    def __init__(self, request: HttpRequest, site: AdminSite, model: type[models.Model], rows: Sequence[Any]) -> None:
        self.hidden = frozenset() if may_see(request) else personal_columns(model)
        self.names: Names = look_up(request, site, _pointed_at(rows))

    def of(self, row: Any, field: Any) -> str:
        """Return a field's value."""
        found = getattr(row, field.attname)
        return (
            MASK
            if field.column in self.hidden and found
            else in_words(field, found, self.names, getattr(row, "currency", ""))
        )


def _pointed_at(rows: Sequence[Any]) -> Iterator[Key]:
    for row in rows:
        for field in row.tracked_fields:
            if key := key_of(field, getattr(row, field.attname)):
                yield key


def changed_fields(old: Any, new: Any) -> list[Any]:
    """Return the captured fields in which two versions differ."""
    return [field for field in new.tracked_fields if getattr(old, field.attname) != getattr(new, field.attname)]


def compared(old: Any, new: Any, words: Words) -> list[Difference]:
    """Return the fields that differ, with both values."""
    return [
        Difference(str(field.verbose_name), words.of(old, field), words.of(new, field))
        for field in changed_fields(old, new)
    ]


def who_of(row: Any) -> str:
    """Return who made a version: a person, or the role and program that wrote it past the site."""
    return origin.told(row.history_source, person(row.history_user) if row.history_user else "") or NAMELESS


def version_lines(rows: Sequence[Any], words: Words) -> Iterator[Line]:
    """Tell versions, newest first, each by what it changed; the last is the first there was, or not on the page."""
    for new, old in pairwise([*rows, None]):
        text: str | SafeString = DEED.get(new.history_type, "Changed")
        if new.history_type == "~" and old is not None:
            parts = [(each.label, each.old, each.new) for each in compared(old, new, words)]
            text = format_html("Changed {}", format_html_join("; ", "{} from {} to {}", parts))
        text = format_html("{}{}", text, origin.badge(new.history_source))
        yield Line(new.history_date, who_of(new), text, new.history_change_reason, new.history_id)


def link_lines(manager: Any, owner: str, other: str, obj: models.Model, until: Until) -> Iterator[Line]:
    """Tell when an object came to belong to something and when it ceased to, from the rows of a link table."""
    for row in until.of(manager.filter(**{owner: obj}).select_related(other, "history_user"), "history_date"):
        text = format_html("{} {}", "Taken into" if row.history_type == "+" else "Taken out of", getattr(row, other))
        yield Line(row.history_date, who_of(row), text, row.history_change_reason)


def event_lines(
    request: HttpRequest, site: AdminSite, obj: models.Model, until: Until, *, looks: bool = True
) -> list[Line] | None:
    """Tell who saw the object, unless without `looks`, and what else was recorded of it; None where the event store is away.

    What its versions and actions tell is left out.
    """
    of_object = Event.objects.filter(object_type=obj._meta.label_lower, object_id=str(obj.pk))
    others = of_object.exclude(data__has_key="database")
    for told in TOLD_OTHERWISE:
        others = others.exclude(type__startswith=told)
    others = others if looks else others.exclude(type__in=LOOKED)
    try:
        events = list(until.of(others, "created"))
    except OperationalError:
        return None
    sentences = as_lines(request, site, events)
    return [
        Line(
            event.created,
            event.who,
            format_html("{}{}", sentences[event.pk], origin.badge(event.data.get("source", ""))),
            event.reason,
            url=reverse(f"{site.name}:audit_event_change", args=[event.pk]),
        )
        for event in events
    ]
