"""Which database holds what, and who connects to it.

Three aliases: `default` (the ledger), `sandbox` (the same schema for analysts) and `audit` (the event store, and
nothing else). The site runs as the app role; `as_owner` is the only way to the owner's, and only `migrate` takes it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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
EVENT_STORE = "audit"  # both the alias and the label of the one app that lives there


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
        "OPTIONS": {**parts, "server_side_binding": True},
    }


def databases_from(urls: Mapping[str, str], names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for the aliases whose URL is set."""
    return {alias: database(name, urls[name]) for alias, name in names.items() if urls[name]}


def app_role(alias: str) -> str:
    """Return the role that the site runs as on this database: the one that guards and grants speak of."""
    return str(settings.DATABASES[alias]["USER"])


@contextmanager
def as_owner(alias: str) -> Iterator[None]:
    """Run a block as the owner of the tables.

    Raises:
        ImproperlyConfigured: the owner's URL is not set.
    """
    if alias not in settings.OWNER_DATABASES:
        raise ImproperlyConfigured(
            f"Set {OWNER_URL_NAMES[alias]}: this command changes tables, which only their owner may."
        )
    connection = connections[alias]
    runtime = connection.settings_dict
    connection.close()
    owner = settings.OWNER_DATABASES[alias]
    connection.settings_dict = {**runtime, **{part: owner[part] for part in ("USER", "PASSWORD", "HOST", "PORT")}}
    connection.settings_dict["OPTIONS"] = owner["OPTIONS"]
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = runtime


class Router:
    """Keep the event store's tables in `audit`, and all others out of it."""

    def db_for_read(self, model: type[models.Model], **hints: object) -> str | None:
        return EVENT_STORE if model._meta.app_label == EVENT_STORE else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return (db == EVENT_STORE) == (app_label == EVENT_STORE)
