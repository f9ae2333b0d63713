"""Writing drafts: all of a batch in one statement, in which the database's guards check and follow them.

One or two rows go as plain values, a prepared statement of its own; more go as arrays, a column that holds the same value
in every row as that one value.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from ledger.draft import KINDS, Draft, Given, Row
from ledger.reading import rows

PAIR = 2
RETURNED = "RETURNING account_id, version, id, uid, reference, recorded"
INTO = f"INSERT INTO ledger_action ({', '.join(Row._fields)})"


def write(drafts: Sequence[Draft], using: str) -> None:
    """Insert the drafts and complete them with what the database gave.

    The trigger on the table moves the accounts and takes from the cap; raises django.db.IntegrityError named by the guard
    that refuses.
    """
    if drafts:
        _insert(drafts, *(_plain(drafts) if len(drafts) <= PAIR else _arrays(drafts)), using)


def write_unlocked(drafts: Sequence[Draft], using: str) -> bool:
    """Insert drafts whose accounts nobody has locked; say whether that was done.

    The statement itself locks the accounts, in ascending id and before it inserts anything: a row whose index entry is
    there before the lock would be waited for by whoever has the lock, in a circle. Nothing is inserted where an account has
    moved on since it was read, or where drafts are more than one an account.
    """
    before = sorted((draft.row.account_id, draft.row.version - 1) for draft in drafts)
    if len(drafts) > PAIR or len({account for account, _ in before}) < len(drafts):
        return False
    used = _used(drafts)
    values = [getattr(draft.row, name) for draft in drafts for name in used]
    return not drafts or _insert(drafts, _locking(used, len(drafts)), [*values, *chain(*before)], using)


def _insert(drafts: Sequence[Draft], statement: str, values: list[Any], using: str) -> bool:
    given = {row[:2]: Given(*row[2:]) for row in rows(using, statement, values)}
    for draft in drafts if given else ():
        draft.given = given[draft.row.account_id, draft.row.version]
    return bool(given)


def _used(drafts: Sequence[Draft]) -> tuple[str, ...]:
    """Return the columns in which any of the drafts has something."""
    columns = zip(Row._fields, *(draft.row for draft in drafts), strict=True)
    return tuple(name for name, *values in columns if any(value is not None for value in values))


def _plain(drafts: Sequence[Draft]) -> tuple[str, list[Any]]:
    used = _used(drafts)
    return _values(used, len(drafts)), [getattr(draft.row, name) for draft in drafts for name in used]


@cache
def _locking(used: tuple[str, ...], count: int) -> str:
    """Return the statement that locks accounts at their versions and inserts a row each, if it found them all."""
    row = ", ".join("%s::" + KINDS.get(name, "text") for name in used)
    moved = " OR ".join(["id = %s AND version = %s"] * count)
    accounts = f"ledger_account WHERE {moved} ORDER BY id FOR NO KEY UPDATE"
    if count == 1:
        source = f"{row} FROM {accounts}"
    else:
        found = f"(SELECT count(*) FROM (SELECT FROM {accounts}) l)"  # noqa: S608  names of the columns
        source = f"* FROM (VALUES {', '.join([f'({row})'] * count)}) v WHERE {found} = {count}"
    return f"INSERT INTO ledger_action ({', '.join(used)}) SELECT {source} {RETURNED}"


@cache
def _values(used: tuple[str, ...], count: int) -> str:
    """Return the statement for so many rows; the columns that none of them uses are left out."""
    row = f"({', '.join('%s' for _ in used)})"
    return f"INSERT INTO ledger_action ({', '.join(used)}) VALUES {', '.join([row] * count)} {RETURNED}"  # noqa: S608  names of the columns


def _arrays(drafts: Sequence[Draft]) -> tuple[str, list[Any]]:
    columns = [list(column) for column in zip(*(draft.row for draft in drafts), strict=True)]
    alike = tuple(column.count(column[0]) == len(column) for column in columns)
    values = [column[0] if same else column for column, same in zip(columns, alike, strict=True)]
    arrays = [value for value, same in zip(values, alike, strict=True) if not same]
    return _unnested(alike), [*(value for value, same in zip(values, alike, strict=True) if same), *arrays]


@cache
def _unnested(alike: tuple[bool, ...]) -> str:
    """Return the statement for batches in which these columns hold one value. `version` always differs or is one array."""
    kinds = [KINDS.get(name, "text") for name in Row._fields]
    chosen = [
        f"%s::{kind}" if same else f"u.{name}" for name, kind, same in zip(Row._fields, kinds, alike, strict=True)
    ]
    arrays = [(name, kind) for name, kind, same in zip(Row._fields, kinds, alike, strict=True) if not same]
    unnest = ", ".join(f"%s::{kind}[]" for _, kind in arrays)
    names = ", ".join(name for name, _ in arrays)
    return f"{INTO} SELECT {', '.join(chosen)} FROM unnest({unnest}) u ({names}) {RETURNED}"  # noqa: S608  names of the columns
