"""The way from the outboxes to the event store.

Rows whose transaction is older than every running one are taken and locked, written out as the lines that blocks are made
of, added to the event store together with their block (the same id twice is added once), and only then forgotten. Stopped
at any point, the next run goes on from there: nothing is lost and nothing doubled. Any number of relays may run; each takes
rows that no other holds, and they take turns in sealing.

Memory: lines are streamed, at most BLOCK of them are held; one row of the outbox may stand for any number of events.
Callers connect as the relay (`backoffice.databases.as_relay`).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.db import connections, transaction
from psycopg import sql

from audit.chain import CANONICAL, SETTLE
from audit.forged import as_it_is
from audit.keys import SigningKey
from audit.seal import seal
from backoffice.databases import LEDGERS

ROWS = 2_000  # of the outbox, in one transaction
EVENTS = 20_000  # that those may stand for, unless a single row stands for more
BLOCK = 10_000  # events
DUE = sql.SQL("COPY (SELECT taken, {} FROM audit_due({}, {}, {})) TO STDOUT")
FORGET = "SELECT audit_forget(%s::uuid[])"
NO_EVENT = b"\\N"
OLDEST = "SELECT audit_waiting_since()"


def relay_batch(alias: str, key: SigningKey, most: int = ROWS) -> int:
    """Move up to `most` rows of one database's outbox; return how many were taken."""
    origin = "{}" if alias == "default" else json.dumps({"database": alias})
    columns = sql.SQL(", ").join(map(sql.Identifier, CANONICAL))
    taken: set[str] = set()
    with transaction.atomic(using=alias), connections[alias].cursor() as outbox:
        outbox.execute(SETTLE)
        with outbox.copy(DUE.format(columns, most, EVENTS, origin)) as rows:
            for block in blocks(whole_lines(rows), taken):
                seal(block, key)
        if taken:
            outbox.execute(FORGET, [list(taken)])
    return len(taken)


def blocks(rows: Iterable[bytes], taken: set[str]) -> Iterator[list[bytes]]:
    """Cut events into blocks, note which rows of the outbox they stand in, and let none pass for one of the sealing."""
    block: list[bytes] = []
    for row in rows:
        of, line = row.split(b"\t", 1)
        taken.add(of.decode())
        if not line.startswith(NO_EVENT):
            block.append(as_it_is(line))
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def whole_lines(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Yield what COPY sends line by line, however the server has cut it."""
    rest = b""
    for piece in pieces:
        text = bytes(piece)
        if not rest and text.find(b"\n") == len(text) - 1:  # a row a message, as PostgreSQL does it
            yield text[:-1]
        else:
            *lines, rest = (rest + text).split(b"\n")
            yield from lines


def relay(key: SigningKey, stopped: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, int]]:
    """Move all that is due, batch by batch; yield the database and the number of each."""
    for alias in LEDGERS:
        while not stopped() and (taken := relay_batch(alias, key)):
            yield alias, taken


def waiting() -> int:
    """Return how many rows are on their way."""
    total = 0
    for alias in LEDGERS:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit_outbox")
            total += cursor.fetchone()[0]
    return total


def waiting_since() -> datetime | None:
    """Return when the ledger's oldest event on its way was written, or None. One look at an index.

    The sandbox is not asked: the console does not depend on it.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute(OLDEST)
        since: datetime | None = cursor.fetchall()[0][0]
    return since
