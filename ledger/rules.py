"""The rules of the ledger, without a database: what a posting may be, and what it does to an account.

What each status allows is ALLOWED; what each type does is EFFECTS; which limit binds is the narrowest (`ledger.limits`).
The database repeats none of this but the guards behind it: no negative balance, no gap, no change of the record, the cap.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ledger import errors
from ledger.choices import ActionType, HoldState, LimitKind, Status
from ledger.limits import Bounds
from ledger.money import LARGEST, written
from ledger.shape import check_end, check_moment, valid_amount

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.models.action import Action
    from ledger.models.hold import Hold
    from ledger.posting import Posting

NOTHING = Decimal(0)
RECEIVING = "receiving"  # what the account is called to which a transfer goes
MONEY = {
    ActionType.DEPOSITED,
    ActionType.WITHDRAWN,
    ActionType.TRANSFERRED_OUT,
    ActionType.TRANSFERRED_IN,
    ActionType.REVERSED,
    ActionType.REFUNDED,
    ActionType.HELD,
    ActionType.CAPTURED,
}
ALLOWED: dict[Status, set[ActionType]] = {
    Status.OPEN: MONEY | {ActionType.RELEASED, ActionType.FROZEN, ActionType.CLOSED},
    Status.FROZEN: {ActionType.RELEASED, ActionType.UNFROZEN, ActionType.CLOSED},
    Status.CLOSED: set(),
}
BECOMES = {ActionType.FROZEN: Status.FROZEN, ActionType.UNFROZEN: Status.OPEN, ActionType.CLOSED: Status.CLOSED}
REVERSIBLE = {
    ActionType.DEPOSITED,
    ActionType.WITHDRAWN,
    ActionType.TRANSFERRED_OUT,
    ActionType.TRANSFERRED_IN,
    ActionType.CAPTURED,
}
RETURNS = {ActionType.REVERSED, ActionType.REFUNDED}
WITH_REASON = {*BECOMES, *RETURNS}


class Effect(NamedTuple):
    """What a type of action does with its amount, and which limits ask for it. An amount that returns is turnover of none."""

    delta: int = 0  # the sign of what it adds to the balance
    held: int = 0  # the sign of what it adds to what is held
    turnover: bool = False
    least: LimitKind | None = None
    most: LimitKind | None = None
    approval: bool = False  # above the threshold another person approves it


EFFECTS = {
    ActionType.DEPOSITED: Effect(1, 0, True, LimitKind.MIN_DEPOSIT, LimitKind.MAX_DEPOSIT, True),
    ActionType.WITHDRAWN: Effect(-1, 0, True, LimitKind.MIN_WITHDRAWAL, LimitKind.MAX_WITHDRAWAL, True),
    ActionType.TRANSFERRED_OUT: Effect(-1, 0, True, LimitKind.MIN_TRANSFER, LimitKind.MAX_TRANSFER, True),
    ActionType.TRANSFERRED_IN: Effect(1, turnover=True),
    ActionType.REVERSED: Effect(approval=True),  # its sign is the opposite of what it reverses
    ActionType.REFUNDED: Effect(approval=True),
    ActionType.HELD: Effect(0, 1, approval=True),
    ActionType.CAPTURED: Effect(-1, -1, turnover=True),
}


class Leg(NamedTuple):
    """One account's part of a posting: a transfer and its reversal have two, the first being the one asked for."""

    type: ActionType
    account: "Account"
    amount: Decimal = NOTHING
    reverses: "Action | None" = None
    first: bool = True


class Facts(NamedTuple):
    """What stands beside the account: its limits, and what the posting refers to as it is now."""

    bounds: Bounds
    turned: Mapping[str, Decimal]  # the turnover so far, by the kind of limit that asks for it
    returned: Decimal = NOTHING  # of what a reversal or refund speaks of, how much went back before
    hold_state: str = HoldState.PENDING


class Change(NamedTuple):
    """What a posting does: the amounts added to the balance, to what is held, to the turnover; the status it leaves."""

    delta: Decimal = NOTHING
    held: Decimal = NOTHING
    turnover: Decimal = NOTHING
    status: str = Status.OPEN


def decide(posting: "Posting", leg: Leg, facts: Facts, now: datetime) -> Change:
    """Return what the posting does to the leg's account as it stands. The texts were checked before.

    Raises:
        LedgerError: the first rule that refuses.
    """
    account = leg.account
    check_moment(posting.asof, account.created, now)
    if posting.expires is not None:
        check_end(posting.expires, posting.asof)
    check_status(leg.type, account)
    if leg.type in WITH_REASON and not posting.comment.strip():
        raise errors.ReasonRequired("Give a reason: it becomes part of the record.")
    if leg.type == ActionType.RELEASED:
        check_pending(posting, leg, facts)
        return Change(held=-_hold(posting).amount, status=account.status)
    if leg.type not in EFFECTS:
        return Change(status=_turned(leg))
    return _money(posting, leg, facts)


def _money(posting: "Posting", leg: Leg, facts: Facts) -> Change:
    amount = valid_amount(leg.amount, leg.account.currency)
    effect = EFFECTS[leg.type]
    facts.bounds.check(amount, least=effect.least, most=effect.most)
    if leg.type == ActionType.CAPTURED:
        check_capture(posting, leg, amount, facts)
    if leg.type in RETURNS:
        check_return(posting, leg, amount, facts)
    change = Change(
        amount * _sign(leg, effect),
        _held(posting, leg, amount) * effect.held,
        amount if effect.turnover else NOTHING,
        leg.account.status,
    )
    check_room(leg.account, amount, change, facts)
    if (leg.first or leg.type in RETURNS) and effect.approval and posting.approval is None:
        facts.bounds.check_threshold(amount)
    return change


def _sign(leg: Leg, effect: Effect) -> int:
    if leg.reverses is None:
        return effect.delta
    return -1 if leg.reverses.delta > 0 else 1


def _held(posting: "Posting", leg: Leg, amount: Decimal) -> Decimal:
    """Return the amount by which what is held changes: a capture resolves the whole hold, also where it takes a part."""
    return _hold(posting).amount if leg.type == ActionType.CAPTURED else amount


def _hold(posting: "Posting") -> "Hold":
    if posting.hold is None:
        raise errors.UnknownHold("Say which hold.")
    return posting.hold


def check_room(account: "Account", amount: Decimal, change: Change, facts: Facts) -> None:
    """Refuse what the balance, what is held, or the turnover leaves no room for."""
    if change.delta - change.held < 0 and account.available + change.delta - change.held < 0:
        raise errors.InsufficientFunds(available=account.available, amount=amount, currency=account.currency)
    if change.delta > 0:
        facts.bounds.check(account.balance + amount, most=LimitKind.MAX_BALANCE)
        if account.balance + amount >= LARGEST:
            raise errors.InvalidAmount("The balance would be larger than any account can hold.", why="too_large")
    if change.turnover:
        for kind, so_far in facts.turned.items():
            facts.bounds.check(so_far + amount, most=LimitKind(kind))


def check_return(posting: "Posting", leg: Leg, amount: Decimal, facts: Facts) -> None:
    """Refuse to return what cannot be returned, what was returned before, and more than there was."""
    original = leg.reverses
    if original is None:
        raise errors.UnknownAction("Say which action.")
    if original.account_id != leg.account.id:
        raise errors.InvalidPosting(f"{original.reference} is of another account.")
    if original.type not in REVERSIBLE:
        raise errors.NotReversible(f"{original.get_type_display()} {original.reference} cannot be reversed.")
    if posting.asof < original.created:
        raise errors.InvalidMoment(
            f"{original.reference} is later than that: nothing goes back before it came.", why="before_original"
        )
    whole = abs(original.delta)
    if facts.returned == whole or (facts.returned and leg.type == ActionType.REVERSED):
        gone = written(facts.returned, original.currency)
        raise errors.AlreadyReversed(f"{gone} of {original.reference} went back before.", returned=facts.returned)
    if facts.returned + amount > whole:
        left = written(whole - facts.returned, original.currency)
        raise errors.ExceedsOriginal(
            f"{written(amount, original.currency)} is more than the {left} of {original.reference} that can go back.",
            left=whole - facts.returned,
        )


def check_capture(posting: "Posting", leg: Leg, amount: Decimal, facts: Facts) -> None:
    """Refuse a capture of a hold that is resolved or has expired, or of more than it."""
    check_pending(posting, leg, facts)
    hold = _hold(posting)
    if amount > hold.amount:
        held = written(hold.amount, hold.currency)
        raise errors.ExceedsHold(f"{written(amount, hold.currency)} is more than the {held} held.", held=hold.amount)


def check_pending(posting: "Posting", leg: Leg, facts: Facts) -> None:
    """Refuse a hold that is resolved, or another account's."""
    if _hold(posting).account_id != leg.account.id:
        raise errors.InvalidPosting("The hold is of another account.")
    if facts.hold_state != HoldState.PENDING:
        raise errors.HoldResolved(f"The hold was resolved before: it is {facts.hold_state}.", state=facts.hold_state)
    if posting.asof < _hold(posting).created:
        raise errors.InvalidMoment(
            "The hold is later than that: nothing resolves it before it was placed.", why="before_original"
        )


def _turned(leg: Leg) -> Status:
    account = leg.account
    if leg.type == ActionType.CLOSED and account.balance:
        held = f", {written(account.held, account.currency)} of it held" if account.held else ""
        raise errors.NotEmpty(
            f"The account holds {written(account.balance, account.currency)}{held}; withdraw it before closing."
        )
    return BECOMES.get(leg.type, Status.OPEN)


def check_status(kind: ActionType, account: "Account") -> None:
    """Refuse what the account's status does not allow."""
    status = Status(account.status)
    if kind in ALLOWED[status] or (kind == ActionType.CREATED and account.version == 0):
        return
    if BECOMES.get(kind) == status or kind == ActionType.CREATED:
        raise errors.StatusUnchanged(f"The account is {status.label.lower()} already.", status=status)
    if status == Status.FROZEN:
        raise errors.AccountFrozen("The account is frozen: unfreeze it first.")
    if status == Status.CLOSED:
        raise errors.AccountClosed("The account is closed for good.")
    raise errors.StatusUnchanged(f"The account is {status.label.lower()}, not frozen.", status=status)
