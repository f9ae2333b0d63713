"""After a request is answered, a test is outside of requests again: as a command, it may give rights without asking.

What a request announces ends with its transaction; in most tests that one goes on to the end of the test.
"""

from typing import Any

from django.core.signals import request_finished
from django.db import connections
from psycopg.pq import TransactionStatus


def leave(**kwargs: object) -> None:
    """Forget that there was a request; a transaction that has failed is left alone."""
    connection: Any = connections["default"].connection
    if connection and not connection.closed and connection.info.transaction_status == TransactionStatus.INTRANS:
        connection.execute("SELECT set_config('backoffice.method', '', true)")


request_finished.connect(leave)
