"""Rows of the outbox that pretend to be events of the sealing itself: they are sealed as what they are.

Types that begin with `audit.` are written by `seal.add` alone, beside their block, and a verification believes them. A row
of the outbox that bears one was put there past the application: nothing of it is lost, and the rule `outside_write` alerts.
Works on lines in COPY's text format, as the relay has them; no function of a database is trusted with it.
"""

import json
import re

from audit.chain import PLACE

TYPE, DATA = PLACE["type"], PLACE["data"]
SEALING = b"audit."
FORGED = "record.forged"
SOURCE = "somebody with the outbox of a database"
CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def as_it_is(line: bytes) -> bytes:
    """Return a line of the outbox, under `record.forged` where it bears a type that only sealing writes."""
    columns = line.split(b"\t")
    if not columns[TYPE].startswith(SEALING):
        return line
    name = re.sub(rb"\\(.)", lambda found: CONTROLS.get(found[1], found[1]), columns[TYPE])
    told = json.dumps(name.decode(), ensure_ascii=False).encode().replace(b"\\", b"\\\\")
    # In the order and with the spaces that jsonb has, so that the line is the one that the store gives back.
    columns[DATA] = b'{"told": %s, "type": %s, "source": "%s"}' % (columns[DATA], told, SOURCE.encode())
    columns[TYPE] = FORGED.encode()
    return b"\t".join(columns)
