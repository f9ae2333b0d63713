"""Blocks of the event store: events come in with the block that seals them, in one transaction, or not at all.

Invariants: one block is made at a time, whatever number of relays runs (a lock on audit_key, held to the commit: the site's
role, which could take and keep any advisory lock, has no right to it); blocks are numbered without a gap; a block's events
are of one month (UTC), so that a month can leave the store with its blocks whole; an event that is there already is not added
again. Callers connect as the relay.
"""

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from psycopg import sql

from audit import keys, trusted
from audit.chain import CANONICAL, IDENTITY, NOTHING, SETTLE, Header, leaf, merkle_root, moment, month_of
from audit.registry import event_type
from backoffice.databases import EVENT_STORE

LOCK = "LOCK TABLE audit_key IN SHARE ROW EXCLUSIVE MODE"
LAST = "SELECT number, hash FROM audit_seal ORDER BY number DESC LIMIT 1"
THERE = "SELECT id::text FROM audit_event WHERE id = ANY(%s::uuid[]) AND created BETWEEN %s::timestamptz AND %s::timestamptz"
CURRENT = "SELECT id FROM audit_key ORDER BY from_block DESC LIMIT 1"
FIRST_KEY = "INSERT INTO audit_key (id, public, from_block, signed_by, signature) VALUES (%s, %s, 1, '', '')"
INTO = sql.SQL("COPY {} (block, position, leaf, {}) FROM STDIN")
COLUMNS = sql.SQL(", ").join(map(sql.Identifier, CANONICAL))
ADD = """
    INSERT INTO audit_seal (number, created, month, count, ids, leaves, root, previous, hash, key, signature)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The last block there is, and its hash; 0 and zeros before the first."""

    number: int
    hash: bytes


def seal(lines: Sequence[bytes], key: keys.SigningKey) -> int:
    """Add the events of these lines, and the blocks that seal them; return how many were new.

    Waits for whoever makes a block now. Raises ImproperlyConfigured where another key is the current one.
    """
    with sealing(key) as store:
        return add(store, lines, key)


@contextmanager
def sealing(key: keys.SigningKey) -> Iterator[Any]:
    """Be the one who makes blocks, in one transaction; yields the store's cursor. Raises as `seal` does."""
    with transaction.atomic(using=EVENT_STORE), connections[EVENT_STORE].cursor() as store:
        store.execute(SETTLE)
        store.execute(LOCK)
        check_key(store, key)
        yield store


def add(store: Any, lines: Sequence[bytes], key: keys.SigningKey) -> int:
    """Add events and their blocks within `sealing`; return how many were new."""
    fresh = _new(store, lines)
    for month, of_month in groupby(sorted(fresh, key=month_of), key=month_of):
        _add_block(store, list(of_month), month, key)
    return len(fresh)


def head(store: Any) -> Head:
    """Return the last block."""
    store.execute(LAST)
    found = store.fetchone()
    return Head(found[0], bytes(found[1])) if found else Head(0, NOTHING)


def check_key(store: Any, key: keys.SigningKey) -> None:
    """Refuse to sign with any key but the current one; the very first becomes it, and is trusted.

    Raises:
        ImproperlyConfigured: the store goes on with another key.
    """
    store.execute(CURRENT)
    found = store.fetchone()
    if found is None:
        store.execute(FIRST_KEY, [key.id, key.public.hex()])
        trusted.trust(trusted.TrustedKey(key=key.id, public=key.public.hex(), from_block=1))
    elif found[0] != key.id:
        raise ImproperlyConfigured(
            f"The event store is sealed with the key {found[0]}, and AUDIT_SIGNING_KEY holds {key.id}: "
            "bring that key back; after a rotation that was interrupted, run audit_rotate_key again."
        )


def _new(store: Any, lines: Sequence[bytes]) -> list[bytes]:
    """Leave out what a relay that was stopped between its two commits has added before."""
    if not lines:
        return []
    by_id = {line[:IDENTITY].decode(): line for line in lines}
    moments = [line[IDENTITY + 1 : line.index(b"\t", IDENTITY + 1)].decode() for line in by_id.values()]
    store.execute(THERE, [list(by_id), min(moments), max(moments)])
    for (known,) in store.fetchall():
        del by_id[known]
    return list(by_id.values())


def _add_block(store: Any, lines: list[bytes], month: str, key: keys.SigningKey) -> None:
    before, now = head(store), datetime.now(UTC)
    leaves = [leaf(line) for line in lines]
    ids = b"".join(UUID(line[:IDENTITY].decode()).bytes for line in lines)
    header = Header(
        number=before.number + 1,
        created=moment(now),
        month=month,
        count=len(lines),
        ids=sha256(ids).hexdigest(),
        root=merkle_root(leaves).hex(),
        previous=before.hash.hex(),
        key=key.id,
    )
    store.execute("SELECT audit_make_month(%s::date)", [month])
    with _writing(store) as table, store.copy(INTO.format(table, COLUMNS)) as copy:
        for position, (line, digest) in enumerate(zip(lines, leaves, strict=True)):
            copy.write(b"%d\t%d\t\\\\x%s\t%s\n" % (header.number, position, digest.hex().encode(), line))
    root, signature = bytes.fromhex(header.root), key.sign(header.signed())
    facts = [header.number, now, month, len(lines), ids, b"".join(leaves), root, before.hash, header.hash(), key.id]
    store.execute(ADD, [*facts, signature])


@contextmanager
def _writing(store: Any) -> Iterator[sql.Identifier]:
    """Name the table to copy events into: the relay's role copies into the store itself, its owner beside it."""
    store.execute("SELECT row_security_active('audit_event')")
    [(secured,)] = store.fetchall()
    if not secured:
        yield sql.Identifier("audit_event")
        return
    store.execute("CREATE TEMP TABLE audit_beside (LIKE audit_event) ON COMMIT DROP")
    yield sql.Identifier("audit_beside")
    store.execute("INSERT INTO audit_event SELECT * FROM audit_beside")
    store.execute("DROP TABLE audit_beside")


def event_line(store: Any, kind: str, data: dict[str, Any], **facts: str) -> bytes:
    """Return the line of an event that the audit tells of itself: now, by whoever runs the command."""
    texts = ("object_type", "object_id", "request_id", "method", "path", "browser", "reason")
    event = {
        **dict.fromkeys(texts, ""),
        "type": event_type(kind).name,
        "username": getpass.getuser(),
        "success": True,
        "data": data,
        **facts,
    }
    columns = sql.SQL(", ").join(map(sql.Identifier, CANONICAL[2:]))
    query = sql.SQL(
        "COPY (SELECT uuidv7(), clock_timestamp(), {} FROM jsonb_populate_record(NULL::audit_event, {})) TO STDOUT"
    ).format(columns, json.dumps(event))
    with store.copy(query) as copy:
        return b"".join(map(bytes, copy)).rstrip(b"\n")
