"""Removing what events tell of a person, on request, while the chain still verifies.

Of every event about the objects named, the payload goes (path, address, browser, reason, data); what stays is that at a
moment somebody did something of that type to that object, and the leaf under which it was sealed. The erasure is an event
of its own, in a block of its own: it names each event and the hash of what is left of it, so that audit_verify tells an
erasure from an edit. Rows of the ledger and their history are not touched here: the law that asks for the record of money
is another one.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from psycopg import sql

from audit.chain import CANONICAL, IDENTITY, LEAF
from audit.keys import SigningKey
from audit.relay import whole_lines
from audit.seal import add, event_line, sealing

PART = 1_000  # events that one event of erasure names
ABOUT = "SELECT id FROM audit_event WHERE object_type = %s AND object_id = %s AND erased IS NULL AND type NOT LIKE 'audit.%%' ORDER BY created"
LEFT = "COPY (SELECT {} FROM audit_event WHERE id = ANY ({}::uuid[])) TO STDOUT"


def erase(objects: Sequence[tuple[str, str]], *, reason: str, key: SigningKey) -> int:
    """Erase the payload of all events about these objects, such as ("backoffice.user", "17"); return how many.

    All in one transaction, in which no other block is made. Callers connect as the relay.
    """
    erased = 0
    with sealing(key) as store:
        for kind, identity in objects:
            store.execute(ABOUT, [kind, identity])
            events = [str(event) for (event,) in store.fetchall()]
            for start in range(0, len(events), PART):
                part = events[start : start + PART]
                store.execute("SELECT audit_erase(%s::uuid[])", [part])
                line = event_line(
                    store,
                    "audit.erased",
                    {"events": _what_is_left(store, part)},
                    object_type=kind,
                    object_id=identity,
                    reason=reason,
                )
                add(store, [line], key)
                erased += len(part)
    return erased


def _what_is_left(store: Any, events: list[str]) -> dict[str, str]:
    columns = sql.SQL(", ").join(map(sql.Identifier, CANONICAL))
    with store.copy(sql.SQL(LEFT).format(columns, sql.Literal(events))) as copy:
        return {line[:IDENTITY].decode(): sha256(LEAF + line).hexdigest() for line in whole_lines(copy)}
