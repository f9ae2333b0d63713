"""Fill the sandbox from live: entities, people under masks, accounts, limits, caps and every action.

Invariants:
- Live is read in one read-only snapshot: PostgreSQL itself refuses a write there.
- The sandbox is written as its owner in one transaction, with the ledger's triggers off until the end: whoever looks at
  it waits, and then sees the new one; after a failure the old one is there as it was.
- Ids, uids and references are those of live, so that the two can be compared. What is made in the sandbox afterwards
  has ids and references of its own, far from those of live.
- Every lock is taken at the start. A refresh that meets a page of the sandbox under way steps back and tries again,
  before PostgreSQL would call it a deadlock and end the page.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings
from django.db import OperationalError, connections, transaction
from django.db.models import GeneratedField, Model
from psycopg import errors, sql

from audit.kept import TABLE as EVENT_TYPES
from audit.kept import keep_types
from backoffice.databases import SANDBOX, as_owner
from backoffice.models import Entity, User
from backoffice.scope import acting
from ledger.models import Account, Action
from sandbox.columns import COLUMNS
from sandbox.masking import key, mask
from sandbox.models import Refresh

LIVE = "default"
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
STAYS = (
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    EVENT_TYPES,  # what may be told; `migrate` fills it, and so does a refresh, for a sandbox that was emptied of it
    "audit_outbox",  # what happened in the sandbox and is not relayed yet
    Refresh._meta.db_table,
)
TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL (%s) ORDER BY relname
"""
SECURED = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relforcerowsecurity ORDER BY relname"
)
# A row of the outbox may stand for what the tables hold that are emptied here.
WRITE_OUT = """
    WITH standing AS (DELETE FROM audit_outbox WHERE data ? 'written_out_by' RETURNING *)
    INSERT INTO audit_outbox SELECT o.* FROM standing s CROSS JOIN LATERAL audit_written_out(s.*::audit_outbox) o
"""
FIRST_ID = 1_000_000_000_000  # of what is made in the sandbox
REFERENCES_APART = 39_155_492_640  # half of the 23^8 references there are
LOCK_WAIT = "500ms"  # below PostgreSQL's deadlock_timeout of 1 s
LOCK_TRIES = 40


class CannotRefreshError(Exception):
    """Why the sandbox cannot be filled, in a sentence. Nothing has changed."""


class Report(NamedTuple):
    """How many rows the sandbox was given, and how long that took."""

    entities: int
    users: int
    accounts: int
    limits: int
    actions: int
    seconds: float


def refresh() -> Report:
    """Fill the sandbox with what live holds at this moment.

    Raises:
        CannotRefreshError: the two are one database, have different tables, or the sandbox is in use.
        ImproperlyConfigured: the sandbox owner's URL is not set.
    """
    started = time.monotonic()
    _check_columns()
    _check_settings()
    with as_owner(SANDBOX), _snapshot_of_live() as live, _transaction_of_sandbox() as sandbox:
        _check_apart(live, sandbox)
        tables = _names(sandbox, TABLES, [list(STAYS)])
        _lock(sandbox, tables)
        _for_each(sandbox, "ALTER TABLE {} DISABLE TRIGGER USER", tables)
        sandbox.execute(WRITE_OUT)
        sandbox.execute(sql.SQL("TRUNCATE {}").format(_list(tables)))
        sandbox.execute("SET CONSTRAINTS ALL IMMEDIATE")  # checks that wait would stand in the way of ENABLE TRIGGER
        secured = _names(sandbox, SECURED)
        _for_each(sandbox, "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", secured)  # COPY writes into no table under it
        counts = {model: _copy(model, live, sandbox) for model in COLUMNS}
        keep_types(SANDBOX)
        _move_sequences_away(live, sandbox)
        _for_each(sandbox, "ALTER TABLE {} FORCE ROW LEVEL SECURITY", secured)
        _for_each(sandbox, "ALTER TABLE {} ENABLE TRIGGER USER", tables)
        _for_each(sandbox, "ANALYZE {}", [model._meta.db_table for model in COLUMNS])
        users, accounts, actions = counts[User], counts[Account], counts[Action]
        Refresh.objects.using(SANDBOX).create(users=users, accounts=accounts, actions=actions)
    limits = sum(count for model, count in counts.items() if model.__name__ == "Limit")
    return Report(counts[Entity], users, accounts, limits, actions, round(time.monotonic() - started, 2))


def _check_columns() -> None:
    for model, decided in COLUMNS.items():
        stored = [field for field in model._meta.concrete_fields if not isinstance(field, GeneratedField)]
        if different := {str(field.column) for field in stored} ^ set(decided):
            names = ", ".join(sorted(different))
            raise CannotRefreshError(f"Decide in sandbox/columns.py what becomes of {model._meta.db_table}: {names}.")


def _check_settings() -> None:
    places = [[str(settings.DATABASES[alias][part]) for part in ("HOST", "PORT", "NAME")] for alias in (LIVE, SANDBOX)]
    if places[0] == places[1]:
        raise CannotRefreshError(
            "SANDBOX_DATABASE_URL names the same database as DATABASE_URL: give it one of its own."
        )


def _check_apart(live: Any, sandbox: Any) -> None:
    """Find out whether both are one database under two names: an advisory lock is seen in its own database only."""
    number = secrets.randbits(62)
    live.execute("SELECT pg_advisory_xact_lock(%s)", [number])
    sandbox.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
    if not sandbox.fetchone()[0]:
        raise CannotRefreshError(
            "SANDBOX_DATABASE_URL leads to the same database as DATABASE_URL: give it one of its own."
        )
    applied = "SELECT app || '.' || name FROM django_migrations"
    if different := set(_names(live, applied)) ^ set(_names(sandbox, applied)):
        raise CannotRefreshError(f"Run migrate first: live and sandbox differ by {', '.join(sorted(different))}.")


@contextmanager
def _snapshot_of_live() -> Iterator[Any]:
    with transaction.atomic(using=LIVE, durable=True), connections[LIVE].cursor() as cursor:
        cursor.execute(SNAPSHOT)  # the first statement of its transaction
        with acting(actor=None, request_id="sandbox_refresh", using=LIVE):
            yield cursor


@contextmanager
def _transaction_of_sandbox() -> Iterator[Any]:
    with transaction.atomic(using=SANDBOX, durable=True), connections[SANDBOX].cursor() as cursor:
        yield cursor


def _lock(sandbox: Any, tables: list[str]) -> None:
    sandbox.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
    statement = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_list(tables))
    for _ in range(LOCK_TRIES):
        try:
            with transaction.atomic(using=SANDBOX):
                sandbox.execute(statement)
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable):
                raise
            time.sleep(secrets.randbelow(200) / 1000)
        else:
            return
    raise CannotRefreshError("The sandbox is in use and gave no way: try again when it is quieter.")


def _copy(model: type[Model], live: Any, sandbox: Any) -> int:
    """Copy a table and return how many rows: as it streams by, or person by person under a mask."""
    columns, table = COLUMNS[model], sql.Identifier(model._meta.db_table)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(sql.SQL(f"{value or name} AS {name}") for name, value in columns.items())
    format_ = sql.SQL("text" if model is User else "binary")
    source = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT {})").format(values, table, format_)
    target = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(table, names, format_)
    live.execute("SELECT set_config('backoffice.mask_key', %s, true)", [f"\\x{key('references').hex()}"])
    with live.copy(source) as rows, sandbox.copy(target) as to:
        if model is User:
            for row in _masked(rows.rows(), list(columns)):
                to.write_row(row)
        else:
            for block in rows:
                to.write(block)
    return int(sandbox.rowcount)


def _masked(rows: Any, names: list[str]) -> Iterator[list[str | None]]:
    """Put on masks. Staff keep their user names, by which the record tells them; what was empty stays empty."""
    people_key = key("people")
    for row in rows:
        person = dict(zip(names, row, strict=True))
        masked = mask(int(person["id"]), people_key)._asdict()
        if person["is_staff"] == "t":
            del masked["username"]
        yield list((person | {name: value for name, value in masked.items() if person[name]}).values())


def _move_sequences_away(live: Any, sandbox: Any) -> None:
    for model in COLUMNS:
        if (field := model._meta.auto_field) is not None:
            table = model._meta.db_table
            sandbox.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, field.column, FIRST_ID])
    live.execute("SELECT coalesce(pg_sequence_last_value('ledger_reference_seq'::regclass), 0)")
    sandbox.execute("SELECT setval('ledger_reference_seq', %s)", [live.fetchone()[0] + REFERENCES_APART])


def _names(cursor: Any, query: str, params: Any = None) -> list[str]:
    cursor.execute(query, params)
    return [name for (name,) in cursor.fetchall()]


def _list(tables: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, tables))


def _for_each(cursor: Any, statement: str, tables: list[str]) -> None:
    for table in tables:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(table)))
