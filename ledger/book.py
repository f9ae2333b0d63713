"""What a batch of postings is decided on: its accounts, limits, earlier postings and, when it matters, the cap.

Read in three statements whatever the size of the batch. `Book.locked` locks the accounts in ascending id, the one order
of the whole ledger; `Book.read` locks nothing and serves previews.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connections
from django.utils import timezone

from ledger import errors, rules
from ledger.limits import Bounds, Limits, Rule
from ledger.models.action import Action

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.posting import Posting

ACCOUNTS = "SELECT * FROM ledger_account WHERE uid = ANY(%s) ORDER BY id"
LOCK = " FOR NO KEY UPDATE"
LIMITS = """
    SELECT kind, currency, entity_id, account_id, amount FROM ledger_limit
    WHERE NOT is_void AND valid @> now() AND currency = ANY(%s)
      AND (entity_id IS NULL OR entity_id = ANY(%s)) AND (account_id IS NULL OR account_id = ANY(%s))
"""


class Book:
    """The state that postings are folded over. `accounts` move along as postings are applied."""

    def __init__(self, accounts: dict[UUID, "Account"], using: str) -> None:
        self.accounts = accounts
        self.using = using
        self.now: datetime = timezone.now()
        self.headroom: dict[str, Decimal] | None = None  # None: the cap is left to the database
        self._earlier: dict[str, Action] = {}
        self._limits = Limits([])
        self._bounds: dict[int, Bounds] = {}

    @classmethod
    def locked(cls, accounts: type["Account"], postings: Sequence["Posting"], using: str) -> "Book":
        """Lock the accounts, then read what decides about them. Needs a transaction."""
        book = cls._opened(accounts, [posting.uid for posting in postings], using, ACCOUNTS + LOCK)
        book._read_earlier(postings)
        return book

    @classmethod
    def read(cls, accounts: type["Account"], postings: Sequence["Posting"], using: str) -> "Book":
        """Read everything, the cap too, without a lock."""
        book = cls.of(accounts, [posting.uid for posting in postings], using)
        book._read_earlier(postings)
        return book

    @classmethod
    def of(cls, accounts: type["Account"], uids: Sequence[UUID], using: str) -> "Book":
        """Read what would decide about any posting on these accounts, without a lock."""
        book = cls._opened(accounts, uids, using, ACCOUNTS)
        book._read_headroom("SELECT currency, sum(remaining) FROM ledger_headroom WHERE currency = ANY(%s) GROUP BY 1")
        return book

    @classmethod
    def _opened(cls, accounts: type["Account"], uids: Sequence[UUID], using: str, query: str) -> "Book":
        known = [uid for uid in set(uids) if isinstance(uid, UUID)]  # anything else is no account's uid
        found = accounts.objects.using(using).raw(query, [known])
        book = cls({account.uid: account for account in found}, using)
        book._read_limits()
        return book

    def _read_limits(self) -> None:
        known = self.accounts.values()
        currencies, entities = {a.currency for a in known}, {a.entity_id for a in known}
        with connections[self.using].cursor() as cursor:
            cursor.execute(LIMITS, [list(currencies), list(entities), [a.id for a in known]])
            self._limits = Limits(Rule(*row) for row in cursor.fetchall())

    def _read_earlier(self, postings: Sequence["Posting"]) -> None:
        keys = [posting.idempotency_key for posting in postings if posting.idempotency_key]
        if keys:
            earlier = Action.objects.using(self.using).filter(idempotency_key__in=keys)
            self._earlier = {str(action.idempotency_key): action for action in earlier}

    def lock_headroom(self) -> None:
        """Lock all slots of the currencies at hand, so that the cap can be weighed posting by posting."""
        self._read_headroom("SELECT currency, remaining FROM ledger_lock_headroom(%s)")

    def _read_headroom(self, query: str) -> None:
        with connections[self.using].cursor() as cursor:
            cursor.execute(query, [sorted({account.currency for account in self.accounts.values()})])
            self.headroom = dict(cursor.fetchall())

    def apply(self, posting: "Posting") -> tuple["Account", Action, bool]:
        """Decide a posting and move its account along; return account, action, and whether the key had posted it before.

        Raises:
            LedgerError: the rule that refuses; the book is as it was.
        """
        account = self.account(posting.uid)
        if earlier := self._repeated(posting, account):
            return account, earlier, True
        change = rules.decide(posting, account, self.bounds_of(account), self.now)
        self._take_headroom(account.currency, change.delta)
        account.balance += change.delta
        account.status = change.status
        account.version += 1
        account.modified = posting.asof
        action = Action.draft(account, posting, change.delta)
        if posting.idempotency_key:
            self._earlier[posting.idempotency_key] = action
        return account, action, False

    def account(self, uid: UUID) -> "Account":
        """Return an account of the book, or raise UnknownAccount."""
        try:
            return self.accounts[uid]
        except KeyError:
            raise errors.UnknownAccount(f"There is no account {uid}.", uid=uid) from None

    def _repeated(self, posting: "Posting", account: "Account") -> Action | None:
        """Return what the key posted before, where it was this very request."""
        earlier = self._earlier.get(posting.idempotency_key or "")
        if earlier and not earlier.answers(posting, account):
            raise errors.IdempotencyConflict(
                f"The key {posting.idempotency_key} was used for another posting, {earlier.reference}."
            )
        if earlier and not earlier._state.adding:
            earlier.replayed = True
        return earlier

    def bounds_of(self, account: "Account") -> Bounds:
        """Return the limits that bind an account."""
        if account.id not in self._bounds:
            self._bounds[account.id] = self._limits.of(account)
        return self._bounds[account.id]

    def _take_headroom(self, currency: str, delta: Decimal) -> None:
        if self.headroom is None or not delta:
            return
        left = self.headroom.get(currency, Decimal(0)) - delta
        if left < 0:
            raise errors.ExceedsCap(currency=currency)
        self.headroom[currency] = left
