"""Who is acting, and why: one transaction, with the facts as local settings that triggers and policies read.

Local settings end with the transaction, so nothing leaks to the next one on the connection; after that they read as ''
and not as NULL, which is why SQL wraps them in `nullif(current_setting(..., true), '')`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction


def announce(*, actor: int | None, request_id: str, reason: str = "", using: str = "default") -> None:
    """Tell the database of the running transaction who acts. One query; without a transaction it has no effect."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT set_config('backoffice.actor', %s, true), set_config('backoffice.request_id', %s, true), "
            "set_config('backoffice.reason', %s, true)",
            ["" if actor is None else str(actor), request_id, reason],
        )


@contextmanager
def acting(*, actor: int | None, request_id: str, reason: str = "", using: str = "default") -> Iterator[None]:
    """Run a block in one transaction of this actor: for commands, jobs and on_commit work."""
    with transaction.atomic(using=using):
        announce(actor=actor, request_id=request_id, reason=reason, using=using)
        yield
