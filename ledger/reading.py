"""Reading the book of a batch: its accounts, and all that decides about its postings, set by set.

A few accounts bring their limits along in one statement, which is all that most single postings read; a large batch reads
its limits once. `lock` comes before, where a lock is needed; what was read without one is checked by the database when it
is written, because an action has to continue its account.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connections
from django.db.models.base import ModelState
from django.utils import timezone
from psycopg.pq import Format

from ledger.book import Book
from ledger.choices import ActionType, LimitKind
from ledger.draft import Draft
from ledger.limits import Limits, Rule
from ledger.shape import usable_key

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.posting import Posting

FEW = 4  # accounts whose limits are looked up one by one, in the statement that reads them
LOCK = "SELECT id FROM ledger_account WHERE uid = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
VALID = "NOT l.is_void AND l.valid @> statement_timestamp()"
LIMITS = f"""
    SELECT kind, currency, e.id, account_id, amount, coalesce(cardinality(branch), 0), coalesce(e.id <> entity_id, false)
    FROM ledger_limit l LEFT JOIN unnest(%s::bigint[]) e (id) ON e.id = ANY(l.branch)
    WHERE {VALID} AND currency = ANY(%s)
    AND (entity_id IS NULL OR e.id IS NOT NULL) AND (account_id IS NULL OR account_id = ANY(%s))
"""  # noqa: S608  built of the text above
OWN_LIMITS = f"""ARRAY(SELECT ARRAY[kind, l.currency, l.entity_id::text, account_id::text, amount::text, cardinality(branch)::text]
    FROM ledger_limit l WHERE {VALID} AND l.currency = a.currency
    AND (l.entity_id IS NULL OR a.entity_id = ANY(l.branch)) AND (l.account_id IS NULL OR l.account_id = a.id))
"""  # noqa: S608  built of the text above
STARTS = """
    SELECT a.id, ledger_turnover_at(a.id, %s), ledger_turnover_at(a.id, %s) FROM unnest(%s::bigint[]) a (id)
"""
RETURNED = "SELECT reverses_id, sum(abs(delta)) FROM ledger_action WHERE reverses_id = ANY(%s) GROUP BY 1"
HOLDS = "SELECT placed_id, state FROM ledger_hold WHERE placed_id = ANY(%s)"
HEADROOM = "SELECT currency, sum(remaining) FROM ledger_headroom WHERE currency = ANY(%s) GROUP BY 1"
LOCK_HEADROOM = "SELECT currency, remaining FROM ledger_lock_headroom(%s)"


def uids_of(postings: Iterable["Posting"]) -> list[UUID]:
    """Return the accounts that the postings touch. A uid that is none belongs to no account."""
    uids: list[Any] = []
    for posting in postings:
        uids.append(posting.uid)
        if posting.to:
            uids.append(posting.to)
        if posting.counter:
            uids.append(posting.counter.account.uid)
    return list({uid for uid in uids if isinstance(uid, UUID)})


def lock(postings: Sequence["Posting"], using: str) -> None:
    """Lock the accounts of the postings in ascending id, the one order of the whole ledger. Needs a transaction."""
    rows(using, LOCK, [uids_of(postings)])


def read(accounts: type["Account"], postings: Sequence["Posting"], using: str) -> Book:
    """Return the book of these postings; nothing is locked."""
    book = _opened(accounts, uids_of(postings), using)
    _read_due(book, postings)
    _read_earlier(book, postings)
    _read_returned(book, postings)
    _read_holds(book, postings)
    return book


def of(accounts: type["Account"], uids: list[UUID], using: str) -> Book:
    """Return a book of these accounts, for what any posting would find."""
    book = _opened(accounts, uids, using)
    _read_due(book, [])
    read_headroom(book)
    return book


def _opened(accounts: type["Account"], uids: list[UUID], using: str) -> Book:
    few = len(uids) if len(uids) <= FEW else 0
    names = columns(accounts)
    found = rows(using, _query(tuple(names), few), uids if few else [uids])
    known = [_account(accounts, names, row, using) for row in found]
    book = Book({account.uid: account for account in known}, timezone.now(), using)
    book.limits = Limits(_own(known, found) if few else _limits(known, using))
    _read_starts(book)
    return book


@cache
def _query(names: tuple[str, ...], few: int) -> str:
    """Return the statement for so many accounts; one by one, as for an array of unknown length the server plans anew each time."""
    which = f"IN ({', '.join(['%s'] * few)})" if few else "= ANY(%s)"
    return f"SELECT {', '.join(names)}, {OWN_LIMITS if few else 'NULL'} FROM ledger_account a WHERE uid {which}"  # noqa: S608  names of the model


def _account(accounts: type["Account"], names: list[str], row: Any, using: str) -> "Account":
    """Return what `accounts.from_db` would, field by field at a third of its cost: a batch reads thousands."""
    account = accounts.__new__(accounts)
    account.__dict__.update(zip(names, row, strict=False))  # the last column is none of the account's
    account._state = ModelState()
    account._state.adding, account._state.db = False, using
    return account


def columns(accounts: type["Account"]) -> list[str]:
    """Return the columns of an account, in the order of the model."""
    return [field.attname for field in accounts._meta.concrete_fields]


def rows(using: str, query: str, given: Sequence[Any]) -> list[Any]:
    """Return the rows of a query, sent in binary: an amount or a moment is read in a third of the time that text takes."""
    with connections[using].cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(query, given)
        found: list[Any] = cursor.fetchall()
    return found


def _own(known: "list[Account]", found: list[Any]) -> set[Rule]:
    """Return the limits that came along with the accounts."""
    return {_rule(account.entity_id, *limit) for account, row in zip(known, found, strict=True) for limit in row[-1]}


def _rule(of: int, kind: str, currency: str, *told: str | None) -> Rule:
    """Return a limit that came as text, for accounts of the entity `of`."""
    entity, account, amount, width = told
    if entity:
        return Rule(kind, currency, of, None, Decimal(amount or 0), int(width or 0), int(entity) != of)
    return Rule(kind, currency, None, int(account) if account else None, Decimal(amount or 0))


def _limits(known: "list[Account]", using: str) -> list[Rule]:
    currencies, entities = {account.currency for account in known}, {account.entity_id for account in known}
    given = [list(entities), list(currencies), [account.id for account in known]]
    return [Rule(*row) for row in rows(using, LIMITS, given)]


def _read_starts(book: Book) -> None:
    """Read what had turned over when the day and the month began, for the accounts whose limits ask for it."""
    kinds = (LimitKind.DAILY_TURNOVER, LimitKind.MONTHLY_TURNOVER)
    if book.limits.kinds.isdisjoint(kinds):
        return
    asked = [a for a in book.accounts.values() if any(kind in book.bounds_of(a).rules for kind in kinds)]
    day, month = periods(book.now)
    for account, of_day, of_month in rows(book.using, STARTS, [day, month, [account.id for account in asked]]):
        book.starts[account] = {kinds[0]: of_day, kinds[1]: of_month}


def periods(now: datetime) -> tuple[datetime, datetime]:
    """Return when the day and the month began, in the time zone of the settings."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day.replace(day=1)


def _read_due(book: Book, postings: Sequence["Posting"]) -> None:
    """Take holds that have expired for released: the next action of the account writes that down.

    What the postings themselves release is theirs to write.
    """
    from ledger.models.hold import Hold  # noqa: PLC0415  the models import the engine

    holding = [account.id for account in book.accounts.values() if account.held]
    if not holding:
        return
    released = [p.hold.pk for p in postings if p.hold and p.type == ActionType.RELEASED]
    due = Hold.due(book.now, book.using).filter(account__in=holding).exclude(pk__in=released)
    for hold in due.select_related("account"):
        book.due.setdefault(hold.account_id, []).append(hold)
        book.by_id[hold.account_id].held -= hold.amount
        book.hold_states[hold.pk] = "expired"


def _read_earlier(book: Book, postings: Sequence["Posting"]) -> None:
    """Read what the keys posted before. A key belongs to its entity."""
    from ledger.models.action import Action  # noqa: PLC0415  the models import the engine

    keys = [posting.idempotency_key for posting in postings if usable_key(posting.idempotency_key)]
    if not keys:
        return
    entities = {account.entity_id for account in book.accounts.values()}
    for action in Action.objects.using(book.using).filter(entity_id__in=entities, idempotency_key__in=keys):
        book.earlier[action.entity_id, str(action.idempotency_key)] = Draft.of(action)


def _read_returned(book: Book, postings: Sequence["Posting"]) -> None:
    originals = [leg.pk for posting in postings for leg in (posting.reverses, posting.counter) if leg]
    if originals:
        book.returned = dict(rows(book.using, RETURNED, [originals]))


def _read_holds(book: Book, postings: Sequence["Posting"]) -> None:
    holds = [posting.hold.pk for posting in postings if posting.hold and posting.type != ActionType.HELD]
    if holds:
        book.hold_states = dict(rows(book.using, HOLDS, [holds])) | book.hold_states


def read_headroom(book: Book) -> None:
    """Read what is left under the caps, so that a preview weighs them too."""
    _headroom(book, HEADROOM)


def lock_headroom(book: Book) -> None:
    """Lock all slots of the currencies at hand, so that the cap can be weighed posting by posting."""
    _headroom(book, LOCK_HEADROOM)


def _headroom(book: Book, query: str) -> None:
    currencies = sorted({account.currency for account in book.accounts.values()})
    book.headroom = dict(rows(book.using, query, [currencies]))
