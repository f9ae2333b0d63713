"""Proof that the event store holds what was sealed: every event, in every block, and no other.

Reads a snapshot, a range of blocks at a time: headers first (chain, signature, key), then the events as the lines that
were hashed. A block whose leaves all agree costs a hash an event; only one that does not is looked into row by row.
What is trusted: the file of trusted keys, and the published head; nothing in the database.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from psycopg import sql

from audit import keys
from audit.chain import (
    CANONICAL,
    DIGEST,
    HEAD,
    IDENTITY,
    LEAF,
    NOTHING,
    SETTLE,
    Header,
    canonical_json,
    leaf,
    merkle_root,
    moment,
)
from audit.relay import whole_lines
from backoffice.databases import EVENT_STORE

CHUNK = 100_000  # events whose blocks are looked at together
MOST_BLOCKS = 5_000  # in a chunk
MOST_FINDINGS = 1_000  # told; the others are counted
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
COUNTS = "SELECT number, count FROM audit_seal WHERE number > %s ORDER BY number LIMIT %s"
SEALS = """
    SELECT number, created, month, count, ids, leaves, root, previous, hash, key, signature
    FROM audit_seal WHERE number > %s AND number <= %s ORDER BY number
"""
LINES = sql.SQL("""COPY (
    SELECT block, position, encode(leaf, 'hex'), erased IS NOT NULL, {columns} FROM audit_event
    WHERE block > {after} AND block <= {upto} ORDER BY block, position
) TO STDOUT""").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, CANONICAL)),
    after=sql.Placeholder("after"),
    upto=sql.Placeholder("upto"),
)
ATTESTED = "SELECT block, data FROM audit_event WHERE type = %s ORDER BY block, position"
ENDLESS = 2**63 - 1
NOT_ERASED = b"f"
POSITIONS = [b"%d" % number for number in range(100_000)]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed."""

    block: int | None
    event: str | None
    kind: str
    text: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    events: int = 0
    blocks: int = 0
    findings: list[Finding] = field(default_factory=list)
    unsaid: int = 0
    head: str = ""

    def add(self, *found: Finding) -> None:
        """Add findings, and count those that are too many to tell."""
        room = max(0, MOST_FINDINGS - len(self.findings))
        self.findings += found[:room]
        self.unsaid += len(found[room:])

    def told(self) -> list[dict[str, Any]]:
        """Return the findings as JSON has them."""
        told = [asdict(finding) for finding in self.findings]
        if self.unsaid:
            told.append(asdict(Finding(None, None, "more", f"{self.unsaid} findings more are not listed.")))
        return told


class Row(NamedTuple):
    """An event as it stands in the store."""

    position: int
    stored: bytes
    erased: bool
    line: bytes

    @property
    def id(self) -> str:
        return self.line[:IDENTITY].decode()


class Block(NamedTuple):
    """A row of audit_seal."""

    number: int
    created: datetime
    month: date
    size: int
    ids: bytes
    leaves: bytes
    root: bytes
    previous: bytes
    hash: bytes
    key: str
    signature: bytes

    @property
    def header(self) -> Header:
        return Header(
            number=self.number,
            created=moment(self.created),
            month=self.month.isoformat(),
            count=self.size,
            root=self.root.hex(),
            previous=self.previous.hex(),
            key=self.key,
        )

    def sealed(self) -> list[tuple[str, bytes]]:
        """Return the id and the leaf of each event that was sealed."""
        ids = [str(UUID(bytes=self.ids[at : at + 16])) for at in range(0, len(self.ids) // 16 * 16, 16)]
        return list(zip(ids, cut(self.leaves), strict=False))


def cut(leaves: bytes) -> list[bytes]:
    """Cut a block's leaves apart."""
    return [leaves[at : at + DIGEST] for at in range(0, len(leaves), DIGEST)]


class Attested(NamedTuple):
    """What is rightly gone: the hash of what is left of each erased event, and the months that were moved to files."""

    erased: dict[str, str]
    months: dict[str, int]


class Verifier:
    """One run over the store."""

    def __init__(self, trusted: Sequence[keys.TrustedKey]) -> None:
        self.trusted = list(trusted)
        self.report = Report()
        if trouble := keys.broken(self.trusted):
            self.report.add(Finding(None, None, "key", trouble))
        self.known = {key.key: key for key in self.trusted}
        self.published: dict[
            int, list[dict[str, Any]]
        ] = {}  # every head by its block: a tail may be cut and grow again

    def run(self, since: datetime | None, heads: Sequence[dict[str, Any]], progress: Callable[[int], None]) -> Report:
        """Verify the blocks sealed since a moment, or all, against the highest head that was published."""
        with transaction.atomic(using=EVENT_STORE), connections[EVENT_STORE].cursor() as store:
            store.execute(SNAPSHOT)
            store.execute(SETTLE)
            before = self._begin(store, since)
            self.attested = self._attested(store)
            wanted = self._highest(heads)
            for one in heads:
                self.published.setdefault(one["block"], []).append(one)
            for after, upto in self._ranges(store, before.number if before else 0):
                blocks = self._blocks(store, after, upto)
                before = self._chain(before, blocks)
                self._events(store, blocks, after if after or since else -ENDLESS, upto)
                progress(self.report.events)
            last = before.number if before else 0
            self._events(store, [], last, ENDLESS)
            if wanted and wanted["block"] > last:
                text = f"Block {wanted['block']} was published on {wanted['published']}, and the store ends with block {last}."
                self.report.add(Finding(last + 1, None, "tail", text))
            self.report.head = f"{last} {before.hash.hex()}" if before else ""
        return self.report

    def _begin(self, store: Any, since: datetime | None) -> Block | None:
        """Return the block before the first one to verify."""
        if since is None:
            return None
        store.execute(
            "SELECT coalesce(min(number) - 1, (SELECT max(number) FROM audit_seal), 0) FROM audit_seal WHERE created >= %s",
            [since],
        )
        [(number,)] = store.fetchall()
        found = self._blocks(store, number - 1, number)
        return found[0] if found else None

    def _ranges(self, store: Any, after: int) -> Iterator[tuple[int, int]]:
        while True:
            store.execute(COUNTS, [after, MOST_BLOCKS])
            counted, events = store.fetchall(), 0
            if not counted:
                return
            upto = after
            for upto, count in counted:  # noqa: B007  the last one looked at is what counts
                events += count
                if events >= CHUNK:
                    break
            yield after, upto
            after = upto

    @staticmethod
    def _blocks(store: Any, after: int, upto: int) -> list[Block]:
        store.execute(SEALS, [after, upto])
        return [Block(*row) for row in store.fetchall()]

    def _chain(self, before: Block | None, blocks: list[Block]) -> Block | None:
        """Check numbers, hashes, keys and signatures of blocks that follow one another."""
        for block in blocks:
            expected = before.number + 1 if before else 1
            if block.number != expected:
                gap = f"{expected}" if block.number == expected + 1 else f"{expected} to {block.number - 1}"
                self._found(expected, None, "missing", f"Block {gap} is missing.")
            elif block.previous != (before.hash if before else NOTHING):
                self._found(
                    block.number,
                    None,
                    "chain",
                    f"Block {block.number} does not follow on block {expected - 1}: one was replaced.",
                )
            if block.header.hash() != block.hash:
                self._found(block.number, None, "header", f"The header of block {block.number} was changed.")
            if trouble := self._signature(block):
                self._found(block.number, None, "signature", trouble)
            for one in self.published.get(block.number, ()):
                if one["hash"] != block.hash.hex() and self._is_signed(one):
                    text = f"Block {block.number} is not the one that was published on {one['published']}."
                    self._found(block.number, None, "head", text)
            if block.size != len(block.leaves) // DIGEST or merkle_root(cut(block.leaves)) != block.root:
                self._found(block.number, None, "root", f"The leaves of block {block.number} do not make its root.")
            before = block
        self.report.blocks += len(blocks)
        return before

    def _signature(self, block: Block) -> str:
        key = self.known.get(block.key)
        if key is None:
            return f"Block {block.number} is signed with the key {block.key}, which is not among the trusted ones."
        current = [one.key for one in self.trusted if one.from_block <= block.number][-1:]
        if [block.key] != current:
            return f"Block {block.number} is signed with the key {block.key}, which was not the one in use then."
        if not keys.good(key.public, block.signature, block.header.signed()):
            return f"The signature of block {block.number} is not that of the key {block.key}: it was replaced."
        return ""

    def _events(self, store: Any, blocks: list[Block], after: int, upto: int) -> None:
        """Compare the events of a range of blocks with what was sealed."""
        by_number = {block.number: block for block in blocks}
        disagreeing: list[int] = []
        unknown: list[int] = []
        for found in _by_block(store, after, upto):
            self.report.events += len(found.leaves)
            block = by_number.get(found.number)
            if block is None:
                unknown.append(found.number)
            elif found.agrees(block.leaves):
                del by_number[found.number]
            else:
                disagreeing.append(found.number)
        for number in disagreeing:
            self._look_into(by_number.pop(number), _rows(store, number))
        for number in unknown:
            for one in _rows(store, number):
                text = f"Event {one.id} says that it is in block {number}, which there is not."
                self._found(number, one.id, "inserted", text)
        for block in by_number.values():
            if self.attested.months.get(block.month.isoformat(), 0) < block.number:
                self._look_into(block, [])

    def _look_into(self, block: Block, rows: list[Row]) -> None:
        """Name the rows of a block that are not as they were sealed."""
        sealed = {event: (position, digest) for position, (event, digest) in enumerate(block.sealed())}
        where, number = f"in block {block.number}", block.number
        for one in rows:
            if one.id not in sealed:
                self._found(number, one.id, "inserted", f"Event {one.id} was not {where} when that was sealed.")
                continue
            position, digest = sealed.pop(one.id)
            if trouble := self._changed(one, digest):
                self._found(number, one.id, "edited", f"Event {one.id} {where} {trouble}.")
            elif one.position != position:
                text = f"Event {one.id} {where} stands at {one.position} and was sealed at {position}."
                self._found(number, one.id, "moved", text)
        for event, (position, _) in sealed.items():
            text = f"Event {event}, which was sealed {where} at {position}, is gone."
            self._found(number, event, "deleted", text)

    def _changed(self, one: Row, sealed: bytes) -> str:
        if one.erased:
            if self.attested.erased.get(one.id) != sha256(LEAF + one.line).hexdigest():
                return "was erased, and no sealed event says so, or it was changed after that"
            return "" if one.stored == sealed else "was erased, and its leaf was changed"
        if leaf(one.line) != sealed:
            return "was changed after it was sealed" + (
                ", and its leaf with it" if one.stored == leaf(one.line) else ""
            )
        return "" if one.stored == sealed else "has another leaf than the one that was sealed"

    def _highest(self, heads: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the highest head that a trusted key has signed; say so of every other that claims to be higher."""
        for one in sorted(heads, key=lambda head: (head["block"], head["published"]), reverse=True):
            if self._is_signed(one):
                return one if one["block"] else None
            self._found(
                one["block"], None, "head", f"The head published on {one['published']} bears no trusted signature."
            )
        return None

    def _is_signed(self, one: dict[str, Any]) -> bool:
        """Return whether a trusted key has signed a published head."""
        facts = {name: one[name] for name in ("block", "hash", "published", "key")}
        key = self.known.get(one["key"])
        return key is not None and keys.good(key.public, bytes.fromhex(one["signature"]), HEAD + canonical_json(facts))

    def _attested(self, store: Any) -> Attested:
        """Read what is said to be rightly gone, of blocks that hold; what they say is sealed as everything else."""
        erased: dict[str, str] = {}
        store.execute(ATTESTED, ["audit.erased"])
        for block, data in store.fetchall():
            if self._holds(store, block):
                erased |= json.loads(data)["events"]
        months: dict[str, int] = {}
        store.execute(ATTESTED, ["audit.archived"])
        for block, data in store.fetchall():
            if self._holds(store, block):
                months |= {one["month"]: one["last_block"] for one in json.loads(data)["months"]}
        return Attested(erased, months)

    def _holds(self, store: Any, number: int) -> bool:
        """Return whether a block and all its events are as they were sealed."""
        blocks = self._blocks(store, number - 1, number)
        if not blocks or blocks[0].header.hash() != blocks[0].hash or self._signature(blocks[0]):
            return False
        block, found = blocks[0], list(_by_block(store, number - 1, number))
        return merkle_root(cut(block.leaves)) == block.root and len(found) == 1 and found[0].agrees(block.leaves)

    def _found(self, block: int | None, event: str | None, kind: str, text: str) -> None:
        self.report.add(Finding(block, event, kind, text))


class Sealed(NamedTuple):
    """The events of a block as they are read: where they say they stand, their leaves as stored and as computed."""

    number: int
    positions: list[bytes]
    stored: list[bytes]
    erased: list[bytes]
    leaves: list[bytes]

    def agrees(self, leaves: bytes) -> bool:
        """Return whether all stands as it was sealed; where something was erased, it does not."""
        count = len(self.leaves)
        return (
            b"".join(self.leaves) == leaves
            and self.positions == POSITIONS[:count]
            and b"".join(self.stored) == leaves.hex().encode()
            and self.erased.count(NOT_ERASED) == count
        )


def _lines(store: Any, after: int, upto: int) -> Iterator[bytes]:
    query = LINES.as_string().replace("%(after)s", str(int(after))).replace("%(upto)s", str(int(upto)))
    with store.copy(query) as copy:
        yield from whole_lines(copy)


def _by_block(store: Any, after: int, upto: int) -> Iterator[Sealed]:
    """Yield the events of each block that has any, in order."""
    current, block = b"", None
    for text in _lines(store, after, upto):
        number, position, stored, erased, line = text.split(b"\t", 4)
        if block is None or number != current:
            if block is not None:
                yield block
            current, block = number, Sealed(int(number), [], [], [], [])
            positions, leaves, stored_ones, flags = block.positions, block.leaves, block.stored, block.erased
        positions.append(position)
        stored_ones.append(stored)
        flags.append(erased)
        leaves.append(sha256(LEAF + line).digest())
    if block is not None:
        yield block


def _rows(store: Any, number: int) -> list[Row]:
    """Return the events of one block."""
    cut_up = (text.split(b"\t", 4) for text in _lines(store, number - 1, number))
    return [
        Row(int(position), bytes.fromhex(stored.decode()), erased != NOT_ERASED, line)
        for _, position, stored, erased, line in cut_up
    ]
