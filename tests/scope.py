"""The suite's own scope: tests look at all entities, requests at none but those that were announced for them.

Settings of the session, which what the site announces in its transactions goes before. They are taken away while a request
is answered, so that nothing of the site can lean on them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core import management
from django.core.signals import request_finished, request_started
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_save
from psycopg.pq import TransactionStatus

from backoffice.models import Entity

EVERY = "coalesce((SELECT array_agg(id) FROM backoffice_entity), '{}')"
FIRST = "(SELECT array_agg(i) FROM generate_series(1, 5000) i)"  # where there are no entities
FAILED = {TransactionStatus.INERROR, TransactionStatus.UNKNOWN}


_narrow: list[bool] = []  # not empty: within `narrow()`


def _wide(alias: str) -> dict[str, str]:
    return {"entities": FIRST if alias == "audit" else EVERY, "everything": "'yes'"}


def widen(alias: str) -> None:
    """See every entity that there is now."""
    if not _narrow:
        _say(alias, **_wide(alias))


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


def _say(alias: str, **values: str) -> None:
    connection: Any = connections[alias].connection
    runs_as_app = connections[alias].settings_dict["USER"] == settings.DATABASES[alias]["USER"]
    if connection and not connection.closed and runs_as_app and connection.info.transaction_status not in FAILED:
        told = (f"set_config('backoffice.{name}', {value}::text, false)" for name, value in values.items())
        connection.execute(f"SELECT {', '.join(told)}")  # one statement: two are made for each request of a test


def call_command(*command: Any, **options: Any) -> Any:
    """Run a command as its own process would: with no scope but its own."""
    with narrow():
        return management.call_command(*command, **options)


def _narrowed(**_: object) -> None:
    for alias in settings.DATABASES:
        _say(alias, entities="''", everything="''")


def _widened(**_: object) -> None:
    for alias in settings.DATABASES:
        # As a command, a test may give rights without asking for them.
        _say(alias, **({} if _narrow else _wide(alias)), method="''")


def keep_wide() -> None:
    """Widen the scope whenever there is a new connection or a new entity, and narrow it while a request is answered."""
    connection_created.connect(lambda connection, **kw: widen(connection.alias), weak=False)
    post_save.connect(lambda using, **kw: widen(using), sender=Entity, weak=False)
    request_started.connect(_narrowed, weak=False)
    request_finished.connect(_widened, weak=False)
