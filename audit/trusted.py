"""The file of the public keys that are trusted, in the order of their use: one JSON line a key.

Each but the first is signed by the one before it, so that whoever kept the first line can check all others; `from_block` is
the first block that a key may sign. The file is only ever appended to.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from audit.chain import NEXT_KEY, canonical_json
from audit.keys import good, key_id

FACTS = ("key", "public", "from_block", "signed_by", "signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key, from which block on it counts, and who vouched for it."""

    key: str
    public: str
    from_block: int
    signed_by: str = ""
    signature: str = ""

    @classmethod
    def of(cls, facts: Sequence[Any]) -> Self:
        """Return the key of a row of audit_key, or of the values of a line, in the order of FACTS."""
        return cls(**dict(zip(FACTS, facts, strict=True)))

    def vouched(self) -> bytes:
        """Return the bytes that the key before signs."""
        return NEXT_KEY + canonical_json({"from_block": self.from_block, "key": self.key, "public": self.public})

    def line(self) -> str:
        """Return the line of the trusted file."""
        return json.dumps({name: getattr(self, name) for name in FACTS})


def trusted_keys(path: Path | None = None) -> list[TrustedKey]:
    """Return the trusted keys in the order of their use; none where there is no file yet.

    Raises:
        ImproperlyConfigured: a line is no key.
    """
    found, troubles = read_trusted(path or settings.AUDIT_TRUSTED_FILE)
    if troubles:
        raise ImproperlyConfigured(troubles[0])
    return found


def read_trusted(path: Path) -> tuple[list[TrustedKey], list[str]]:
    """Return the trusted keys of a file, and a sentence for each line that is none."""
    found, troubles = [], []
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else [], start=1):
        try:
            told = json.loads(line)
            key = TrustedKey.of([told[name] for name in FACTS])
            for value in (key.key, key.public, key.signature):
                bytes.fromhex(value)
            found.append(replace(key, from_block=int(key.from_block)))
        except (ValueError, KeyError, TypeError, OverflowError):
            troubles.append(f"Line {number} of {path} is no trusted key.")
    return found, troubles


def trust(key: TrustedKey) -> None:
    """Add a line to the trusted file, unless it is there."""
    if key not in trusted_keys():
        append(settings.AUDIT_TRUSTED_FILE, key.line())


def broken(keys: Sequence[TrustedKey]) -> str:
    """Return what is wrong with a list of trusted keys, as a sentence, or nothing."""
    for before, key in zip([None, *keys], keys, strict=False):
        if key.key != key_id(bytes.fromhex(key.public)):
            return f"The trusted key {key.key} does not bear the name of its public key."
        if before is None:
            continue
        vouched = key.signed_by == before.key and good(before.public, key.signature, key.vouched())
        if not vouched or key.from_block <= before.from_block:
            return f"The trusted key {key.key} is not vouched for by the key before it, {before.key}."
    return ""


def append(path: Path, line: str) -> None:
    """Add a line to a file and see that it reaches the disk; what was torn before it stays a line of its own."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not path.exists()
    with path.open("a+b") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
            file.write(b"\n")
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        keep_names(path.parent)


def keep_names(folder: Path) -> None:
    """See that the names of a folder's files reach the disk: those of new ones do not with their content."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
