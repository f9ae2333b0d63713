"""Months that were moved to files: read, and verified beside the seals, which stay in the store.

A file is compressed JSON lines. The first says what it is; then each block as it stands in audit_seal, hashes in hexadecimal,
and after it its events: `position`, `line` (the canonical form) and `erased`, a moment or nothing.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from audit.chain import CANONICAL, DIGEST, IDENTITY, SETTLE
from audit.verification.attested import Attested, read_attested
from audit.verification.blocks import COLUMNS, Block, in_itself
from audit.verification.events import NOT_ERASED, Row, look_into
from audit.verification.findings import Finding, Report
from audit.verification.trust import Trust
from backoffice.databases import EVENT_STORE

FORMAT = 1
SUFFIX = ".jsonl.gz"
BINARY = {"ids", "leaves", "root", "previous", "hash", "signature"}
SEALS = "SELECT number, hash FROM audit_seal WHERE month = %s AND number BETWEEN %s AND %s"
Content = Iterator[tuple[Block, list[Row]]]


class ArchiveError(Exception):
    """A file that is no archive, or not whole, in a sentence."""


def as_line(**told: Any) -> bytes:
    """Return a line of an archive."""
    return json.dumps(told).encode() + b"\n"


def block_line(block: Block) -> bytes:
    """Return the line of a block."""
    facts: dict[str, Any] = dict(zip(COLUMNS, block, strict=True))
    told = {name: value.hex() if name in BINARY else value for name, value in facts.items()}
    return as_line(block={**told, "created": block.created.isoformat(), "month": block.month.isoformat()})


def event_line(row: Row) -> bytes:
    """Return the line of an event."""
    erased = None if row.erased == NOT_ERASED else row.erased.decode()
    return as_line(event={"position": row.position, "erased": erased, "line": row.line.decode()})


def read_archive(path: Path) -> Content:
    """Yield each block of a file with its events. Raises ArchiveError where the file is none, or is not whole."""
    try:
        with gzip.open(path) as file:
            if json.loads(file.readline() or b"null")["archive"] != FORMAT:
                raise ArchiveError(f"{path} is an archive of another format.")
            block: Block | None = None
            found: list[Row] = []
            for text in file:
                told = json.loads(text)
                if "block" in told:
                    if block is not None:
                        yield block, found
                    block, found = _block(told["block"]), []
                else:
                    found.append(_row(told["event"], block))
            if block is not None:
                yield block, found
    except (
        OSError,
        EOFError,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise ArchiveError(f"{path} cannot be read as an archive: {error}.") from None


def verify_archives(files: Iterable[Path], trust: Trust, *, found: Iterable[Finding] = ()) -> Report:
    """Verify files of months against the seals of the store; erasures are believed from the store and from all files."""
    report, paths = Report(), list(files)
    report.add(found)
    with transaction.atomic(using=EVENT_STORE), connections[EVENT_STORE].cursor() as store:
        store.execute(SETTLE)
        attested = read_attested(store, trust)
        for path in paths:
            try:
                attested = attested.with_erasures(read_archive(path), trust)
            except ArchiveError:  # told below
                continue
        known = {one["sha256"] for one in attested.archives}
        for path in paths:
            if sha256(path.read_bytes()).hexdigest() not in known:
                report.add([_wrong(f"{path} is not a file as the last sealed event of archiving lists it.")])
            verify_archive(path, trust, attested, store, report)
    return report


def verify_archive(path: Path, trust: Trust, attested: Attested, store: Any, report: Report) -> None:
    """Add what is wrong with one file's blocks and events to a report, and count them."""
    months: dict[date, dict[int, bytes]] = {}
    try:
        for block, found in read_archive(path):
            months.setdefault(block.month, {})[block.number] = block.hash
            report.add(in_itself(block, trust))
            report.add(look_into(block, found, attested))
            report.blocks += 1
            report.events += len(found)
    except ArchiveError as error:
        report.add([_wrong(str(error))])
    for month, hashes in months.items():
        store.execute(SEALS, [month, min(hashes), max(hashes)])
        report.add(_beside({number: bytes(digest) for number, digest in store.fetchall()}, hashes, path))


def _beside(stored: dict[int, bytes], hashes: dict[int, bytes], path: Path) -> Iterator[Finding]:
    for number in sorted(stored.keys() | hashes.keys()):
        if number not in hashes:
            yield Finding(number, None, "missing", f"Block {number} is missing from {path}.")
        elif stored.get(number) != hashes[number]:
            yield Finding(
                number, None, "chain", f"Block {number} of {path} is not the one that the store's seals hold."
            )


def _block(told: dict[str, Any]) -> Block:
    facts: dict[str, Any] = {name: bytes.fromhex(told[name]) if name in BINARY else told[name] for name in COLUMNS}
    facts |= {"created": datetime.fromisoformat(told["created"]), "month": date.fromisoformat(told["month"])}
    block = Block._make(facts.values())
    whole = type(block.number) is int and type(block.size) is int and isinstance(block.key, str)
    if not whole or block.created.tzinfo is None or not 0 < block.number < 2**63:
        raise ValueError("a block's number, count, moment or key is none")
    return block


def _row(told: dict[str, Any], block: Block | None) -> Row:
    if block is None:
        raise ValueError("an event stands before the first block")
    position = int(told["position"])
    erased = NOT_ERASED if told["erased"] is None else told["erased"].encode()
    line = told["line"].encode()
    UUID(told["line"][:IDENTITY])
    if line.count(b"\t") != len(CANONICAL) - 1:
        raise ValueError("the line of an event is none")
    return Row(position, block.leaves[DIGEST * position : DIGEST * (position + 1)], erased, line)


def _wrong(text: str) -> Finding:
    return Finding(None, None, "archive", text)
