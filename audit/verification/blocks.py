"""Blocks as they stand in `audit_seal`, and what each says of itself and of the one before it.

Every column is under the signature: `ids` and `leaves` by their hash and their root, the others in the header.
"""

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from audit.chain import DIGEST, NOTHING, Header, merkle_root, moment
from audit.verification.findings import Finding
from audit.verification.trust import Trust

CHUNK = 50_000  # events whose blocks are looked at together
MOST_BLOCKS = 5_000  # in a range
COUNTS = (
    "SELECT number, count FROM audit_seal WHERE number > %s AND month = coalesce(%s, month) ORDER BY number LIMIT %s"
)
COLUMNS = ("number", "created", "month", "count", "ids", "leaves", "root", "previous", "hash", "key", "signature")
SEALS = f"""
    SELECT {", ".join(COLUMNS)} FROM audit_seal
    WHERE number > %s AND number <= %s AND month = coalesce(%s, month) ORDER BY number
"""  # noqa: S608  our own columns


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
        """Return what was hashed and signed if nothing was changed."""
        return Header(
            number=self.number,
            created=moment(self.created),
            month=self.month.isoformat(),
            count=self.size,
            ids=sha256(self.ids).hexdigest(),
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


def read_blocks(store: Any, after: int, upto: int, month: date | None = None) -> list[Block]:
    """Return the blocks of a range of numbers (and of a month), in order."""
    store.execute(SEALS, [after, upto, month])
    return [Block(*row) for row in store.fetchall()]


def ranges(store: Any, after: int, month: date | None = None) -> Iterator[tuple[int, int]]:
    """Cut the blocks after one (of a month) into ranges that hold about as many events; each begins where the last ended."""
    while True:
        store.execute(COUNTS, [after, month, MOST_BLOCKS])
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


def in_itself(block: Block, trust: Trust) -> Iterator[Finding]:
    """Say what is wrong with a block whatever stands before it."""
    number, header = block.number, block.header
    if header.hash() != block.hash:
        yield Finding(number, None, "header", f"The header of block {number} was changed, or its list of ids.")
    if trouble := trust.signature(header, block.signature):
        yield Finding(number, None, "signature", trouble)
    if block.size * DIGEST != len(block.leaves) or merkle_root(cut(block.leaves)) != block.root:
        yield Finding(number, None, "root", f"The leaves of block {number} do not make its root.")


def in_chain(blocks: list[Block], before: Block | None, trust: Trust) -> Iterator[Finding]:
    """Say what is wrong with blocks that follow one another, in themselves and in their order."""
    for block in blocks:
        expected = before.number + 1 if before else 1
        if block.number != expected:
            gap = f"{expected}" if block.number == expected + 1 else f"{expected} to {block.number - 1}"
            yield Finding(expected, None, "missing", f"Block {gap} is missing.")
        elif block.previous != (before.hash if before else NOTHING):
            text = f"Block {block.number} does not follow on block {expected - 1}: one was replaced."
            yield Finding(block.number, None, "chain", text)
        yield from in_itself(block, trust)
        yield from trust.published(block.number, block.hash)
        before = block
