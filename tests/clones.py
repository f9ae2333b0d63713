"""Databases for tests: one migrated template per alias, kept between runs, and a clone of it for each worker.

A template's name holds a hash of everything that decides what `migrate` makes, so a changed migration makes a new one.
Clones take a tenth of a second; a test that must really commit gets its worker a fresh one afterwards. What needs a server of
its own gets a copy of this one as it was once migrated.
"""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from backoffice import embedded
from backoffice.databases import LEDGERS, app_role, relay_role
from backoffice.embedded import bootstrap, programs
from backoffice.embedded.account import server_account
from backoffice.embedded.layout import DATABASES, Layout

ALIASES = ("default", "sandbox", "audit")
# A file is copied by the system's own call where there is one: that makes a database five times as fast.
COPYING = """
    SELECT set_config('file_copy_method', 'clone', false) FROM pg_settings
    WHERE name = 'file_copy_method' AND 'clone' = ANY (enumvals)
"""
# A door into the event store that only tests have: the app role, as which they run, cannot add to it.
KEEP = """
    CREATE FUNCTION test_keep(place name, fact jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
    BEGIN
        IF place = 'audit_event' THEN
            PERFORM audit_make_month((fact ->> 'created')::date);
        END IF;
        EXECUTE format('INSERT INTO %1$I SELECT * FROM jsonb_populate_record(NULL::%1$I, $1)', place) USING fact;
    END $$;
    GRANT EXECUTE ON FUNCTION test_keep(name, jsonb) TO {};
"""
WRITTEN_OUT = """
    CREATE FUNCTION test_written_out(about text) RETURNS SETOF jsonb LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
        SELECT to_jsonb(o) FROM audit_outbox t CROSS JOIN LATERAL audit_written_out(t) o WHERE t.object_type = about
    $$;
    GRANT EXECUTE ON FUNCTION test_written_out(text) TO {};
"""


@cache
def _fingerprint() -> str:
    """Return a hash of all migrations, their SQL and what applies them."""
    root = settings.BASE_DIR
    sources = [
        *root.glob("*/migrations/**/*.py"),
        *root.glob("*/*/migrations/*.py"),
        *root.glob("*/migrations/sql/*.sql"),
        *root.glob("*/*/migrations/sql/*.sql"),
    ]
    sources += [
        root / "requirements.txt",
        root / "backoffice/management/commands/migrate.py",
        root / "backoffice/sql.py",
    ]
    sources += [root / "backoffice/databases.py", root / "backoffice/roles.py", root / "tests/clones.py"]
    sources += [
        root / "backoffice/models/user.py",
        *(root / f"audit/{name}.py" for name in ("kept", "registry", "schemas")),
    ]
    digest = hashlib.sha256(django.__version__.encode())
    for source in sorted(sources):
        digest.update(source.name.encode() + (source.read_bytes() if source.exists() else b""))
    return digest.hexdigest()[:12]


def _server() -> psycopg.Connection:
    server = psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA), autocommit=True)
    server.execute(COPYING)
    return server


def _exists(server: psycopg.Connection, name: str) -> bool:
    return bool(server.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount)


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _create(server: psycopg.Connection, name: str, template: str) -> None:
    owner = settings.OWNER_DATABASES["default"]["USER"]
    server.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template), sql.Identifier(owner)
        )
    )
    # The rights on a database, unlike those on what is in it, do not come along with a template.
    server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    server.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
            *map(sql.Identifier, (name, app_role("default"), relay_role("default")))
        )
    )


def use(names: dict[str, str]) -> None:
    """Point Django's connections at these databases."""
    connections.close_all()
    for alias, name in names.items():
        settings.DATABASES[alias]["NAME"] = name
        settings.OWNER_DATABASES[alias]["NAME"] = name
        settings.RELAY_DATABASES[alias]["NAME"] = name
        connections[alias].settings_dict["NAME"] = name


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process in at a time: xdist workers start together and need the same templates."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def templates() -> dict[str, str]:
    """Return the template of each alias, migrated now if it was not before; older ones are dropped."""
    names = {alias: f"test_template_{alias}_{_fingerprint()}" for alias in ALIASES}
    with _alone(settings.BACKOFFICE_DATA / "templates.lock"), _server() as server:
        server.execute("ALTER SYSTEM SET fsync = off")
        server.execute("SELECT pg_reload_conf()")
        if not (_kept().exists() and all(_exists(server, name) for name in names.values())):
            _migrate(server)
            staging = _keep()
            _make(server, names)
            staging.rename(_kept())  # last of all: what was interrupted is made anew
    return names


def _migrate(server: psycopg.Connection) -> None:
    """Migrate the server's own three databases from nothing, as the first `migrate` in an empty data folder does."""
    for (old,) in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'").fetchall():
        _drop(server, old)
    for name in DATABASES.values():
        _drop(server, name)
    layout = Layout.of(settings.BACKOFFICE_DATA)
    (layout.cluster / bootstrap.MARK).unlink()
    bootstrap.complete(layout)
    use(dict(zip(ALIASES, DATABASES.values(), strict=True)))
    call_command("migrate", verbosity=0)
    connections.close_all()


def _make(server: psycopg.Connection, names: dict[str, str]) -> None:
    """Make the templates of the migrated databases, with what only tests have."""
    for migrated, name in zip(DATABASES.values(), names.values(), strict=True):
        _create(server, name, migrated)
    with psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA, names["audit"])) as store:
        store.execute(sql.SQL(KEEP).format(sql.Identifier(app_role("audit"))))
    for alias in LEDGERS:  # the groups' rights were events; a test begins with an empty outbox
        with psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA, names[alias])) as ledger:
            ledger.execute("DELETE FROM audit_outbox")
            ledger.execute(sql.SQL(WRITTEN_OUT).format(sql.Identifier(app_role(alias))))


def _kept() -> Path:
    """Return the folder that a copy of the migrated server is kept in."""
    return settings.BACKOFFICE_DATA / f"migrated_{_fingerprint()}"


def _keep() -> Path:
    """Copy the migrated server while it runs; return the folder of the copy. It has no fsync either."""
    for old in settings.BACKOFFICE_DATA.glob("migrated_*"):
        shutil.rmtree(old)
    staging = Layout.of(settings.BACKOFFICE_DATA / "migrated_new")
    staging.data.mkdir()
    account = server_account(Layout.of(settings.BACKOFFICE_DATA))
    account.own(staging.home)
    source = f"--dbname={embedded.superuser_url(settings.BACKOFFICE_DATA)}"
    wanted = ("--pgdata", staging.cluster.name, "--wal-method=fetch", "--checkpoint=fast", "--no-sync")
    programs.run("pg_basebackup", source, *wanted, layout=staging, account=account)
    return staging.data


def settle(data: Path) -> None:
    """Make a data folder whose server is migrated, and but for that as empty as a new one; `templates` made what it copies."""
    subprocess.run(["/bin/cp", "-a", _kept(), data], check=True)


def clone(worker: str) -> None:
    """Give this worker fresh clones and point Django at them."""
    from_templates = templates()
    names = {alias: f"test_{worker}_{alias}" for alias in ALIASES}
    connections.close_all()
    with _server() as server:
        for alias, name in names.items():
            _drop(server, name)
            _create(server, name, from_templates[alias])
    use(names)


def drop(worker: str) -> None:
    """Drop this worker's clones."""
    connections.close_all()
    with _server() as server:
        for alias in ALIASES:
            _drop(server, f"test_{worker}_{alias}")
