"""Putting the demo's bank into the ledger: through `open_accounts` and `Account.post_batch`, all of it or nothing.

One transaction holds many batches here, against the advice in `ledger.posting`: nobody else can know the new accounts
before it ends, so nobody holds one of them and waits for a slot of ours. An interrupted load leaves nothing behind.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from random import Random
from typing import TypeVar

from django.db import connections

from backoffice.models import Entity, User
from backoffice.scope import acting
from ledger.demo.limits import CAUTIOUS_OFFICE, set_limits
from ledger.demo.markets import ensure_offices
from ledger.demo.notes import write_notes
from ledger.demo.people import Person, people
from ledger.demo.requests import set_grant_requests, set_requests
from ledger.demo.scenes import Afternoon, number_of
from ledger.demo.staff import grant_all
from ledger.demo.story import Story, Tellers
from ledger.models import Account
from ledger.opening import Opening, open_accounts
from ledger.posting import Posting

BLOCK = 2_000  # customers whose movements are put in order together, so that memory does not grow with the number
BATCH = 5_000
FORTUNE_EVERY = 400  # customers, one comes near the maximum balance, where the postings suffice
FORTUNE_WEIGHT = 4.0

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Demo:
    """How much to make, until when; the same arguments make the same bank."""

    customers: int
    actions: int
    seed: int
    end: datetime
    using: str = "default"

    def load(self, staff: dict[str, User], advance: Callable[[int], None]) -> None:
        """Make it; `advance` is told how many actions were posted.

        Raises:
            LedgerError: the ledger refuses a posting, as somebody narrowed its limits; nothing is left then.
        """
        desk = [staff[name] for name in ("agent", "petr.dvorak", "emily.hart", "lena.vogt")]
        tellers = Tellers(night=staff["importer"], desk=desk, supervisors=[staff["lead"], staff["admin"]])
        with acting(actor=staff["admin"].pk, request_id=f"demo_data {self.seed}", using=self.using):
            self._check_keys_at_once()
            offices = ensure_offices(self.using)
            grant_all(offices.values())
            for block in chunks(people(self.seed, self.customers, self.end), BLOCK):
                self._open(block, offices, tellers)
                advance(len(block))
                for batch in chunks(self._movements(block, tellers), BATCH):
                    Account.post_batch(batch, using=self.using, all_or_nothing=True)
                    advance(len(batch))
                scenes = self._scenes(block)
                Afternoon(block, tellers, self.end, self.using).play(scenes)
                advance(scenes)
                set_limits(block, self.using)
            set_requests(staff, self.using)
            write_notes(staff, self.using)
            set_grant_requests(staff, offices, self.using)

    def _check_keys_at_once(self) -> None:
        """Check foreign keys with each statement: millions of checks put off to the end would fill the memory."""
        with connections[self.using].cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def _open(self, block: Sequence[Person], offices: dict[str, Entity], tellers: Tellers) -> None:
        User.objects.using(self.using).bulk_create(person.user for person in block)
        openings = [
            Opening(
                user=person.user,
                entity=offices[person.office],
                currency=person.market.currency,
                by=person.dice.choice(tellers.desk),
                asof=person.opened,
                comment="Opened at the desk",
                uid=person.uid,
            )
            for person in block
        ]
        open_accounts(Account, openings, using=self.using)
        for person in block:
            if person.note:
                Account.objects.using(self.using).filter(uid=person.uid).update(note=person.note)

    def _share(self, block: Sequence[Person]) -> int:
        """Return how many movements a block has."""
        movements = self.actions - self.customers
        before, after = block[0].number, block[-1].number + 1
        return movements * after // self.customers - movements * before // self.customers

    def _scenes(self, block: Sequence[Person]) -> int:
        return number_of(len(block), self._share(block))

    def _movements(self, block: Sequence[Person], tellers: Tellers) -> list[Posting]:
        """Return the block's share of all movements but those of its scenes, in the order of their time."""
        total = self._share(block) - self._scenes(block)
        shares = shared(total, [_activity(person.dice, fortune=_fortunate(person)) for person in block])
        told = [
            posting
            for person, number in zip(block, shares, strict=True)
            for posting in Story(person, tellers).told(number, self.end, fortune=_fortunate(person))
        ]
        return sorted(told, key=lambda posting: posting.asof)


def _fortunate(person: Person) -> bool:
    return person.number % FORTUNE_EVERY == 0 and person.office != CAUTIOUS_OFFICE


def _activity(dice: Random, *, fortune: bool) -> float:
    activity = dice.lognormvariate(0, 0.7)
    return max(activity, FORTUNE_WEIGHT) if fortune else activity


def shared(total: int, weights: Sequence[float]) -> list[int]:
    """Return whole shares by weight that come to exactly the total."""
    whole, shares, cumulated, given = sum(weights), [], 0.0, 0
    for position, weight in enumerate(weights, start=1):
        cumulated += weight
        until = total if position == len(weights) else int(total * cumulated / whole)
        shares.append(until - given)
        given = until
    return shares


def chunks(items: Iterator[T] | Sequence[T], size: int) -> Iterator[list[T]]:
    """Give the items in lists of `size`, the last one shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
