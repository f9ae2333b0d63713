"""The event log as a file that can be proved: CSV or JSON with a detached signature, both in one ZIP.

Who made it, when, what was searched for and how many rows it has are signed with it. `audit_verify --export` reads the ZIP,
or the file with its signature beside it.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.utils import timezone

from audit.encoding import Encoder
from audit.models import Event
from audit.personal import masked
from audit.signing import check, signed
from backoffice.sheets import write_csv

SEAL = {"leaf", "erased"}  # what proves the store, not the file
COLUMNS = tuple(field.attname for field in Event._meta.concrete_fields if field.attname not in SEAL)
SUFFIX = ".sig"
ZIP = b"PK\x03\x04"  # what a ZIP of ours begins with


def rows_of(events: Iterable[Event], *, personal: bool) -> Iterator[dict[str, Any]]:
    """Yield events as columns; without `personal`, personal values are masked."""
    for event in events:
        row = {name: getattr(event, name) for name in COLUMNS}
        yield row if personal else {**row, "data": masked(event.object_type, event.data)}


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return a CSV; the data of an event is JSON in one cell."""
    file = io.BytesIO()
    texts = ([_cell(row[name]) for name in COLUMNS] for row in rows)
    write_csv(file, COLUMNS, texts)
    return file.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value, cls=Encoder, ensure_ascii=False) if isinstance(value, dict) else value


def as_json(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return a JSON array, an event a line."""
    lines = (json.dumps(row, cls=Encoder, ensure_ascii=False) for row in rows)
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


KINDS = {"csv": as_csv, "json": as_json}


def signed_zip(rows: Sequence[dict[str, Any]], kind: str, **facts: Any) -> tuple[str, bytes]:
    """Return the name and the content of a ZIP with the file and its signature."""
    stem = f"events-{timezone.localtime():%Y-%m-%d-%H%M%S}"
    name, content = f"{stem}.{kind}", KINDS[kind](rows)
    told = {"file": name, "kind": kind, "rows": len(rows), "made": timezone.now().isoformat()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr(name + SUFFIX, signed(content, **told, **facts))
    return f"{stem}-{kind}.zip", file.getvalue()


# What zipfile raises over one that was tampered with: encrypted, of an unknown method, with a name or an offset that is none.
ODD_ZIP = (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, KeyError, struct.error)


class ExportError(Exception):
    """A file that there is no signature for, in a sentence."""


def read_export(path: Path) -> tuple[bytes, bytes]:
    """Return a file and its signature: out of a ZIP, or from beside each other. Raises ExportError."""
    if not path.is_file():
        raise ExportError(f"There is no file {path}.")
    with path.open("rb") as file:
        is_zip = file.read(len(ZIP)) == ZIP  # zipfile itself looks at the end, and passes over what stands before
    if not is_zip:
        signature = path.with_name(path.name + SUFFIX)
        if not signature.exists():
            raise ExportError(f"There is no signature {signature.name} beside the file.")
        return path.read_bytes(), signature.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith(SUFFIX)]
            if not names or sorted(archive.namelist()) != sorted([names[0], names[0] + SUFFIX]):
                raise ExportError("The ZIP does not hold one file and its signature.")
            if min(member.header_offset for member in archive.infolist()):
                raise ExportError("Something stands before the first file of the ZIP: it is not as it was made.")
            return archive.read(names[0]), archive.read(names[0] + SUFFIX)
    except (*ODD_ZIP, zlib.error, EOFError, OSError) as error:
        raise ExportError(f"The ZIP cannot be read: {error}.") from None


def check_export(path: Path, *, trusted: bytes | None = None) -> tuple[list[str], dict[str, Any]]:
    """Return what is wrong with an export, each in a sentence, or else what its signature tells of it."""
    try:
        content, signature = read_export(path)
    except ExportError as error:
        return [str(error)], {}
    troubles = check(content, signature, trusted=trusted)
    return troubles, {} if troubles else json.loads(signature)
