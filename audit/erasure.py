"""Removing what is kept of a person, on request, while the chain still verifies.

Of every event about the objects named, or that mentions a text, the payload goes (path, address, browser, reason, data); what
stays is that at a moment somebody did something of that type to that object, and the leaf under which it was sealed. The
erasure is an event of its own, in a block of its own: it names each event and the hash of what is left of it, so that
audit_verify tells an erasure from an edit. Archives are written anew in the same way. `audit.erasing` does the rest:
historical rows and what readers keep. The ledger's own rows are not touched: the law that asks for the record of money is
another one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from django.db import connections
from psycopg import sql

from audit.archived_erasure import Rewritten, put_in_place, rewritten
from audit.chain import CANONICAL, IDENTITY
from audit.keys import SigningKey
from audit.relay import whole_lines
from audit.seal import add, event_line, sealing
from audit.trusted import trusted_keys
from audit.verification.attested import read_attested
from audit.verification.events import what_is_left
from audit.verification.trust import Trust
from backoffice.databases import LEDGERS
from backoffice.exporting import batched

NOTHING = ("", "")  # the object of an event about several
PART = 1_000  # events that one event of erasure names
ABOUT = """
    SELECT id FROM audit_event WHERE object_type = %s AND object_id = %s AND erased IS NULL AND type NOT LIKE 'audit.%%'
"""
MENTIONS = """
    SELECT id FROM audit_event WHERE erased IS NULL AND type NOT LIKE 'audit.%%'
        AND concat_ws(' ', path, reason, browser, data::text) ILIKE ANY (%s)
"""
LEFT = "COPY (SELECT erased, {} FROM audit_event WHERE id = ANY ({}::uuid[])) TO STDOUT"
WAITING = """
    SELECT count(*) FROM audit_outbox WHERE object_type || ':' || object_id = ANY (%s)
        OR data ? 'written_out_by' AND (object_type = ANY (%s) OR %s)
        OR concat_ws(' ', path, reason, browser, data::text) ILIKE ANY (%s::text[])
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be erased: objects such as ("backoffice.user", "17"), and what else mentions one of these texts."""

    objects: Sequence[tuple[str, str]]
    mentions: Sequence[str] = ()
    reason: str = ""

    def spellings(self) -> list[str]:
        """Return each text as it may stand in an event: as it is, as an address has it, also one within another, and as JSON."""
        plain = set(self.mentions)
        once = {spell(text) for text in plain for spell in (quote_plus, quote)}
        twice = {spell(text) for text in once for spell in (quote_plus, quote)}
        return sorted({spelt for text in plain | once | twice for spelt in (text, _in_json(text))})

    def patterns(self) -> list[str]:
        """Return the spellings as patterns of LIKE."""
        escaped = (text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for text in self.spellings())
        return [f"%{text}%" for text in escaped]


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def erase(request: Request, archives: Sequence[Path], key: SigningKey) -> int:
    """Erase payloads in the store and in these archives; return of how many events. Callers connect as the relay.

    All in one transaction, in which no other block is made; the archives take their places when it has committed, and where
    that was interrupted, the command is given again. Raises ArchiveError where a file is no archive, or none of ours.
    """
    erased, files = 0, list[Rewritten]()
    with sealing(key) as store:
        attested = read_attested(store, Trust(trusted_keys()))
        for kind, identity in request.objects:
            store.execute(ABOUT, [kind, identity])
            erased += _erase(store, [str(event) for (event,) in store.fetchall()], request, key, (kind, identity))
        if request.mentions:
            store.execute(MENTIONS, [request.patterns()])
            erased += _erase(store, [str(event) for (event,) in store.fetchall()], request, key)
        listed = [dict(one) for one in attested.archives]
        for path in archives:
            if (file := rewritten(path, request.objects, request.spellings(), listed)) is not None:
                files.append(file)
                for part in batched(iter(file.left.items()), PART):
                    _tell(store, dict(part), request, key)
                erased += len(file.left)
        if files:
            add(store, [event_line(store, "audit.archived", {"months": listed})], key)
    put_in_place(files)
    return erased


def waiting(request: Request) -> int:
    """Return how many rows of the outboxes may still tell of the objects, or mention a text. Callers connect as the relay."""
    rows, kinds = 0, [kind for kind, _ in request.objects]
    named = [f"{kind}:{identity}" for kind, identity in request.objects]
    for alias in LEDGERS:
        with connections[alias].cursor() as outbox:
            outbox.execute(WAITING, [named, kinds, bool(request.mentions), request.patterns()])
            rows += outbox.fetchone()[0]
    return rows


def _erase(store: Any, events: list[str], request: Request, key: SigningKey, about: tuple[str, str] = NOTHING) -> int:
    for part in batched(iter(events), PART):
        store.execute("SELECT audit_erase(%s::uuid[])", [part])
        _tell(store, _what_is_left(store, part), request, key, about)
    return len(events)


def _tell(
    store: Any, left: dict[str, str], request: Request, key: SigningKey, about: tuple[str, str] = NOTHING
) -> None:
    """Seal an event of what was erased, PART at most."""
    facts = {"object_type": about[0], "object_id": about[1], "reason": request.reason}
    add(store, [event_line(store, "audit.erased", {"events": left}, **facts)], key)


def _what_is_left(store: Any, events: list[str]) -> dict[str, str]:
    columns = sql.SQL(", ").join(map(sql.Identifier, CANONICAL))
    with store.copy(sql.SQL(LEFT).format(columns, sql.Literal(events))) as copy:
        found = [text.split(b"\t", 1) for text in whole_lines(copy)]
    return {line[:IDENTITY].decode(): what_is_left(line, erased) for erased, line in found}
