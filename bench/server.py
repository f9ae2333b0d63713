"""The bench's own server: superuser sessions, copies of a database, and the CPU time of all of its processes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psutil
import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

from backoffice import embedded


def url(database: str) -> str:
    """Return the superuser's URL of a database."""
    return embedded.superuser_url(settings.BACKOFFICE_DATA, database)


def environment(database: str) -> dict[str, str]:
    """Return what a program of another environment needs to reach a database in the way that the site does."""
    return {"BENCH_SUPERUSER": url(database), "BENCH_OPTIONS": json.dumps(settings.DATABASES["default"]["OPTIONS"])}


def session(database: str = "postgres", *, autocommit: bool = False) -> psycopg.Connection:
    """Open a session of the superuser."""
    return psycopg.connect(url(database), autocommit=autocommit)


def ledger() -> str:
    """Name the database that `migrate` made."""
    return str(settings.OWNER_DATABASES["default"]["NAME"])


def store() -> str:
    """Name the database of events that `migrate` made."""
    return str(settings.OWNER_DATABASES["audit"]["NAME"])


def create(database: str, template: str = "template0") -> None:
    """Make a database, as a copy of another one that nobody is connected to; checkpoints are not left for a round."""
    connections.close_all()
    with session(autocommit=True) as s:
        s.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *map(sql.Identifier, (database, template, settings.OWNER_DATABASES["default"]["USER"]))
            )
        )


def drop(database: str) -> None:
    """Remove a database and whoever is still connected to it."""
    with session(autocommit=True) as s:
        s.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def one(database: str, query: sql.SQL | sql.Composed) -> tuple[object, ...]:
    """Return the one row of a query."""
    with session(database) as s:
        return s.execute(query).fetchone() or ()


@contextmanager
def working_in(database: str) -> Iterator[None]:
    """Have this process's `default` connection lead to another database within the block."""
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@contextmanager
def with_setting(name: str, value: str) -> Iterator[None]:
    """Have every session of the server work with a setting within the block."""
    with session(autocommit=True) as s:
        s.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        s.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            s.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            s.execute("SELECT pg_reload_conf()")


@cache
def _postmaster() -> psutil.Process:
    with session() as s:
        parent = psutil.Process(s.info.backend_pid).parent()
    if parent is None:
        raise RuntimeError("The server's first process is not to be seen.")
    return parent


def cpu_seconds() -> float:
    """Return the CPU time that the server's processes have taken since it started, those that have ended too."""
    times = [_postmaster().cpu_times()]
    ended = times[0].children_user + times[0].children_system
    for child in _postmaster().children():
        try:
            times.append(child.cpu_times())
        except psutil.NoSuchProcess:  # it has just ended; its time is with the first process at the next look
            continue
    return float(ended + sum(time.user + time.system for time in times))


def durable() -> None:
    """Refuse to measure a server that does not wait for its disk."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if one(ledger(), sql.SQL("SHOW {}").format(sql.Identifier(name))) != ("on",):
            raise RuntimeError(f"{name} is not on: the figures would be of another server than production's.")
