"""Which database holds what, who connects to it, and which one is being worked on.

Three aliases: `default` (the ledger), `sandbox` (the same schema for analysts) and `audit` (the event store, and
nothing else). The site runs as the app role; `as_owner` is the only way to the owner's, and only `migrate`,
`sandbox_refresh`, `audit_retention` and `audit_erase` take it; `as_relay` is the only way to the relay's, which empties the outboxes and
adds to the event store, and only the audit's own commands take that.

A request works on the ledger or on the sandbox, never on both: `working_on(alias)` is its choice. Within:
- the router sends all data of the ledger there (people, accounts, actions, log entries, histories: every table that is
  not SHARED), and what decides who is logged in and what they may do, to `default`;
- a statement about the ledger's tables on the other of the two raises `WrongDatabaseError`, even one with `using()`.
Code that chooses nothing (commands, the shell) names its database itself. COPY is not looked at.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

RUNTIME_URL_NAMES = {
    "default": "DATABASE_URL",
    "sandbox": "SANDBOX_DATABASE_URL",
    "audit": "AUDIT_DATABASE_URL",
}
OWNER_URL_NAMES = {
    "default": "DATABASE_OWNER_URL",
    "sandbox": "SANDBOX_DATABASE_OWNER_URL",
    "audit": "AUDIT_DATABASE_OWNER_URL",
}
RELAY_URL_NAMES = {
    "default": "DATABASE_RELAY_URL",
    "sandbox": "SANDBOX_DATABASE_RELAY_URL",
    "audit": "AUDIT_DATABASE_RELAY_URL",
}
OURS = "backoffice/"  # how the name begins that programs of ours connect under; audit_source() in SQL knows it too
RELAY = "backoffice_relay"  # the role that deploy/roles.sql makes; other URLs may name another
EVENT_STORE = "audit"  # both the alias and the label of the one app that lives there
OUTBOX = "outbox"  # that app's one table that stands beside the data: events on their way
SANDBOX = "sandbox"  # both the alias and the label of the app whose tables are there only
LEDGERS = ("default", SANDBOX)
RIGHTS = ("groups", "user_permissions")  # of a user: theirs are tables of the shared kind
# Apps that are asked who is logged in and who may what: those of `default`, wherever the work is.
SHARED = frozenset({"auth", "sessions", "guardian", "login", "account", "mfa", "usersessions", "axes", "django_cache"})
# Content types belong to the database they are in, and rights are asked about together with those of `default`.
NOT_LEDGER = SHARED | {"contenttypes", EVENT_STORE, SANDBOX}

_working_on: ContextVar[str | None] = ContextVar("_working_on", default=None)


def database(name: str, url: str) -> dict[str, Any]:
    """Return Django's settings for one PostgreSQL URL; `name` is the variable it came from, for the error."""
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"{name} is not a PostgreSQL URL: {error}") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**parts, "server_side_binding": True, "prepare_threshold": 5, "application_name": program()},
    }


def program() -> str:
    """Return what this process calls itself to the database: `backoffice/gunicorn`, `backoffice/shell`.

    What is written under another name is marked as written from outside, whatever its session says of itself.
    """
    name = Path(sys.argv[0]).stem
    return OURS + (sys.argv[1] if name == "manage" and len(sys.argv) > 1 else name)


def databases_from(urls: Mapping[str, str], names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for the aliases whose URL is set."""
    return {alias: database(name, urls[name]) for alias, name in names.items() if urls[name]}


def app_role(alias: str) -> str:
    """Return the role that the site runs as on this database: the one that guards and grants speak of."""
    return str(settings.DATABASES[alias]["USER"])


def relay_role(alias: str) -> str:
    """Return the role that empties this database's outbox, or adds to the event store."""
    return str(settings.RELAY_DATABASES[alias]["USER"]) if alias in settings.RELAY_DATABASES else RELAY


def as_owner(alias: str) -> AbstractContextManager[None]:
    """Run a block as the owner of the tables.

    Raises:
        ImproperlyConfigured: the owner's URL is not set.
    """
    why = "this command changes tables, which only their owner may"
    return _connected_as(alias, settings.OWNER_DATABASES, OWNER_URL_NAMES[alias], why)


@contextmanager
def as_relay(*aliases: str) -> Iterator[None]:
    """Run a block as the relay, on these databases.

    Raises:
        ImproperlyConfigured: one of the relay's URLs is not set.
    """
    why = "only the relay's own role takes events out of the outbox and puts them into the event store"
    with ExitStack() as stack:
        for alias in aliases:
            stack.enter_context(_connected_as(alias, settings.RELAY_DATABASES, RELAY_URL_NAMES[alias], why))
        yield


@contextmanager
def _connected_as(alias: str, others: Mapping[str, Any], name: str, why: str) -> Iterator[None]:
    if alias not in others:
        raise ImproperlyConfigured(f"Set {name}: {why}.")
    connection = connections[alias]
    runtime = connection.settings_dict
    connection.close()
    other = others[alias]
    connection.settings_dict = {**runtime, **{part: other[part] for part in ("USER", "PASSWORD", "HOST", "PORT")}}
    connection.settings_dict["OPTIONS"] = other["OPTIONS"]
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = runtime


class WrongDatabaseError(RuntimeError):
    """A statement about the ledger's tables on the database that is not being worked on."""


def worked_on() -> str | None:
    """Return the alias chosen by `working_on`; None where nothing was chosen."""
    return _working_on.get()


@contextmanager
def working_on(alias: str) -> Iterator[None]:
    """Work on one of LEDGERS within the block and refuse statements about the ledger's tables on the other."""
    if alias not in LEDGERS:
        raise ValueError(f"Work on {' or '.join(LEDGERS)}, not on {alias}.")
    token = _working_on.set(alias)
    try:
        with ExitStack() as stack:
            for other in LEDGERS:
                stack.enter_context(connections[other].execute_wrapper(partial(_refuse_other, other)))
            yield
    finally:
        _working_on.reset(token)


def _refuse_other(alias: str, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    chosen = worked_on()
    if chosen not in {None, alias} and (table := _ledger_tables().search(str(sql))):
        raise WrongDatabaseError(f"Works on {chosen}: a statement about {table[0]} was sent to {alias}.")
    return execute(sql, *rest)


@cache
def _ledger_tables() -> re.Pattern[str]:
    """Return what finds a table of the ledger in a statement, or one of its functions: their names begin with its own."""
    rights = {apps.get_model(settings.AUTH_USER_MODEL)._meta.get_field(name).m2m_db_table() for name in RIGHTS}
    models_of_ledger = (m for m in apps.get_models(include_auto_created=True) if m._meta.app_label not in {*NOT_LEDGER})
    tables = {m._meta.db_table for m in models_of_ledger} - rights
    return re.compile(rf"\b(?:ledger_\w+|{'|'.join(map(re.escape, sorted(tables)))})\b")


class Router:
    """Keep the event store's tables in `audit` and all others out of it; within `working_on`, obey it."""

    def db_for_read(self, model: type[models.Model], **hints: object) -> str | None:
        label = model._meta.app_label
        if label == EVENT_STORE and model._meta.model_name == OUTBOX:
            return worked_on()
        if label in {EVENT_STORE, SANDBOX}:
            return label
        return "default" if worked_on() and label in SHARED else worked_on()

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        if app_label == EVENT_STORE and hints.get("model_name") == OUTBOX:
            return db in LEDGERS
        if app_label in {EVENT_STORE, SANDBOX}:
            return db == app_label
        return db != EVENT_STORE
