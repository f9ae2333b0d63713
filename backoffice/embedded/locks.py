"""File locks of the kernel: they end with the process that holds them, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backoffice.embedded.errors import EmbeddedError
from backoffice.embedded.layout import Layout


def open_lock(path: Path) -> int:
    """Open a lock file, for reading only: it may be another user's.

    Raises:
        EmbeddedError: the data folder is not one that can be written to.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise EmbeddedError(
            f"Cannot write to {path.parent} ({error.strerror}): make it writable, or set BACKOFFICE_DATA to another folder."
        ) from None


def alone(lock: int) -> bool:
    """Turn a lock into an exclusive one if nobody else holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def changing(layout: Layout) -> Iterator[int]:
    """Hold the change lock, waiting for whoever makes, starts or stops the server now."""
    lock = open_lock(layout.change_lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)
