"""Months of the event store that have been kept long enough leave it for files; the seals of their blocks stay for ever.

A month leaves whole, in one transaction of the owner's in which no block is made (the lock of sealing is taken first, that of
the table last): its blocks and events are written to a file, the file is verified, an event that holds its hash is sealed, the
partition is dropped. What arrives for that month afterwards gets a partition anew and, one day, a file of its own: a file is
named after its blocks, and never written over. What was interrupted is done again by the next run.
"""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql

from audit.chain import CANONICAL, month_before
from audit.keys import SigningKey
from audit.seal import add, event_line, sealing
from audit.trusted import keep_names, trusted_keys
from audit.verification.archive import FORMAT, SUFFIX, as_line, block_line, verify_archive
from audit.verification.archive import event_line as archived_event
from audit.verification.attested import Attested, read_attested
from audit.verification.blocks import ranges, read_blocks
from audit.verification.events import lines, rows_by_block
from audit.verification.findings import Report
from audit.verification.trust import Trust
from backoffice.databases import EVENT_STORE, as_owner

AHEAD = 3  # months that partitions are made for
LOCK_WAIT = "10s"  # for readers of the month; it is tried again by the next run
MONTHS = "SELECT DISTINCT month FROM audit_seal WHERE month < %s AND to_regclass('audit_event_' || to_char(month, 'YYYY_MM')) IS NOT NULL ORDER BY month"


class RetentionError(Exception):
    """Why a month stays in the store, in a sentence. Nothing was changed there."""


def make_ahead(today: date) -> None:
    """Make the partitions of this month and the next ones. Callers connect as the relay."""
    with connections[EVENT_STORE].cursor() as store:
        for ahead in range(AHEAD + 1):
            store.execute("SELECT audit_make_month(%s)", [month_before(today, -ahead)])


def due(today: date) -> list[date]:
    """Return the months that have been kept for AUDIT_RETENTION_MONTHS whole months, the oldest first."""
    with connections[EVENT_STORE].cursor() as store:
        store.execute(MONTHS, [month_before(today, settings.AUDIT_RETENTION_MONTHS)])
        return [month for (month,) in store.fetchall()]


def archive(month: date, key: SigningKey) -> Path | None:
    """Move a month to a file; return its path, or None where another run was faster. Connects as the owner.

    Raises:
        RetentionError: the month does not verify, or holds what no block does.
        OperationalError: somebody has been reading the month for longer than LOCK_WAIT.
    """
    with as_owner(EVENT_STORE), sealing(key) as store:
        store.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        store.execute("SELECT to_regclass(%s) IS NULL", [partition(month)])
        if store.fetchone()[0]:
            return None
        trust = Trust(trusted_keys())
        attested = read_attested(store, trust)
        path = _move(store, month, trust, attested, key)
        name = sql.Identifier(partition(month))
        store.execute(sql.SQL("ALTER TABLE audit_event DETACH PARTITION {}").format(name))
        store.execute(sql.SQL("DROP TABLE {}").format(name))
    return path


def partition(month: date) -> str:
    """Return the name of a month's table."""
    return f"audit_event_{month:%Y_%m}"


def _move(store: Any, month: date, trust: Trust, attested: Attested, key: SigningKey) -> Path | None:
    """Write what is in the partition to a file, verify that, and seal an event of it; no file where there is nothing."""
    parts = list(ranges(store, attested.last_block(month), month))
    with fresh_file(settings.AUDIT_ARCHIVE_FOLDER) as fresh:
        numbers = _write(store, month, parts, fresh)
        report = Report()
        verify_archive(fresh, trust, attested, store, report)
        if report.findings:
            raise RetentionError(f"{month:%Y-%m} stays: {report.findings[0].text} Run audit_verify.")
        store.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(partition(month))))
        if (there := store.fetchone()[0]) != report.events:
            text = (
                f"its partition holds {there} events, and the blocks to be archived {report.events}. Run audit_verify."
            )
            raise RetentionError(f"{month:%Y-%m} stays: {text}")
        if not numbers:
            return None
        path = keep(fresh, f"events-{month:%Y-%m}.blocks-{numbers[0]}-{numbers[-1]}")
    facts = {"events": report.events, "blocks": report.blocks, "first_block": numbers[0], "last_block": numbers[-1]}
    told = {"month": month.isoformat(), "file": path.name, "sha256": sha256(path.read_bytes()).hexdigest(), **facts}
    add(store, [event_line(store, "audit.archived", {"months": [*attested.archives, told]})], key)
    return path


def _write(store: Any, month: date, parts: list[tuple[int, int]], path: Path) -> list[int]:
    """Write the blocks of a month in these ranges, each with its events; return their numbers."""
    numbers = []
    with compressed(path) as file:
        file.write(as_line(archive=FORMAT, month=month.isoformat(), columns=CANONICAL))
        for after, upto in parts:
            found = rows_by_block(lines(store, after, upto, partition(month)))
            for block in read_blocks(store, after, upto, month):
                file.write(block_line(block))
                file.writelines(map(archived_event, found.get(block.number, [])))
                numbers.append(block.number)
    return numbers


@contextmanager
def compressed(path: Path) -> Iterator[gzip.GzipFile]:
    """Write a compressed file that is on the disk afterwards; the same content gives the same bytes."""
    with path.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as file:
            yield file
        raw.flush()
        os.fsync(raw.fileno())


@contextmanager
def fresh_file(folder: Path) -> Iterator[Path]:
    """Lend a file in a folder of the owner's alone; it is gone afterwards, unless it was kept under another name."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = folder / f".{os.getpid()}.part"
    try:
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def keep(fresh: Path, stem: str) -> Path:
    """Give a file a name that no other content has; of what a run left that was interrupted, the same content is used."""
    number = 1
    while True:
        path = fresh.with_name(stem + (f".{number}" if number > 1 else "") + SUFFIX)
        try:
            os.link(fresh, path)  # never over another
        except FileExistsError:
            if path.read_bytes() != fresh.read_bytes():
                number += 1
                continue
        keep_names(path.parent)  # before the month's table goes
        return path
