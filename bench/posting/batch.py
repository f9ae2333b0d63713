"""Batches with every rule, history and event on, beside COPY into the same table without its triggers."""

import random
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import psycopg
from django.conf import settings
from django.db import connection
from django.utils import timezone
from psycopg import sql

from bench import server
from bench.arms import Clients, measure
from bench.host import Operation
from bench.posting import world
from bench.report import Row

NAME = "COPY into the real table"
NOTE = (
    "into a copy of the real table with its indexes, checks and foreign keys, without its triggers: no rule, no balance moved, "
    "no cap, no event"
)
AIMS = {100: "at least 0.2", 10_000: "at least 0.35"}
TABLE = "CREATE TABLE copied_action (LIKE ledger_action INCLUDING ALL)"
FOREIGN_KEYS = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'ledger_action'::regclass AND contype = 'f'
"""
COLUMNS = """
    SELECT attname FROM pg_attribute WHERE attrelid = 'ledger_action'::regclass AND attnum > 0 AND NOT attisdropped
      AND attgenerated = '' AND NOT atthasdef AND attidentity = '' ORDER BY attnum
"""


def rows() -> Iterator[Row]:
    """Measure each size in one interleaved run, one client."""
    with world.filled("batches") as database:
        _copy_table(database)
        for size, aim in AIMS.items():
            ours = Clients("bench.posting.ours:batch", 1, database, arguments={"size": size})
            copy = Clients("bench.posting.batch:copied", 1, database, arguments={"size": size})
            with world.checked(database, [ours]):
                found = measure({"ours": ours, "copy": copy})
            _check(database, copy.done)
            yield Row.of(
                question=f"batch of {size:,}",
                subject="Account.post_batch",
                reference=NAME,
                ours=found["ours"],
                theirs=found["copy"],
                aim=aim,
                note=NOTE,
            )


def _copy_table(database: str) -> None:
    with server.session(database) as s:
        s.execute(TABLE)
        for (foreign_key,) in s.execute(FOREIGN_KEYS).fetchall():
            s.execute(sql.SQL("ALTER TABLE copied_action ADD {}").format(sql.SQL(foreign_key)))
        s.execute(
            sql.SQL("ALTER TABLE copied_action OWNER TO {}").format(
                sql.Identifier(settings.DATABASES["default"]["USER"])
            )
        )


def _check(database: str, copied: int) -> None:
    """Refuse the figures where not all rows have come; leave the table empty for the next size."""
    with server.session(database) as s:
        if s.execute("SELECT count(*) FROM copied_action").fetchone() != (copied,):
            raise RuntimeError(f"The copy does not hold the {copied} rows that were sent.")
        s.execute("TRUNCATE copied_action")


def copied(*, size: int) -> Operation:
    """COPY a transaction of rows such as a batch of deposits writes, spread over the accounts."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        columns = [name for (name,) in cursor.fetchall()]
        cursor.execute("SELECT id FROM ledger_account")
        accounts = [account for (account,) in cursor.fetchall()]
        cursor.execute(
            sql.SQL("SELECT {} FROM ledger_action WHERE version = 2 LIMIT 1").format(
                sql.SQL(", ").join(map(sql.Identifier, columns))
            )
        )
        sample = dict(zip(columns, cursor.fetchone() or (), strict=True))
    versions = iter(range(10**9))  # unique for an account, which is all that the table asks for

    def operation() -> int:
        now = timezone.now()
        rows = [
            tuple(_row(sample, account, next(versions), now).values()) for account in random.choices(accounts, k=size)
        ]
        _send(columns, rows)
        return size

    return operation


def _row(sample: dict[str, object], account: int, version: int, now: datetime) -> dict[str, object]:
    return sample | {"account_id": account, "version": version, "balance": Decimal(1), "created": now}


def _send(columns: list[str], rows: list[tuple[object, ...]]) -> None:
    """Send the rows and commit them."""
    connection.ensure_connection()
    session: psycopg.Connection = connection.connection
    command = sql.SQL("COPY copied_action ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
    with session.cursor().copy(command) as copy:
        for row in rows:
            copy.write_row(row)
