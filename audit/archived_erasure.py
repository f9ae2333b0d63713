"""Erasing in the files of months: the same payloads go, everything else stays as it is, and the file is written anew.

The new file lies beside the old one until the erasure is sealed, and then takes its place. A copy that is kept elsewhere is
replaced by whoever keeps it: the old one is no file that the sealed list knows any more.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from audit.chain import CANONICAL, PLACE
from audit.retention import compressed
from audit.trusted import keep_names
from audit.verification.archive import FORMAT, ArchiveError, as_line, block_line, event_line, read_archive
from audit.verification.events import GONE, NOT_ERASED, Row, what_is_left

TYPE, OBJECT_TYPE, OBJECT_ID = PLACE["type"], PLACE["object_type"], PLACE["object_id"]
SEARCHED = [PLACE[name] for name in ("path", "browser", "reason", "data")]


class Rewritten(NamedTuple):
    """An archive, the file that is to take its place, and the hash of what is left of each event erased in it."""

    path: Path
    fresh: Path
    left: dict[str, str]


def rewritten(
    path: Path, objects: Sequence[tuple[str, str]], texts: Sequence[str], listed: list[dict[str, Any]]
) -> Rewritten | None:
    """Write an archive anew without what it tells of these, and its hash into the list; None where it tells nothing.

    Raises:
        ArchiveError: it is no archive, or none that the list knows by its name.
    """
    known = next((one for one in listed if one["file"] == path.name), None)
    if known is None:
        raise ArchiveError(f"{path} is not named by the sealed event of archiving: was it given another name?")
    about = {(kind.encode(), identity.encode()) for kind, identity in objects}
    folded = [spelt.lower() for text in texts for spelt in {text, text.replace("\\", "\\\\")}]  # as COPY doubles it
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}+00".encode()
    fresh, left = path.with_name(f".{path.name}.erased"), dict[str, str]()
    with compressed(fresh) as file:
        file.write(as_line(archive=FORMAT, month=known["month"], columns=CANONICAL))
        for block, found in read_archive(path):
            file.write(block_line(block))
            for row in found:
                kept = _erased(row, moment) if _concerned(row, about, folded) else row
                if kept is not row:
                    left[row.id] = what_is_left(kept.line, kept.erased)
                file.write(event_line(kept))
    if not left:
        fresh.unlink()
        return None
    known["sha256"] = sha256(fresh.read_bytes()).hexdigest()
    return Rewritten(path, fresh, left)


def put_in_place(files: Sequence[Rewritten]) -> None:
    """Let each new file take the place of the old one, whose content is gone then."""
    for file in files:
        file.fresh.replace(file.path)
    for folder in {file.path.parent for file in files}:
        keep_names(folder)


def _concerned(row: Row, about: set[tuple[bytes, bytes]], texts: Sequence[str]) -> bool:
    columns = row.line.split(b"\t")
    if row.erased != NOT_ERASED or columns[TYPE].startswith(b"audit."):
        return False
    told = " ".join(columns[place].decode() for place in SEARCHED).lower()
    return (columns[OBJECT_TYPE], columns[OBJECT_ID]) in about or any(text in told for text in texts)


def _erased(row: Row, moment: bytes) -> Row:
    columns = (GONE.get(name, value) for name, value in zip(CANONICAL, row.line.split(b"\t"), strict=True))
    return row._replace(erased=moment, line=b"\t".join(columns))
