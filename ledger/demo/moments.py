"""When something happens on an account, and what kind of thing: what comes every month first, the rest in between."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, islice
from operator import attrgetter
from random import Random
from typing import NamedTuple

from ledger.demo import kinds
from ledger.demo.kinds import Kind, Monthly

REGULAR = 0.45  # the part of all movements that come every month, at most
AFTER_OPENING = timedelta(minutes=5)
WEIGHTS = list(accumulate(kind.weight for kind in kinds.INCIDENTAL))


class Moment(NamedTuple):
    """A movement to come; `monthly` ones are alike each time."""

    time: datetime
    kind: Kind
    monthly: bool = False


def moments(dice: Random, opened: datetime, last: datetime, number: int) -> list[Moment]:
    """Return `number` movements between opening and `last`, in order; the first one puts money in."""
    if number <= 0:
        return []
    opening = Moment(opened + AFTER_OPENING, kinds.OPENING)
    regular = list(islice(_regular(dice, opening.time, last), int((number - 1) * REGULAR)))
    between = [_incidental(dice, opening.time, last) for _ in range(number - 1 - len(regular))]
    return [opening, *sorted(regular + between, key=attrgetter("time"))]


def _regular(dice: Random, first: datetime, last: datetime) -> Iterator[Moment]:
    """Give what comes every month: all salaries before the first rent, the latest before earlier ones."""
    for monthly in kinds.MONTHLY:
        month = last.replace(day=1)
        while month > first:
            time = _in_month(dice, month, monthly)
            if first < time < last:
                yield Moment(time, monthly.kind, monthly=True)
            month = (month - timedelta(days=1)).replace(day=1)


def _in_month(dice: Random, month: datetime, monthly: Monthly) -> datetime:
    return _at_hours(dice, month.replace(day=monthly.day + dice.randrange(3)), monthly.kind)


def _incidental(dice: Random, first: datetime, last: datetime) -> Moment:
    [kind] = dice.choices(kinds.INCIDENTAL, cum_weights=WEIGHTS)
    any_time = first + timedelta(seconds=int((last - first).total_seconds() * dice.random()))
    time = _at_hours(dice, any_time, kind)
    return Moment(time if first < time < last else any_time, kind)


def _at_hours(dice: Random, day: datetime, kind: Kind) -> datetime:
    from_hour, until_hour = kind.hours
    return day.replace(hour=dice.randrange(from_hour, until_hour), minute=dice.randrange(60), second=dice.randrange(60))
