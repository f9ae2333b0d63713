"""What happens between accounts, what is taken back, and what is held: scenes of the last afternoon, after all stories.

Each scene is exactly so many actions on accounts that no other scene touches; where none is left that could play it, as
many small deposits stand in.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from backoffice.models import User
from ledger.choices import Status
from ledger.demo.people import Person
from ledger.demo.story import Tellers
from ledger.models import Account, Action, Hold
from ledger.money import exponent

FEWEST = 20  # customers, for which there are scenes at all
EVERY = 60  # customers, all scenes are played once
BEGIN, END = timedelta(hours=11), timedelta(hours=3)  # before the end of everything
LARGEST = 400  # euros that move in a scene
RICH = 1_000_000  # euros, from which an account plays no part: it is near its limits
PENDING = timedelta(days=7)

Play = Callable[[Account, Account, datetime, timedelta], object]


def number_of(customers: int, movements: int) -> int:
    """Return how many of a block's movements its scenes are."""
    times = max(1, customers // EVERY) if customers >= FEWEST else 0
    whole = times * sum(SIZES.values())
    return whole if whole * 3 <= movements else 0


class Afternoon:
    """The scenes of a block of customers."""

    def __init__(self, block: Sequence[Person], tellers: Tellers, end: datetime, using: str) -> None:
        self._people = {person.uid: person for person in block}
        self._dice = Random(f"{block[0].uid}/afternoon")  # noqa: S311  the same data for the same seed is the point
        self._desk, self._lead = tellers.desk, tellers.supervisors[0]
        self._end, self._using = end, using
        accounts = Account.objects.using(using).filter(uid__in=self._people, status=Status.OPEN).order_by("id")
        self._free = [account for account in accounts if 1 < self._euros(account) < RICH]
        self._idle = self._free.pop() if self._free else None

    def play(self, actions: int) -> None:
        """Post exactly so many actions, all scenes as often as the others."""
        times = actions // sum(SIZES.values())
        names = [name for _ in range(times) for name in SIZES]
        step = (BEGIN - END) / max(len(names), 1)
        for position, name in enumerate(names):
            self._scene(name, self._end - BEGIN + step * position, step / 4)

    def _scene(self, name: str, time: datetime, pause: timedelta) -> None:
        pair = self._pair() if name in {"transfer", "reversed_transfer"} else self._one()
        if pair:
            plays: dict[str, Play] = {
                "transfer": self._transfer, "reversed_transfer": self._reversed_transfer, "refund": self._refund,
                "reversal": self._reversal, "pending": self._pending, "captured": self._captured,
                "released": self._released, "expired": self._expired,
            }  # fmt: skip
            plays[name](*pair, time, pause)
        elif self._idle:
            for count in range(SIZES[name]):
                self._deposit(self._idle, time + pause * count)

    def _one(self) -> tuple[Account, Account] | None:
        if not self._free:
            return None
        account = self._free.pop(self._dice.randrange(len(self._free)))
        return account, account

    def _pair(self) -> tuple[Account, Account] | None:
        """Return two accounts of one currency."""
        for position in self._dice.sample(range(len(self._free)), len(self._free)):
            source = self._free[position]
            for target in self._free:
                if target.currency == source.currency and target is not source:
                    self._free.remove(source)
                    self._free.remove(target)
                    return source, target
        return None

    def _euros(self, account: Account) -> Decimal:
        return account.balance / self._people[account.uid].market.worth

    def _amount(self, account: Account) -> Decimal:
        """Return a part of what is there, not a large one."""
        euros = min(self._euros(account) / 4, Decimal(self._dice.randrange(20, LARGEST)))
        return round(euros * self._people[account.uid].market.worth, exponent(account.currency))

    def _by(self) -> User:
        return self._dice.choice(self._desk)

    def _deposit(self, account: Account, time: datetime) -> Action:
        return Account.deposit(
            uid=account.uid, amount=self._amount(account), by=self._by(), asof=time, reference_type="cash",
            reference=self._slip(), comment="Coins and notes", using=self._using,
        )[1]  # fmt: skip

    def _slip(self) -> str:
        return f"D{self._dice.randrange(10)}-{self._dice.randrange(10**6):06d}"

    def _transfer(self, one: Account, other: Account, time: datetime, pause: timedelta) -> Action:
        comment = self._dice.choice(("Rent for the flat", "Birthday present", "Shared holiday", "Paid back"))
        legs = Account.transfer(
            uid=one.uid,
            to=other.uid,
            amount=self._amount(one),
            by=self._by(),
            asof=time,
            comment=comment,
            using=self._using,
        )
        return legs[0][1]

    def _reversed_transfer(self, one: Account, other: Account, time: datetime, pause: timedelta) -> None:
        out = self._transfer(one, other, time, pause)
        Action.reverse(
            uid=out.uid, by=self._lead, asof=time + pause, comment="Sent to the wrong person", using=self._using
        )

    def _refund(self, one: Account, other: Account, time: datetime, pause: timedelta) -> None:
        taken = Account.withdraw(
            uid=one.uid, amount=self._amount(one), by=self._by(), asof=time, reference_type="card",
            reference=self._slip(), comment="Furniture shop", using=self._using,
        )[1]  # fmt: skip
        part = round(abs(taken.delta) / 3, exponent(one.currency)) or abs(taken.delta)
        Action.refund(
            uid=taken.uid,
            amount=part,
            by=self._lead,
            asof=time + pause,
            comment="One chair sent back",
            using=self._using,
        )

    def _reversal(self, one: Account, other: Account, time: datetime, pause: timedelta) -> None:
        booked = self._deposit(one, time)
        Action.reverse(uid=booked.uid, by=self._lead, asof=time + pause, comment="Booked twice", using=self._using)

    def _hold(self, account: Account, time: datetime, comment: str, expires: datetime | None = None) -> Hold:
        return Hold.place(
            uid=account.uid, amount=self._amount(account), by=self._by(), asof=time, comment=comment, expires=expires,
            using=self._using,
        )[0]  # fmt: skip

    def _pending(self, one: Account, other: Account, time: datetime, pause: timedelta) -> None:
        expires = self._end + PENDING if self._dice.choice((True, False)) else None
        self._hold(one, time, "Hotel deposit" if expires else "Court order, amount secured", expires)

    def _captured(self, one: Account, other: Account, time: datetime, pause: timedelta) -> None:
        hold = self._hold(one, time, "Petrol station, card authorisation")
        part = round(hold.amount * 2 / 3, exponent(one.currency)) or hold.amount
        Hold.capture(
            uid=hold.uid, amount=part, by=self._by(), asof=time + pause, comment="Petrol station", using=self._using
        )

    def _released(self, one: Account, other: Account, time: datetime, pause: timedelta) -> None:
        hold = self._hold(one, time, "Car rental deposit")
        Hold.release(uid=hold.uid, by=self._by(), asof=time + pause, comment="Car returned", using=self._using)

    def _expired(self, one: Account, other: Account, time: datetime, pause: timedelta) -> None:
        hold = self._hold(one, time, "Card authorisation", time + pause)
        Account.post_batch([hold.expiry()], using=self._using, all_or_nothing=True)


SIZES = {  # in the order they are played; the actions of each
    "transfer": 2, "reversed_transfer": 4, "refund": 2, "reversal": 2, "pending": 1, "captured": 2, "released": 2, "expired": 2,
}  # fmt: skip
