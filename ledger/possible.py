"""What can be deposited, withdrawn, transferred and held now, and which rule stands at each end.

The arithmetic is that of `ledger.rules`, asked the other way round: each rule there that bounds an amount has its line in
`_upper`, in the order in which `rules` asks them, so that of several equal bounds the one is named that would refuse
first. A property test holds the two together: `most` passes, one smallest unit more is refused by the rule that is named,
and whatever is over `approval` needs another person.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NamedTuple

from ledger import reading
from ledger.choices import ActionType, LimitKind
from ledger.errors import LedgerError
from ledger.limits import Bounds, Rule, subject
from ledger.money import LARGEST, exponent, written
from ledger.rules import EFFECTS, RECEIVING, check_status

if TYPE_CHECKING:
    from ledger.book import Book
    from ledger.models import Account

CAP, BALANCE, SMALLEST, LARGEST_AMOUNT = "cap", "balance", "smallest", "largest"
LARGEST_CALLED = "the largest amount that an account can hold"
COUNTED = (LimitKind.DAILY_TURNOVER, LimitKind.MONTHLY_TURNOVER, LimitKind.MAX_BALANCE)
NEAR = Decimal("0.2")  # of a limit, from which on what is left of it is little
DONE = {
    ActionType.DEPOSITED: "deposited",
    ActionType.WITHDRAWN: "withdrawn",
    ActionType.TRANSFERRED_OUT: "transferred",
    ActionType.HELD: "held",
}


class End(NamedTuple):
    """One end of a range: the amount, the rule that stands there and how people call it."""

    amount: Decimal
    rule: str
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The amounts that are possible now; none where `refused` says why, or where `least` is more than `most`.

    Over `approval`, where there is one, another person has to approve.
    """

    type: ActionType
    currency: str
    least: End
    most: End
    refused: LedgerError | None = None
    approval: Decimal | None = None

    @property
    def possible(self) -> bool:
        """Whether there is any amount that would pass."""
        return self.refused is None and self.least.amount <= self.most.amount

    @property
    def obstacle(self) -> str:
        """Why there is none, in a sentence, or nothing."""
        if self.refused or self.possible:
            return str(self.refused or "")
        least = f", and {self.least.called} is {written(self.least.amount, self.currency)}"
        over = least if self.most.amount > 0 and self.least.rule != SMALLEST else ""
        return f"{self.most.called} leaves {self._most}{over}."

    def __str__(self) -> str:
        if why := self.obstacle:
            return f"Nothing can be {DONE[self.type]} now{'.' if self.refused else ':'} {why}"
        least = written(self.least.amount, self.currency)
        return f"Between {least} and {self._most} now; {self.most.called} binds.{self._approval}"

    @property
    def _most(self) -> str:
        return written(max(self.most.amount, Decimal(0)), self.currency)

    @property
    def _approval(self) -> str:
        if self.approval is None:
            return ""
        return f" Above {written(self.approval, self.currency)} another person has to approve."


class Used(NamedTuple):
    """How much of a limit is used up: by the turnover of a day or a month, or by the balance."""

    kind: LimitKind
    currency: str
    taken: Decimal
    most: Decimal

    @property
    def left(self) -> Decimal:
        """What is left of it; nothing where a limit came later and is lower."""
        return max(self.most - self.taken, Decimal(0))

    @property
    def high(self) -> Decimal:
        """From how much on little is left: less than a fifth."""
        return self.most * (1 - NEAR)

    @property
    def is_near(self) -> bool:
        """Whether that is reached."""
        return self.taken > self.high

    def __str__(self) -> str:
        most, left = written(self.most, self.currency), written(self.left, self.currency)
        return f"{written(self.taken, self.currency)} of {most}, {left} left"


class Possible(NamedTuple):
    """What can be done with an account's money now."""

    deposit: Range
    withdraw: Range
    transfer: Range
    hold: Range


class Standing(NamedTuple):
    """What is possible now, and how much is used up of the limits that count."""

    possible: Possible
    used: list[Used]


def what_is_possible(account: "Account", *, using: str = "default") -> Possible:
    """Return the least and the most of each kind of posting now. Statements as in `how_it_stands`."""
    return how_it_stands(account, using=using).possible


def how_it_stands(account: "Account", *, using: str = "default") -> Standing:
    """Return what is possible now, and what is used up already. Reads in four statements at most, locks nothing."""
    book = reading.of(type(account), [account.uid], using)
    now = book.account(account.uid)
    kinds = (ActionType.DEPOSITED, ActionType.WITHDRAWN, ActionType.TRANSFERRED_OUT, ActionType.HELD)
    rules = book.bounds_of(now).rules
    taken = {**book.turned(now), LimitKind.MAX_BALANCE: now.balance}
    used = [Used(kind, now.currency, taken[kind], rules[kind].amount) for kind in COUNTED if kind in rules]
    return Standing(Possible(*(_range(kind, now, book) for kind in kinds)), used)


def what_can_be_transferred(account: "Account", to: "Account", *, using: str = "default") -> Range:
    """Return what can go from one account to another of its currency now: both have their say. Statements as above."""
    book = reading.of(type(account), [account.uid, to.uid], using)
    return _range(ActionType.TRANSFERRED_OUT, book.account(account.uid), book, book.account(to.uid))


def _range(kind: ActionType, account: "Account", book: "Book", to: "Account | None" = None) -> Range:
    """Return the narrowest range, in whole units of the currency."""
    unit = Decimal(1).scaleb(-exponent(account.currency))
    bounds, effect = book.bounds_of(account), EFFECTS[kind]
    lower = [End(unit, SMALLEST, "the smallest amount"), *_limit(bounds, effect.least)]
    upper = [End(LARGEST - unit, LARGEST_AMOUNT, LARGEST_CALLED), *_upper(kind, account, book)]
    if to:
        upper += _upper(ActionType.TRANSFERRED_IN, to, book, of=f"the {RECEIVING} account")
    elif effect.delta > 0:
        headroom = (book.headroom or {}).get(account.currency, Decimal(0))
        upper.append(End(headroom, CAP, f"the cap set for {account.currency}"))
    lower = [end._replace(amount=end.amount.quantize(unit, ROUND_CEILING)) for end in lower]
    upper = [end._replace(amount=end.amount.quantize(unit, ROUND_FLOOR)) for end in upper]
    most = min(upper, key=lambda end: end.amount)
    threshold = bounds.rules.get(LimitKind.APPROVAL) if effect.approval else None
    return Range(
        type=kind,
        currency=account.currency,
        least=max(lower, key=lambda end: end.amount),
        most=most,
        refused=refusal(kind, account) or (refusal(ActionType.TRANSFERRED_IN, to, RECEIVING) if to else None),
        approval=threshold.amount if threshold and threshold.amount < most.amount else None,
    )


def _upper(kind: ActionType, account: "Account", book: "Book", of: str = "this account") -> list[End]:
    """Return what bounds one account's part of a posting from above, in the order of `rules`."""
    bounds, effect = book.bounds_of(account), EFFECTS[kind]
    unit = Decimal(1).scaleb(-exponent(account.currency))
    ends = _limit(bounds, effect.most, of=of)
    if effect.delta - effect.held < 0:
        ends.append(End(account.available, BALANCE, "the available balance" if account.held else "the balance"))
    if effect.delta > 0:
        ends += _limit(bounds, LimitKind.MAX_BALANCE, account.balance, of)
        ends.append(End(LARGEST - unit - account.balance, LARGEST_AMOUNT, LARGEST_CALLED))
    if effect.turnover:
        for counted, so_far in book.turned(account).items():
            ends += _limit(bounds, LimitKind(counted), so_far, of)
    return ends


def _limit(bounds: Bounds, kind: LimitKind | None, taken: Decimal = Decimal(0), of: str = "this account") -> list[End]:
    """Return the end that a limit sets, of which some is taken already; nothing where there is no such limit."""
    rule = bounds.rules.get(kind) if kind else None
    return [End(rule.amount - taken, str(kind), _called(rule, of))] if kind and rule else []


def _called(rule: Rule, of: str) -> str:
    whose = of if rule.scope == "account" else subject(rule)
    return f"the {LimitKind(rule.kind).label.lower()} set for {whose}"


def refusal(kind: ActionType, account: "Account", which: str = "") -> LedgerError | None:
    """Return what the account's status refuses, or None. Reads nothing."""
    try:
        check_status(kind, account)
    except LedgerError as error:
        return error.of(which) if which else error
    return None
