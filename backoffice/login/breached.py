"""Passwords known from breaches, looked up in a file of their SHA-1: no page calls anybody, and nothing is loaded.

The file is as the downloader of Have I Been Pwned writes it: `HASH:COUNT` a line, by hash, some 40 GB. A lookup reads about
forty lines. What makes SHA-1 weak is no matter: it is the list's own, and nothing is kept by it here.
"""

import hashlib
import re
from pathlib import Path
from typing import BinaryIO

LINE = re.compile(rb"[0-9A-F]{40}(:\d+)?\r?\n?")
HASH = 40  # characters
SAMPLES = 64


def is_breached(password: str, path: Path) -> bool:
    """Whether the file knows the password. Raises OSError where it cannot be read."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with path.open("rb") as file:
        low, high = 0, file.seek(0, 2)
        while low < high:  # the first offset behind which no smaller hash begins
            middle = (low + high) // 2
            if (found := _hash_from(file, middle)) and found < wanted:
                low = middle + 1
            else:
                high = middle
        return _hash_from(file, low) == wanted


def fault_of(path: Path) -> str:
    """Return why the file cannot serve, or nothing: it is looked at in places, as it takes an hour to read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            lines = [_line_from(file, size * number // SAMPLES) for number in range(SAMPLES)]
    except OSError as error:
        return f"which cannot be read: {error.strerror}"
    found = [line for line in lines if line]
    if not found or not all(map(LINE.fullmatch, found)):
        return "which is no list of SHA-1 in capital letters, one a line"
    return "" if found == sorted(found) else "which is not sorted by hash"


def _line_from(file: BinaryIO, offset: int) -> bytes:
    """Return the first line that begins at an offset or behind it; nothing at the end."""
    file.seek(max(offset - 1, 0))
    if offset:
        file.readline()
    return file.readline()


def _hash_from(file: BinaryIO, offset: int) -> bytes:
    return _line_from(file, offset)[:HASH]
