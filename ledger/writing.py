"""Writing drafts: all of a batch in one statement, in which the database's guards check and follow them.

One or two rows go as plain values, a prepared statement of its own; more go as arrays, a column that holds the same value
in every row as that one value.
"""

from collections.abc import Sequence
from functools import cache
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
    if not drafts:
        return
    statement, values = _plain(drafts) if len(drafts) <= PAIR else _arrays(drafts)
    given = {row[:2]: Given(*row[2:]) for row in rows(using, statement, values)}
    for draft in drafts:
        draft.given = given[draft.row.account_id, draft.row.version]


def _plain(drafts: Sequence[Draft]) -> tuple[str, list[Any]]:
    used = tuple(
        name
        for name, *values in zip(Row._fields, *(draft.row for draft in drafts), strict=True)
        if any(value is not None for value in values)
    )
    return _values(used, len(drafts)), [getattr(draft.row, name) for draft in drafts for name in used]


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
