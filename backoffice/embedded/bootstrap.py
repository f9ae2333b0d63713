"""Make the databases and the roles of the embedded server; deploy/roles.sql is the same for a server of one's own.

Invariant: every step may be repeated. The mark holds the script's fingerprint, so that a changed script runs again.
"""

import hashlib
from pathlib import Path

import psycopg
from psycopg import sql

from backoffice.embedded.layout import DATABASES, SUPERUSER, Layout

SCRIPT = Path(__file__).parents[2] / "deploy" / "roles.sql"
MARK = "backoffice.complete"


def complete(layout: Layout) -> None:
    """Make what is missing, unless all was made before."""
    script = SCRIPT.read_text()
    fingerprint = hashlib.sha256(script.encode()).hexdigest()
    mark = layout.cluster / MARK
    if mark.exists() and mark.read_text() == fingerprint:
        return
    with psycopg.connect(layout.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        present = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name in sorted({*DATABASES.values()} - present):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        connection.execute(script.encode())
    mark.write_text(fingerprint)
