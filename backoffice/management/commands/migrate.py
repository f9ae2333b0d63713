"""Migrate all databases, each as its owner; the app role gets only what the migrations grant.

What of the code is kept in tables follows at the end: the types of events as the owner, roles and the system's own row as the
app role and in a scope, since what the owner writes to captured tables is written from outside, and raises an alert.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from backoffice.databases import LEDGERS, RELAY_URL_NAMES, app_role, as_owner, relay_role
from backoffice.models import User
from backoffice.roles import keep_roles

GRANTS = """
    REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO {app}, {relay};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {app};
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""
KEPT = {User._meta.db_table, Group._meta.db_table}
OWN = "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {app};"


class Command(DjangoMigrate):
    """Django's `migrate` for every database in turn, or for the one that --database names."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant first, so that every new table is readable by the site and no table is by anyone else."""
        for alias in self._aliases(options):
            with as_owner(alias):
                self._check_relay(alias)
                self._sql(alias, GRANTS)
                super().handle(*args, **{**options, "database": alias})
                self._sql(alias, OWN)
            changed = not (options.get("plan") or options.get("check_unapplied"))
            if changed and alias in LEDGERS and set(connections[alias].introspection.table_names()) >= KEPT:
                keep_roles(alias)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """Check the databases that are migrated."""
        return {"databases": self._aliases(options)}

    @staticmethod
    def _aliases(options: dict[str, Any]) -> list[str]:
        return [options["database"]] if options["database"] else list(settings.DATABASES)

    @staticmethod
    def _check_relay(alias: str) -> None:
        """Refuse to migrate for a relay that is not there, or that is the site itself."""
        role = relay_role(alias)
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
            if not cursor.rowcount:
                sentence = f"There is no role {role}: run deploy/roles.sql, or set {RELAY_URL_NAMES[alias]}."
                raise CommandError(sentence, returncode=2)
        if role == app_role(alias):
            sentence = f"{RELAY_URL_NAMES[alias]} names the site's own role: the relay needs one of its own."
            raise CommandError(sentence, returncode=2)

    @staticmethod
    def _sql(alias: str, text: str) -> None:
        connection = connections[alias]
        quote = connection.ops.quote_name
        names = {
            "app": quote(app_role(alias)),
            "relay": quote(relay_role(alias)),
            "database": quote(connection.settings_dict["NAME"]),
        }
        with connection.cursor() as cursor:
            cursor.execute(text.format(**names))
