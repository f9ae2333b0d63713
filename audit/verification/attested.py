"""What is rightly gone: erased payloads and months that were moved to files, as sealed events tell.

Only an event in a block that holds is believed: what it says is sealed as everything else.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from audit.chain import PLACE, leaf
from audit.verification.blocks import Block, in_itself, read_blocks
from audit.verification.events import Row, by_block, lines
from audit.verification.trust import Trust

TOLD = "SELECT block, data::text FROM audit_event WHERE type = %s ORDER BY block, position"
TYPE, DATA = PLACE["type"], PLACE["data"]


class Attested(NamedTuple):
    """The hash of what is left of each erased event, and the files of months as the last event of archiving lists them."""

    erased: dict[str, str]
    archives: list[dict[str, Any]]

    def archived(self, month: date, number: int) -> bool:
        """Return whether a block's events were moved to a file."""
        return number <= self.last_block(month)

    def last_block(self, month: date) -> int:
        """Return the last block of a month whose events were moved to a file, or 0."""
        return max((one["last_block"] for one in self.archives if one["month"] == month.isoformat()), default=0)

    def with_erasures(self, blocks: Iterable[tuple[Block, list[Row]]], trust: Trust) -> "Attested":
        """Add the erasures that the blocks of a file tell of, as far as they hold."""
        erased = dict(self.erased)
        for block, found in blocks:
            told = [row for row in found if row.line.split(b"\t")[TYPE] == b"audit.erased"]
            if told and not any(in_itself(block, trust)) and _agree(block, found):
                for row in told:
                    erased |= json.loads(_unescaped(row.line.split(b"\t")[DATA]))["events"]
        return self._replace(erased=erased)


def read_attested(store: Any, trust: Trust) -> Attested:
    """Read what the store's own events tell of what is gone."""
    erased: dict[str, str] = {}
    for data in _told(store, trust, "audit.erased"):
        erased |= data["events"]
    archives: list[dict[str, Any]] = []
    for data in _told(store, trust, "audit.archived"):
        archives = data["months"]  # each lists all before it
    return Attested(erased, archives)


def _told(store: Any, trust: Trust, kind: str) -> Iterator[Any]:
    store.execute(TOLD, [kind])
    for number, data in store.fetchall():
        blocks = read_blocks(store, number - 1, number)
        if blocks and not any(in_itself(blocks[0], trust)):
            found = list(by_block(lines(store, number - 1, number)))
            if len(found) == 1 and found[0].agrees(blocks[0].leaves):
                yield json.loads(data)


def _agree(block: Block, found: list[Row]) -> bool:
    return b"".join(leaf(row.line) for row in found) == block.leaves


def _unescaped(text: bytes) -> bytes:
    """Undo what COPY does to a backslash, the only thing in JSON that it touches."""
    return text.replace(b"\\\\", b"\\")
