"""The suite's own scope: tests look at all entities, requests at none but those that were announced for them.

Settings of the session, which what the site announces in its transactions goes before. They are taken away while a request
is answered, so that nothing of the site can lean on them, and come back with the test's own next statement: most requests
follow another at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core import management
from django.core.signals import request_finished, request_started
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_save
from psycopg.pq import TransactionStatus

from backoffice.models import Entity
from backoffice.scope import current

EVERY = "coalesce((SELECT array_agg(id) FROM backoffice_entity), '{}')"
FIRST = "(SELECT array_agg(i) FROM generate_series(1, 5000) i)"  # where there are no entities
NARROW = {"entities": "''", "everything": "''"}
FAILED = {TransactionStatus.INERROR, TransactionStatus.UNKNOWN}


_narrow: list[bool] = []  # not empty: within `narrow()`


def _wide(alias: str) -> dict[str, str]:
    return {"entities": FIRST if alias == "audit" else EVERY, "everything": "'yes'"}


class _Session:
    """What the session of one connection was told last, as far as that certainly holds."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection: Any = connection
        self.is_wide: bool | None = None  # None: something else may have been announced since
        self.wanted = True
        self.inside = False  # told in a transaction, with whose end it may go
        self.depth = 0  # within so many savepoints
        connection.execute_wrappers.insert(0, self.before)

    @property
    def _status(self) -> TransactionStatus | None:
        """The transaction's, of a session of the app role that can be told something now."""
        session = self.connection.connection
        runs_as_app = self.connection.settings_dict["USER"] == settings.DATABASES[self.connection.alias]["USER"]
        status = session.info.transaction_status if session and not session.closed and runs_as_app else None
        return None if status in FAILED else status

    def say(self, **values: str) -> None:
        """Set what is given, as SQL."""
        if self._status is not None:
            told = (f"set_config('backoffice.{name}', {value}::text, false)" for name, value in values.items())
            self.connection.connection.execute(f"SELECT {', '.join(told)}")  # one statement: up to four a request

    def tell(self, *, wide: bool) -> None:
        """Make it wide or narrow, unless it certainly is."""
        if self.inside and self._status == TransactionStatus.IDLE:
            self.is_wide = None
        if self.is_wide is not wide and self._status is not None:
            # As a command, a test may give rights without asking for them.
            self.say(**(_wide(self.connection.alias) if wide else NARROW), method="''")
            self.is_wide, self.inside = wide, self._status != TransactionStatus.IDLE
            self.depth = len(self.connection.savepoint_ids)

    def before(self, execute: Callable[..., Any], statement: Any, *more: Any) -> Any:
        """Stand before each statement of Django's."""
        if self.wanted:
            self.tell(wide=True)
        undone = len(self.connection.savepoint_ids) < self.depth and str(statement).startswith("ROLLBACK TO")
        if undone or not self.wanted:
            self.is_wide = None
        return execute(statement, *more)


def _session(connection: Any) -> _Session:
    if not hasattr(connection, "suite_session"):
        connection.suite_session = _Session(connection)
    found: _Session = connection.suite_session
    return found


def widen(alias: str) -> None:
    """See every entity that there is now, unless a request is being answered: that sees what was announced for it."""
    if not _narrow:
        session = _session(connections[alias])
        session.is_wide = None
        if not current().method:
            session.tell(wide=True)


@contextmanager
def narrow() -> Iterator[None]:
    """See nothing within the block but what is announced there, as the site's own processes do."""
    _narrow.append(True)
    _narrowed()
    try:
        yield
    finally:
        _narrow.pop()
        _widened()


def call_command(*command: Any, **options: Any) -> Any:
    """Run a command as its own process would: with no scope but its own."""
    with narrow():
        return management.call_command(*command, **options)


def _narrowed(**_: object) -> None:
    for alias in settings.DATABASES:
        session = _session(connections[alias])
        session.wanted = False
        session.tell(wide=False)


def _widened(**_: object) -> None:
    for alias in settings.DATABASES:
        session = _session(connections[alias])
        if _narrow:
            session.say(method="''")
        else:
            session.wanted = True


def keep_wide() -> None:
    """Widen the scope whenever there is a new connection or a new entity, and narrow it while a request is answered."""
    connection_created.connect(lambda connection, **kw: widen(connection.alias), weak=False)
    post_save.connect(lambda using, **kw: widen(using), sender=Entity, weak=False)
    request_started.connect(_narrowed, weak=False)
    request_finished.connect(_widened, weak=False)
