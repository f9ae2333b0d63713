"""What can be deposited to and withdrawn from an account now, and which rule stands at each end.

The arithmetic is that of `ledger.rules`, asked the other way round: each rule there that bounds an amount has its line in
`_deposits` or `_withdrawals`, in the order in which `rules` asks them, so that of several equal bounds the one is named
that would refuse first. A property test holds the two together: `most` passes, one smallest unit more is refused by the
rule that is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NamedTuple

from ledger import reading
from ledger.choices import ActionType, LimitKind
from ledger.errors import LedgerError
from ledger.limits import Bounds, subject
from ledger.money import LARGEST, exponent, written
from ledger.rules import check_status

if TYPE_CHECKING:
    from ledger.models import Account

CAP, BALANCE, SMALLEST, LARGEST_AMOUNT = "cap", "balance", "smallest", "largest"
DONE = {ActionType.DEPOSITED: "deposited", ActionType.WITHDRAWN: "withdrawn"}


class End(NamedTuple):
    """One end of a range: the amount, the rule that stands there and how people call it."""

    amount: Decimal
    rule: str
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The amounts that are possible now; none where `refused` says why, or where `least` is more than `most`."""

    type: ActionType
    currency: str
    least: End
    most: End
    refused: LedgerError | None = None

    @property
    def possible(self) -> bool:
        """Whether there is any amount that would pass."""
        return self.refused is None and self.least.amount <= self.most.amount

    def __str__(self) -> str:
        if self.refused:
            return f"Nothing can be {DONE[self.type]} now. {self.refused}"
        if not self.possible:
            least = f", and {self.least.called} is {written(self.least.amount, self.currency)}"
            over = least if self.most.amount > 0 and self.least.rule != SMALLEST else ""
            return f"Nothing can be {DONE[self.type]} now: {self.most.called} leaves {self._most}{over}."
        return f"Between {written(self.least.amount, self.currency)} and {self._most} now; {self.most.called} binds."

    @property
    def _most(self) -> str:
        return written(max(self.most.amount, Decimal(0)), self.currency)


class Possible(NamedTuple):
    """What can be done with an account's money now."""

    deposit: Range
    withdraw: Range


def what_is_possible(account: "Account", *, using: str = "default") -> Possible:
    """Return the least and the most that can be deposited and withdrawn now. Reads in three statements, locks nothing."""
    book = reading.of(type(account), [account.uid], using)
    now = book.account(account.uid)
    bounds = book.bounds_of(now)
    headroom = (book.headroom or {}).get(now.currency, Decimal(0))
    return Possible(
        _range(ActionType.DEPOSITED, now, bounds, LimitKind.MIN_DEPOSIT, _deposits(now, bounds, headroom)),
        _range(ActionType.WITHDRAWN, now, bounds, LimitKind.MIN_WITHDRAWAL, _withdrawals(now, bounds)),
    )


def _deposits(account: "Account", bounds: Bounds, headroom: Decimal) -> list[End]:
    """Return what bounds a deposit from above."""
    cap = End(headroom, CAP, f"the cap set for {account.currency}")
    return [
        *_limit(bounds, LimitKind.MAX_DEPOSIT, Decimal(0)),
        *_limit(bounds, LimitKind.MAX_BALANCE, account.balance),
        cap,
    ]


def _withdrawals(account: "Account", bounds: Bounds) -> list[End]:
    """Return what bounds a withdrawal from above."""
    return [*_limit(bounds, LimitKind.MAX_WITHDRAWAL, Decimal(0)), End(account.balance, BALANCE, "the balance")]


def _limit(bounds: Bounds, kind: LimitKind, taken: Decimal) -> list[End]:
    rule = bounds.rules.get(kind)
    return [End(rule.amount - taken, kind, f"the {kind.label.lower()} set for {subject(rule)}")] if rule else []


def _range(kind: ActionType, account: "Account", bounds: Bounds, least: LimitKind, upper: Sequence[End]) -> Range:
    """Return the narrowest range, in whole units of the currency."""
    unit = Decimal(1).scaleb(-exponent(account.currency))
    lower = [End(unit, SMALLEST, "the smallest amount"), *_limit(bounds, least, Decimal(0))]
    upper = [End(LARGEST - unit, LARGEST_AMOUNT, "the largest amount that an account can hold"), *upper]
    lower = [end._replace(amount=end.amount.quantize(unit, ROUND_CEILING)) for end in lower]
    upper = [end._replace(amount=end.amount.quantize(unit, ROUND_FLOOR)) for end in upper]
    return Range(
        type=kind,
        currency=account.currency,
        least=max(lower, key=lambda end: end.amount),
        most=min(upper, key=lambda end: end.amount),
        refused=_refusal(kind, account),
    )


def _refusal(kind: ActionType, account: "Account") -> LedgerError | None:
    try:
        check_status(kind, account)
    except LedgerError as error:
        return error
    return None
