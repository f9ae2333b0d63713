"""What happens to one account: exactly so many postings after its opening, in order, none that a rule would refuse.

Amounts are whole numbers of the currency's smallest unit until they become postings. A withdrawal that the balance does
not allow becomes smaller, or money coming in, so an account is empty only where its story ends that way.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from backoffice.models import User
from ledger.choices import ActionType
from ledger.demo import kinds
from ledger.demo.kinds import IN, Kind
from ledger.demo.moments import Moment, moments
from ledger.demo.people import Person, digits
from ledger.money import exponent
from ledger.posting import Posting

RICHEST = 19_990_000  # euros: the currencies' maximum balance is twenty millions
LARGEST_TOP_UP = 990_000  # and a million is the most that can be deposited at once
ENOUGH_FOR_FORTUNE = 30  # postings it takes to get there
PAYOUT_LEAVES = 40  # of the smallest unit, less than this on an account that was emptied and kept

PLAIN, THAWED, FROZEN, CLOSED, EMPTIED, RICH = "plain", "thawed", "frozen", "closed", "emptied", "rich"
POSTINGS = {PLAIN: 0, THAWED: 2, FROZEN: 1, CLOSED: 2, EMPTIED: 1, RICH: 1}  # beyond movements
CHANCES = {PLAIN: 85, THAWED: 3, FROZEN: 3, CLOSED: 5, EMPTIED: 4}


class Tellers(NamedTuple):
    """Who posts what."""

    night: User
    desk: Sequence[User]
    supervisors: Sequence[User]


class Story:
    """An account while it is told: its balance moves along."""

    def __init__(self, person: Person, tellers: Tellers) -> None:
        self._person = person
        self._tellers = tellers
        self._dice = person.dice
        self._places = exponent(person.market.currency)
        self._euro = float(person.market.worth) * 10**self._places  # in the smallest unit
        self._balance = 0
        self._habits: dict[tuple[str, ...], tuple[int, str]] = {}

    def told(self, number: int, end: datetime, *, fortune: bool = False) -> Iterator[Posting]:
        """Give `number` postings, all before `end`; `fortune` takes the account near the maximum balance."""
        ending = self._ending(number, fortune=fortune)
        if ending == CLOSED:
            end -= (end - self._person.opened) * self._dice.uniform(0.05, 0.6)
        last = end - timedelta(hours=12)
        plan = moments(self._dice, self._person.opened, last, number - POSTINGS[ending])
        thawed_after = self._dice.randrange(1, len(plan) - 1) if ending == THAWED else None
        for position, moment in enumerate(plan):
            yield self._happened(moment, ending)
            if position == thawed_after:
                gap = plan[position + 1].time - moment.time
                yield self._turned(ActionType.FROZEN, moment.time + gap / 3, kinds.FREEZING)
                yield self._turned(ActionType.UNFROZEN, moment.time + gap * 2 / 3, kinds.UNFREEZING)
        yield from self._ended(ending, last)

    def _ending(self, number: int, *, fortune: bool) -> str:
        if fortune and number >= ENOUGH_FOR_FORTUNE:
            return RICH
        [ending] = self._dice.choices(list(CHANCES), list(CHANCES.values()))
        return ending if number >= POSTINGS[ending] + 3 else PLAIN

    def _ended(self, ending: str, last: datetime) -> Iterator[Posting]:
        if ending == FROZEN:
            yield self._turned(ActionType.FROZEN, last, kinds.FREEZING)
        elif ending == EMPTIED:
            kept = min(self._dice.randrange(PAYOUT_LEAVES), self._balance - 1)
            yield self._moved(last, kinds.EMPTYING, kept - self._balance)
        elif ending == CLOSED:
            yield self._moved(last, kinds.EMPTYING, -self._balance)
            yield self._turned(ActionType.CLOSED, last + timedelta(minutes=7), kinds.CLOSING)
        elif ending == RICH:
            missing = min(self._euros(RICHEST) - self._balance, self._euros(LARGEST_TOP_UP))
            yield self._moved(last, kinds.FORTUNE, max(missing, 1))

    def _happened(self, moment: Moment, ending: str) -> Posting:
        """Let a planned movement happen as far as the balance allows."""
        kind = moment.kind
        if ending == RICH and self._balance < self._euros(RICHEST - LARGEST_TOP_UP):
            kind = kinds.FORTUNE
        amount, comment = self._habit(kind) if moment.monthly else self._drawn(kind)
        if kind.type == IN and self._balance + amount > self._euros(RICHEST):
            kind, (amount, comment) = kinds.SPENDING, self._drawn(kinds.SPENDING)
        if kind.type != IN and (amount := min(amount, self._whole(kind, self._balance // 2))) <= 0:
            kind, (amount, comment) = kinds.HELP, self._drawn(kinds.HELP)
        return self._moved(moment.time, kind, amount if kind.type == IN else -amount, comment)

    def _habit(self, kind: Kind) -> tuple[int, str]:
        """What comes every month is the same each time."""
        if kind.comments not in self._habits:
            self._habits[kind.comments] = self._drawn(kind)
        return self._habits[kind.comments]

    def _drawn(self, kind: Kind) -> tuple[int, str]:
        """Return an amount, small ones more often, and a comment."""
        euros = math.exp(self._dice.uniform(math.log(kind.least), math.log(kind.most)))
        return self._whole(kind, self._euros(euros)), self._dice.choice(kind.comments)

    def _whole(self, kind: Kind, amount: int) -> int:
        """Return the amount in whole banknotes where it crosses the desk."""
        note = self._person.market.note * 10**self._places if kind.at_desk else 1
        return amount - amount % note

    def _euros(self, euros: float) -> int:
        return int(euros * self._euro)

    def _moved(self, time: datetime, kind: Kind, delta: int, comment: str = "") -> Posting:
        self._balance += delta
        return Posting(
            type=ActionType.DEPOSITED if delta > 0 else ActionType.WITHDRAWN,
            uid=self._person.uid,
            by=self._dice.choice(self._tellers.desk) if kind.at_desk else self._tellers.night,
            asof=time,
            amount=Decimal(abs(delta)).scaleb(-self._places),
            reference_type=kind.reference_type,
            reference=digits(kind.reference.format(year=time.year), self._dice),
            comment=comment or self._dice.choice(kind.comments),
        )

    def _turned(self, kind: ActionType, time: datetime, reasons: Sequence[str]) -> Posting:
        return Posting(
            type=kind,
            uid=self._person.uid,
            by=self._dice.choice(self._tellers.supervisors),
            asof=time,
            comment=self._dice.choice(reasons),
        )
