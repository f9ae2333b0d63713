"""The embedded PostgreSQL: a real server in the data folder, for whoever has set no DATABASE_URL.

`with running(data)` makes what is missing and starts the server if need be; the last process that uses it stops it.
Importing this starts nothing. docs/adr/0001-embedded-server.md tells why it is not the wheel's own Python code.
"""

import atexit
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backoffice.embedded.errors import EmbeddedError
from backoffice.embedded.layout import superuser_url, urls
from backoffice.embedded.programs import program
from backoffice.embedded.reference import Reference, remove, stop
from backoffice.embedded.signals import put_off, raise_exit, stopping_signals

__all__ = [
    "EmbeddedError",
    "hold_until_exit",
    "program",
    "put_off",
    "remove",
    "running",
    "start_detached",
    "stop",
    "stopping_signals",
    "superuser_url",
    "urls",
]


@contextmanager
def running(data: Path) -> Iterator[None]:
    """Have the server running within the block."""
    reference = Reference(data)
    try:
        yield
    finally:
        reference.release()


def hold_until_exit(data: Path) -> None:
    """Have the server running for the rest of this process, ended by a signal too."""
    reference = Reference(data)
    atexit.register(reference.release)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, raise_exit)


def start_detached(data: Path) -> None:
    """Leave the server running for whoever comes; only `stop` ends it."""
    reference = Reference(data)
    reference.detach()
    reference.release()
