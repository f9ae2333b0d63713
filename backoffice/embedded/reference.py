"""Who uses the server: each process holds a shared lock, and the last one out stops the server.

The kernel drops the locks of a process that ends in whatever way, so no count can go stale. Lock order: the change
lock, then the users' lock. A server that was detached stays up until `stop`.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backoffice.embedded import bootstrap, cluster
from backoffice.embedded.account import server_account
from backoffice.embedded.errors import EmbeddedError
from backoffice.embedded.layout import Layout
from backoffice.embedded.locks import alone, changing, open_lock
from backoffice.embedded.programs import open_to
from backoffice.embedded.signals import put_off
from backoffice.embedded.state import postmaster


class Reference:
    """One use of the server, from its making to `release`."""

    def __init__(self, data: Path) -> None:
        """Make and start what is missing, and hold it."""
        self._layout = Layout.of(data)
        self._process = os.getpid()
        with changing(self._layout) as lock:
            self._users = open_lock(self._layout.users_lock)
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                self._start(lock)
            except BaseException:
                self._leave()
                raise

    def _start(self, lock: int) -> None:
        account = server_account(self._layout)
        try:
            open_to(account)
            cluster.make(self._layout, account, lock)
            cluster.start(self._layout, account)
            bootstrap.complete(self._layout)
        except OSError as error:
            raise EmbeddedError(
                f"Cannot use {error.filename or self._layout.data} ({error.strerror}): make it readable and writable, "
                "or set BACKOFFICE_DATA to another folder."
            ) from None

    def detach(self) -> None:
        """Let the server run on when its last user has left."""
        with changing(self._layout):
            self._layout.detached.write_text(str(postmaster(self._layout)))

    def release(self) -> None:
        """Stop using the server; the last one stops it. A forked child's copy of this is not its own to release."""
        if self._users >= 0 and self._process == os.getpid():
            with put_off(), changing(self._layout):
                self._leave()

    def _leave(self) -> None:
        try:
            if alone(self._users) and not is_detached(self._layout):
                cluster.stop(self._layout)
        finally:
            os.close(self._users)
            self._users = -1


def is_detached(layout: Layout) -> bool:
    """Return whether this very server was detached: a mark from before a crash or a reboot does not count."""
    running = postmaster(layout)
    return running is not None and layout.detached.exists() and layout.detached.read_text() == str(running)


@contextmanager
def _unused(layout: Layout) -> Iterator[bool]:
    """Keep all users out within the block, and tell whether there were none."""
    with put_off(), changing(layout):
        users = open_lock(layout.users_lock)
        try:
            yield alone(users)
        finally:
            os.close(users)


def stop(data: Path) -> bool:
    """Stop a detached or left-over server; return False if a process uses it, whose end will stop it then."""
    layout = Layout.of(data)
    with _unused(layout) as free:
        layout.detached.unlink(missing_ok=True)
        if free:
            cluster.stop(layout)
        return free


def remove(data: Path) -> None:
    """Remove the server with all its data.

    Raises:
        EmbeddedError: something uses it.

    """
    layout = Layout.of(data)
    with _unused(layout) as free:
        if not free:
            raise EmbeddedError(f"A process uses the database in {layout.data}: stop it first.")
        if is_detached(layout):
            raise EmbeddedError("The database was left running: stop it first with `manage.py stop_database`.")
        cluster.stop(layout)
        layout.detached.unlink(missing_ok=True)
        for folder in (layout.home, layout.sockets):
            if folder.exists():
                shutil.rmtree(folder)
