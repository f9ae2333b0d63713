"""Events beside the block that seals them: a hash an event where all agrees, row by row where it does not."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from psycopg import sql

from audit.chain import CANONICAL, IDENTITY, LEAF, leaf
from audit.verification.blocks import Block
from audit.verification.copy import rows_of_copy
from audit.verification.findings import Finding

if TYPE_CHECKING:
    from audit.verification.attested import Attested

T = TypeVar("T")
LINES = sql.SQL("""COPY (
    SELECT block, position, encode(leaf, 'hex'), erased, {} FROM {}
    WHERE {} ORDER BY block, position
) TO STDOUT""")
IN_RANGE = sql.SQL("block > {} AND block <= {}")
NOWHERE = sql.SQL("(block > 0) IS NOT TRUE")  # before the first block, or in none at all
COLUMNS = sql.SQL(", ").join(map(sql.Identifier, CANONICAL))
NULL = NOT_ERASED = b"\\N"  # as COPY writes it
GONE = {"path": b"", "ip": b"\\N", "browser": b"", "reason": b"", "data": b"{}"}  # what an erasure leaves
POSITIONS = [b"%d" % number for number in range(100_000)]


class Row(NamedTuple):
    """An event as it stands in the store or in a file; `erased` is the moment as text, or NOT_ERASED."""

    position: int | None
    stored: bytes | None
    erased: bytes
    line: bytes

    @property
    def id(self) -> str:
        return self.line[:IDENTITY].decode()


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


def lines(store: Any, after: int, upto: int, table: str = "audit_event") -> Iterator[bytes]:
    """Yield the events of a range of blocks: block, position, leaf, erased, and the canonical line."""
    where = IN_RANGE.format(sql.Literal(after), sql.Literal(upto))
    yield from rows_of_copy(store.connection, LINES.format(COLUMNS, sql.Identifier(table), where))


def nowhere(store: Any) -> Iterator[Finding]:
    """Name the events that say they are in no block that there can be."""
    for text in rows_of_copy(store.connection, LINES.format(COLUMNS, sql.Identifier("audit_event"), NOWHERE)):
        number, _, _, _, line = text.split(b"\t", 4)
        yield _in_no_block(None if number == NULL else int(number), line[:IDENTITY].decode())


def by_block(texts: Iterable[bytes]) -> Iterator[Sealed]:
    """Yield the events of each block that has any, in order."""
    current, block = b"", None
    for text in texts:
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


def rows(store: Any, number: int) -> list[Row]:
    """Return the events of one block."""
    return rows_by_block(lines(store, number - 1, number)).get(number, [])


def rows_by_block(texts: Iterable[bytes]) -> dict[int, list[Row]]:
    """Return the events of some blocks."""
    found: dict[int, list[Row]] = {}
    for text in texts:
        number, position, stored, erased, line = text.split(b"\t", 4)
        row = Row(_known(position, int), _known(stored, lambda digest: bytes.fromhex(digest.decode())), erased, line)
        found.setdefault(int(number), []).append(row)
    return found


def _known(text: bytes, read: Callable[[bytes], T]) -> T | None:
    """Read a value; None where somebody took away that it must be there, and then the value."""
    return None if text == NULL else read(text)


def compare(
    blocks: list[Block], found: Iterable[Sealed], rows_of: Callable[[int], list[Row]], attested: "Attested"
) -> Iterator[Finding]:
    """Say how the events of some blocks differ from what was sealed; `rows_of` reads one block again."""
    by_number = {block.number: block for block in blocks}
    disagreeing: list[int] = []
    unknown: list[int] = []
    for one in found:
        block = by_number.get(one.number)
        if block is None:
            unknown.append(one.number)
        elif one.agrees(block.leaves):
            del by_number[one.number]
        else:
            disagreeing.append(one.number)
    for number in disagreeing:
        yield from look_into(by_number.pop(number), rows_of(number), attested)
    for number in unknown:
        for row in rows_of(number):
            yield _in_no_block(number, row.id)
    for block in by_number.values():
        if block.size and not attested.archived(block.month, block.number):
            yield from look_into(block, [], attested)


def _in_no_block(number: int | None, event: str) -> Finding:
    said = "no block" if number is None else f"block {number}, which there is not"
    return Finding(number, event, "inserted", f"Event {event} says that it is in {said}.")


def look_into(block: Block, found: list[Row], attested: "Attested") -> Iterator[Finding]:
    """Name the rows of a block that are not as they were sealed."""
    sealed = {event: (position, digest) for position, (event, digest) in enumerate(block.sealed())}
    where, number = f"in block {block.number}", block.number
    for row in found:
        if row.id not in sealed:
            yield Finding(number, row.id, "inserted", f"Event {row.id} was not {where} when that was sealed.")
            continue
        position, digest = sealed.pop(row.id)
        if trouble := changed(row, digest, attested):
            yield Finding(number, row.id, "edited", f"Event {row.id} {where} {trouble}.")
        elif row.position != position:
            text = f"Event {row.id} {where} stands at {row.position} and was sealed at {position}."
            yield Finding(number, row.id, "moved", text)
    for event, (position, _) in sealed.items():
        text = f"Event {event}, which was sealed {where} at {position}, is gone."
        yield Finding(number, event, "deleted", text)


def changed(row: Row, sealed: bytes, attested: "Attested") -> str:
    """Return how an event differs from what was sealed, or nothing."""
    if row.erased != NOT_ERASED:
        columns = dict(zip(CANONICAL, row.line.split(b"\t"), strict=True))
        if any(columns[name] != empty for name, empty in GONE.items()):
            return "is said to be erased, and still tells something"
        if attested.erased.get(row.id) != what_is_left(row.line, row.erased):
            return "was erased, and no sealed event says so, or it was changed after that"
        return "" if row.stored == sealed else "was erased, and its leaf was changed"
    if leaf(row.line) != sealed:
        return "was changed after it was sealed" + (", and its leaf with it" if row.stored == leaf(row.line) else "")
    return "" if row.stored == sealed else "has another leaf than the one that was sealed"


def what_is_left(line: bytes, erased: bytes) -> str:
    """Return the hash of an erased event and of the moment of that, which the event of the erasure holds."""
    return sha256(LEAF + line + b"\t" + erased).hexdigest()
