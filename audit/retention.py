"""Months of the event store that have been kept long enough leave it for files; the seals of their blocks stay for ever.

A month leaves whole: its events and its blocks are written to one compressed file, JSON lines of what a block was made of;
the file's hash goes into an event of its own, which audit_verify needs to tell a month that was archived from one that was
stolen; then the partition is detached and dropped. What was interrupted is done again by the next run.
"""

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from psycopg import sql

from audit.chain import CANONICAL, month_before
from audit.keys import SigningKey
from audit.relay import whole_lines
from audit.seal import add, event_line, sealing
from backoffice.databases import EVENT_STORE, as_owner, as_relay

AHEAD = 3  # months that partitions are made for
MONTHS = "SELECT DISTINCT month FROM audit_seal WHERE month < %s AND to_regclass('audit_event_' || to_char(month, 'YYYY_MM')) IS NOT NULL ORDER BY month"
SEALS = """
    SELECT number, created, month, count, encode(ids, 'hex'), encode(root, 'hex'), encode(previous, 'hex'), encode(hash, 'hex'), key,
           encode(signature, 'hex')
    FROM audit_seal WHERE month = %s ORDER BY number
"""
SEAL_FIELDS = ("number", "created", "month", "count", "ids", "root", "previous", "hash", "key", "signature")
LINES = """COPY (
    SELECT block, position, erased IS NOT NULL, encode(leaf, 'hex'), {} FROM audit_event
    WHERE created >= {}::timestamptz AND created < {}::timestamptz ORDER BY block, position
) TO STDOUT"""
ARCHIVED = "SELECT data -> 'months' FROM audit_event WHERE type = 'audit.archived' ORDER BY block DESC LIMIT 1"


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


def archive(month: date, key: SigningKey) -> Path:
    """Move a month to a file; return its path. Takes the relay's rights to seal and the owner's to detach."""
    path: Path = settings.AUDIT_ARCHIVE_FOLDER / f"events-{month:%Y-%m}.jsonl.gz"
    with as_relay(EVENT_STORE), sealing(key) as store:
        store.execute(ARCHIVED)
        found = store.fetchone()
        before = [one for one in (json.loads(found[0]) if found else []) if one["month"] != month.isoformat()]
        facts = {"month": month.isoformat(), "file": path.name, **_write(store, month, path)}
        add(store, [event_line(store, "audit.archived", {"months": [*before, facts]})], key)
    with as_owner(EVENT_STORE), transaction.atomic(using=EVENT_STORE), connections[EVENT_STORE].cursor() as store:
        name = sql.Identifier(f"audit_event_{month:%Y_%m}")
        store.execute(sql.SQL("ALTER TABLE audit_event DETACH PARTITION {}").format(name))
        store.execute(sql.SQL("DROP TABLE {}").format(name))
    return path


def _write(store: Any, month: date, path: Path) -> dict[str, Any]:
    """Write blocks and events of a month; return the facts of the file."""
    beginnings = (f"{month} 00:00+00", f"{month_before(month, -1)} 00:00+00")
    store.execute(SEALS, [month])
    blocks = [dict(zip(SEAL_FIELDS, row, strict=True)) for row in store.fetchall()]
    events = 0
    with _whole(path) as file:
        for block in blocks:
            file.write(json.dumps({"block": block}, default=_written).encode() + b"\n")
        columns = sql.SQL(", ").join(map(sql.Identifier, CANONICAL))
        with store.copy(sql.SQL(LINES).format(columns, *map(sql.Literal, beginnings))) as copy:
            for line in whole_lines(copy):
                number, position, erased, leaf, canonical = line.split(b"\t", 4)
                event = {
                    "block": int(number),
                    "position": int(position),
                    "leaf": leaf.decode(),
                    "line": canonical.decode(),
                }
                file.write(json.dumps({"event": {**event, "erased": erased == b"t"}}).encode() + b"\n")
                events += 1
    last = max((block["number"] for block in blocks), default=0)
    return {
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "events": events,
        "blocks": len(blocks),
        "last_block": last,
    }


@contextmanager
def _whole(path: Path) -> Iterator[gzip.GzipFile]:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.part")
    with fresh.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as file:
            yield file
        raw.flush()
        os.fsync(raw.fileno())
    fresh.replace(path)


def _written(value: date) -> str:
    return value.isoformat()
