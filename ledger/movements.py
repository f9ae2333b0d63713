"""What was booked today, by type and currency, beside what is usual: the same weekday of the last WEEKS, until the same hour.

Booked is when the database wrote it (`recorded`), found by the time in public ids, given in the same statement or just
after: the only index by time that actions have, as one more would cost every posting. Only what is seen is counted (row-level security), and at most MOST actions a
day: where today had more, the latest of them are counted, and the same stretch of the other days.

Books that were brought from elsewhere were all written on one day. So where nothing was booked on any of the earlier days,
these and today are told by when things happened (`created`), as far as the latest BROUGHT actions know: no index knows that
time, and they are read one by one.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections
from django.utils import timezone

from backoffice.grants import within
from ledger.choices import ActionType
from ledger.rules import EFFECTS

MOST = 3_000  # actions of a day: a few milliseconds for each thousand
BROUGHT = 50_000  # actions that are read where none was booked on the days before: some twenty milliseconds
WEEKS = 4
WEEK, HOUR = timedelta(weeks=1), timedelta(hours=1)
TICK = timedelta(milliseconds=1)  # as fine as the time in a public id
MOVING = tuple(kind for kind in ActionType if kind in EFFECTS.keys() - {ActionType.HELD})
BEFORE = "SELECT uid FROM ledger_action WHERE uid >= %s AND uid < %s ORDER BY uid DESC OFFSET %s LIMIT 1"
# Of each day twice: by type and currency, and by the hour; one pass over the index gives both.
SUMS = """
    SELECT s.n, a.type, a.currency, a.hour, count(*), count(*) FILTER (WHERE a.type = ANY (%s)), sum(a.delta)
    FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::uuid[]) s (n, begun, at, since, until)
    CROSS JOIN LATERAL (
        SELECT type, currency, delta, floor(extract(epoch FROM uuid_extract_timestamp(uid) - s.begun) / 3600)::int AS hour
        FROM ledger_action WHERE uid >= s.since AND uid < s.until AND recorded >= s.at AND {mine}
        ORDER BY uid DESC LIMIT %s) a
    GROUP BY GROUPING SETS ((s.n, a.type, a.currency), (s.n, a.hour))
"""
# The same by when it happened, of the latest actions.
HAPPENED = """
    SELECT s.n, a.type, a.currency, floor(extract(epoch FROM a.created - s.begun) / 3600)::int AS hour,
           count(*), count(*) FILTER (WHERE a.type = ANY (%s)), sum(a.delta)
    FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) s (n, begun, until)
    JOIN (SELECT type, currency, delta, created FROM ledger_action WHERE {mine} ORDER BY id DESC LIMIT %s) a
        ON a.created >= s.begun AND a.created <= s.until
    GROUP BY GROUPING SETS ((s.n, a.type, a.currency), (s.n, hour))
"""


class Sum(NamedTuple):
    """How many actions, and what they come to in units of their currency."""

    number: Decimal
    total: Decimal


NOTHING = Sum(Decimal(0), Decimal(0))
Kind = tuple[str, str]  # currency and type


class Found(NamedTuple):
    """What was booked so many weeks ago: of one type and currency, or within one hour of the day."""

    week: int
    type: str | None
    currency: str | None
    hour: int | None
    number: int
    moved: int  # without what moves no money
    total: Decimal


class Today(NamedTuple):
    """What was booked since a moment of today. `usual` is an average of `weeks` earlier days; nothing where those are none."""

    since: datetime
    whole: bool  # since midnight; else the latest MOST
    weeks: int
    crowded: bool  # whether a day before had more than MOST, so that no average is told
    happened: bool  # all of it by when it happened
    booked: dict[Kind, Sum]
    usual: dict[Kind, Sum]
    by_hour: list[tuple[Decimal, Decimal]]  # how many within each hour of the day until now, and how many usually

    @property
    def kinds(self) -> list[Kind]:
        """What there is to tell of, the most frequent first."""

        def often(kind: Kind) -> Decimal:
            return max(self.booked.get(kind, NOTHING).number, self.usual.get(kind, NOTHING).number)

        return sorted({*self.booked, *self.usual}, key=lambda kind: (-often(kind), kind))


def uid_of(moment: datetime) -> UUID:
    """Return the least public id that the database gives at a moment, to the millisecond."""
    milliseconds = max(0, round(moment.timestamp() * 1000))
    return UUID(f"{milliseconds:012x}70008000000000000000")


def moment_of(uid: UUID) -> datetime:
    """Return when the database gave a public id, to the millisecond."""
    return datetime.fromtimestamp((uid.int >> 80) / 1000, tz=timezone.get_current_timezone())


def midnight(now: datetime) -> datetime:
    """Return when the day began, in the zone of the site."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def today(now: datetime, using: str, entities: list[int] | None = None) -> Today:
    """Return what was booked today until now, of these entities or all that are seen.

    One query of at most MOST actions a day, up to three more on an odd day.
    """
    # As row-level security says; said to the planner too, which then knows how rare they are.
    mine = "true" if entities is None else within("entity_id", entities)
    begun = midnight(now)
    since, found = begun, _sums(begun, timedelta(0), now - begun, using, mine)
    brought = [] if any(one.week for one in found) else _brought(begun, now, using, mine)
    if happened := any(one.week for one in brought):
        found = brought
    elif _many(found, 0):
        since = _latest(begun, now, using)
        found = _sums(begun, since - begun, now - begun, using, mine)
    weeks = max((one.week for one in found), default=0)
    crowded = not happened and any(_many(found, week) for week in range(1, weeks + 1))
    weeks = 0 if crowded else weeks
    return Today(
        since=since,
        whole=since == begun,
        weeks=weeks,
        crowded=crowded,
        happened=happened,
        booked=_by_kind(found, [0]),
        usual=_by_kind(found, range(1, weeks + 1)),
        by_hour=_by_hour(found, weeks, range((since - begun) // HOUR, (now - begun) // HOUR + 1)),
    )


def _many(found: Iterable[Found], week: int) -> bool:
    return sum(one.number for one in found if one.week == week and one.type) > MOST


def _by_kind(found: Iterable[Found], weeks: Sequence[int]) -> dict[Kind, Sum]:
    """Return the average of the weeks by currency and type."""
    sums: dict[Kind, Sum] = {}
    for one in found:
        if one.week in weeks and one.currency and one.type in MOVING:
            number, total = sums.get((one.currency, one.type), NOTHING)
            average = Sum(number + Decimal(one.moved) / len(weeks), total + one.total / len(weeks))
            sums[one.currency, one.type] = average
    return sums


def _by_hour(found: Iterable[Found], weeks: int, hours: range) -> list[tuple[Decimal, Decimal]]:
    """Return for each hour how many moved money today, and the average of the weeks."""
    booked, usual = dict.fromkeys(hours, Decimal(0)), dict.fromkeys(hours, Decimal(0))
    for one in found:
        if one.hour in booked and one.week <= weeks:
            (usual if one.week else booked)[one.hour] += Decimal(one.moved) / (weeks if one.week else 1)
    return list(zip(booked.values(), usual.values(), strict=True))


def _latest(begun: datetime, now: datetime, using: str) -> datetime:
    """Return since when at most MOST of today's actions were booked."""
    with connections[using].cursor() as cursor:
        cursor.execute(BEFORE, [uid_of(begun), uid_of(now + TICK), MOST])
        [(uid,)] = cursor.fetchall()
    return moment_of(uid) + TICK


def _brought(begun: datetime, now: datetime, using: str, mine: str) -> list[Found]:
    """Return what happened until this hour today and on the same weekdays before, of the latest actions."""
    days = [begun - week * WEEK for week in range(WEEKS + 1)]
    given: list[Any] = [list(MOVING), list(range(len(days))), days, [day + (now - begun) for day in days], BROUGHT]
    with connections[using].cursor() as cursor:
        cursor.execute(HAPPENED.format(mine=mine), given)
        return [Found(*row) for row in cursor.fetchall()]


def _sums(begun: datetime, after: timedelta, until: timedelta, using: str, mine: str) -> list[Found]:
    """Return what was booked within a stretch of today and of the same weekdays before."""
    days = [begun - week * WEEK for week in range(WEEKS + 1)]
    begins = [day + after for day in days]
    ends = [uid_of(day + until + TICK) for day in days]
    given: list[Any] = [
        list(MOVING),
        list(range(len(days))),
        days,
        begins,
        [uid_of(moment) for moment in begins],
        ends,
        MOST + 1,
    ]
    with connections[using].cursor() as cursor:
        cursor.execute(SUMS.format(mine=mine), given)
        return [Found(*row) for row in cursor.fetchall()]
