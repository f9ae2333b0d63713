"""What postings are folded over: their accounts, which move along, and what decides about them (read by `ledger.reading`)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from ledger import errors, rules
from ledger.choices import ActionType, HoldState
from ledger.draft import Draft, drafted
from ledger.limits import Bounds, Limits
from ledger.rules import NOTHING, RECEIVING, Change, Facts, Leg
from ledger.shape import check_counter, check_shape, told

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.models.hold import Hold
    from ledger.posting import Posting

NONE_TURNED: Mapping[str, Decimal] = {}

LEG_MISSING = (
    "The other leg of the transfer has to go back with it: its account is not named, or belongs to an entity that you do not "
    "work on."
)


class Book:
    """The state of a batch. `drafts` are the rows to write so far, in order."""

    def __init__(self, accounts: "dict[UUID, Account]", now: datetime, using: str) -> None:
        self.accounts = accounts
        self.by_id = {account.id: account for account in accounts.values()}
        self.now = now
        self.using = using
        self.drafts: list[Draft] = []
        self.limits = Limits([])
        self.headroom: dict[str, Decimal] | None = None  # None: the cap is left to the database
        self.earlier: dict[tuple[int, str], Draft] = {}  # by entity and idempotency key
        self.starts: dict[int, dict[str, Decimal]] = {}  # an account's turnover when the day and the month began
        self.returned: dict[int, Decimal] = {}  # by action: how much of it went back
        self.hold_states: dict[int, str] = {}
        # By account: holds that have expired and are released with its next action.
        self.due: dict[int, list[Hold]] = {}
        self._bounds: dict[int, Bounds] = {}

    def apply(self, posting: "Posting") -> "tuple[Account, list[Draft], bool]":
        """Decide a posting and move its accounts along; return account, drafts, and whether the key had posted it before.

        Raises:
            LedgerError: the rule that refuses; the book is as it was.
        """
        check_shape(posting)
        account = self.account(posting.uid)
        if posting.idempotency_key and (earlier := self._repeated(posting, account)):
            return account, [earlier], True
        legs = self._legs(posting, account)
        changes = [self._decided(posting, leg) for leg in legs]
        if self.headroom is not None:
            self._take_headroom(self.headroom, account.currency, sum((change.delta for change in changes), Decimal(0)))
        drafts = self._move(posting, legs, changes)
        if posting.idempotency_key or posting.hold or posting.reverses:
            self._remember(posting, legs, account, drafts[0])
        return account, drafts, False

    def _decided(self, posting: "Posting", leg: Leg) -> Change:
        try:
            return rules.decide(posting, leg, self._facts(posting, leg), self.now)
        except errors.LedgerError as error:
            if not leg.first:
                error.of(RECEIVING if leg.type == ActionType.TRANSFERRED_IN else "other")
            raise

    def account(self, uid: UUID) -> "Account":
        """Return an account of the book, or raise UnknownAccount."""
        account = self.known(uid)
        if account is None:
            raise errors.UnknownAccount(f"There is no account {told(uid)}.", uid=uid)
        return account

    def known(self, uid: object) -> "Account | None":
        """Return an account of the book, or None where there is none, whatever the uid is."""
        return self.accounts.get(uid) if isinstance(uid, UUID) else None

    def bounds_of(self, account: "Account") -> Bounds:
        """Return the limits that bind an account."""
        if account.id not in self._bounds:
            self._bounds[account.id] = self.limits.of(account)
        return self._bounds[account.id]

    def turned(self, account: "Account") -> Mapping[str, Decimal]:
        """Return the turnover so far in the periods that a limit of the account asks for."""
        starts = self.starts.get(account.id)
        return {kind: account.turnover - start for kind, start in starts.items()} if starts else NONE_TURNED

    def fits(self) -> bool:
        """Say whether all drafts together stay under the caps: the cap asks what a batch leaves, not what it passes through."""
        net: dict[str, Decimal] = {}
        for draft in self.drafts:
            net[draft.row.currency] = net.get(draft.row.currency, NOTHING) + draft.row.delta
        left = self.headroom or {}
        return all(total <= left.get(currency, NOTHING) for currency, total in net.items() if total)

    def _legs(self, posting: "Posting", account: "Account") -> list[Leg]:
        if posting.type == ActionType.TRANSFERRED_OUT:
            other = self._target(posting, account)
            return [
                Leg(ActionType.TRANSFERRED_OUT, account, posting.amount),
                Leg(ActionType.TRANSFERRED_IN, other, posting.amount, first=False),
            ]
        if posting.reverses and posting.reverses.transfer and not posting.counter:
            raise errors.UnknownAction(LEG_MISSING)
        legs = [Leg(posting.type, account, posting.amount, posting.reverses)]
        if posting.counter:
            check_counter(posting.reverses, posting.counter)
            other = self.by_id[posting.counter.account_id]
            legs.append(Leg(posting.type, other, posting.amount, posting.counter, first=False))
        return legs

    def _target(self, posting: "Posting", account: "Account") -> "Account":
        if posting.to is None:
            raise errors.UnknownAccount("Say which account receives.")
        other = self.account(posting.to)
        if other is account:
            raise errors.SameAccount("A transfer needs two accounts, this one names the same twice.")
        if other.currency != account.currency:
            raise errors.CurrencyMismatch(
                f"One account is in {account.currency}, the other in {other.currency}; nothing is converted.",
                currencies=(account.currency, other.currency),
            )
        return other

    def _facts(self, posting: "Posting", leg: Leg) -> Facts:
        returned = self.returned.get(leg.reverses.pk, NOTHING) if leg.reverses else NOTHING
        state = self.hold_states.get(posting.hold.pk, HoldState.PENDING) if posting.hold else HoldState.PENDING
        return Facts(self.bounds_of(leg.account), self.turned(leg.account), returned, state)

    def _move(self, posting: "Posting", legs: list[Leg], changes: list[Change]) -> list[Draft]:
        pair = uuid4() if len(legs) > 1 else None
        drafts: list[Draft] = []
        for leg, change in zip(legs, changes, strict=True):
            if leg.account.id in self.due:
                self._release_due(leg.account)
            other = legs[1 - len(drafts)].account if pair else None
            drafts.append(drafted(leg, posting, change, other, pair))
        self.drafts += drafts
        return drafts

    def _release_due(self, account: "Account") -> None:
        """Write what the reading took for granted: that holds which have expired are held no more."""
        due = self.due.pop(account.id)
        account.held += sum(hold.amount for hold in due)
        for hold in due:
            leg, change = Leg(ActionType.RELEASED, account), Change(held=-hold.amount, status=account.status)
            self.drafts.append(drafted(leg, hold.expiry(), change, None, None))

    def _repeated(self, posting: "Posting", account: "Account") -> Draft | None:
        """Return what the key posted before, where it was this very request."""
        earlier = self.earlier.get((account.entity_id, posting.idempotency_key or ""))
        if earlier and not earlier.action.answers(posting, account, self.known(posting.to)):
            raise errors.IdempotencyConflict(
                f"The key {posting.idempotency_key} was used for another posting, {earlier.action.reference}."
            )
        if earlier and earlier.row.by_id != posting.by.pk:
            raise errors.IdempotencyConflict(
                f"The key {posting.idempotency_key} was used by somebody else for the same, {earlier.action.reference}.",
                by_another=earlier.action,
            )
        if earlier and not earlier.action._state.adding:
            earlier.action.replayed = True
        return earlier

    def _remember(self, posting: "Posting", legs: list[Leg], account: "Account", draft: Draft) -> None:
        if posting.idempotency_key:
            self.earlier[account.entity_id, posting.idempotency_key] = draft
        if posting.hold:
            self.hold_states[posting.hold.pk] = posting.type
        for leg in legs:
            if leg.reverses:
                self.returned[leg.reverses.pk] = self.returned.get(leg.reverses.pk, Decimal(0)) + leg.amount

    @staticmethod
    def _take_headroom(headroom: dict[str, Decimal], currency: str, delta: Decimal) -> None:
        left = headroom.get(currency, Decimal(0)) - delta
        if delta and left < 0:
            raise errors.ExceedsCap(currency=currency)
        headroom[currency] = left
