"""What is hashed, and how: the leaf of an event, the Merkle root of a block, the header that is chained and signed.

Pure functions over bytes; docs/audit.md describes the same for whoever verifies without this code.

- The canonical form of an event is its line in PostgreSQL's COPY text format, the columns of CANONICAL in that order, with
  TimeZone UTC and DateStyle ISO, without the newline. jsonb, timestamps and addresses read the same on their way in and out.
- Leaf: SHA-256 of a zero byte and that line. Node: SHA-256 of a one byte and both hashes below. The tree is RFC 6962's.
- Header: JSON, keys sorted, no spaces, after a line that says what it is. Its SHA-256 is what the next block names, and
  the header itself is what the key signs.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from hashlib import sha256

CANONICAL = (
    "id", "created", "type", "user_id", "username", "entity_id", "object_type", "object_id", "request_id", "method",
    "path", "status", "ip", "browser", "reason", "success", "data",
)  # fmt: skip
PLACE = {name: place for place, name in enumerate(CANONICAL)}  # of a column in the line
SETTLE = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'"
LEAF, NODE = b"\x00", b"\x01"
DIGEST = 32  # bytes of a SHA-256
IDENTITY = 36  # characters of an id
BLOCK, HEAD, NEXT_KEY = b"backoffice audit block 1\n", b"backoffice audit head 1\n", b"backoffice audit key 1\n"
NOTHING = bytes(DIGEST)  # what the first block names as the one before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a block says of itself; hashes in hexadecimal, `created` in UTC with microseconds, `ids` the hash of the ids."""

    number: int
    created: str
    month: str
    count: int
    ids: str
    root: str
    previous: str
    key: str

    def signed(self) -> bytes:
        """Return the bytes that are hashed and signed."""
        return BLOCK + canonical_json(asdict(self))

    def hash(self) -> bytes:
        """Return what the next block names."""
        return sha256(self.signed()).digest()


def leaf(line: bytes) -> bytes:
    """Return the leaf of an event's line."""
    return sha256(LEAF + line).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaves; of none, the hash of nothing."""
    if not leaves:
        return sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        odd = level.pop() if len(level) % 2 else None
        pairs = iter(level)
        level = [sha256(NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
        if odd is not None:
            level.append(odd)
    return level[0]


def canonical_json(value: object) -> bytes:
    """Return JSON with sorted keys and without spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def moment(when: datetime) -> str:
    """Write a moment as headers do."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def month_of(line: bytes) -> str:
    """Return the first day of the month, in UTC, that an event's line belongs to."""
    return line[IDENTITY + 1 : IDENTITY + 8].decode() + "-01"


def month_before(day: date, months: int) -> date:
    """Return the first day of the month so many months before."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
