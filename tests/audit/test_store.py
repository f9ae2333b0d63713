"""The event store only takes in, and only from the relay: not from the site, the owner or the superuser."""

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction

from audit.chain import CANONICAL
from audit.models import Event
from backoffice.databases import as_relay
from tests.audit.sealed import seal_events, superuser
from tests.audit.store import stored

SEALING = ["block", "position", "leaf", "erased"]
TABLES = ["audit_event", "audit_seal", "audit_key", "audit_verification"]


def test_columns_are_those_of_the_contract() -> None:
    assert [field.column for field in Event._meta.concrete_fields] == [*CANONICAL, *SEALING]


@pytest.mark.django_db(databases=["audit"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["INSERT INTO {} SELECT * FROM {}", "UPDATE {} SET {} = NULL", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}", "ALTER TABLE {} DISABLE TRIGGER ALL"])  # fmt: skip
def test_site_only_reads(table: str, statement: str) -> None:
    column = {"audit_event": "type", "audit_seal": "key", "audit_key": "public", "audit_verification": "head"}[table]
    stored(type="logout")
    with connections["audit"].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  of the list above
        with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic(using="audit"):
            cursor.execute(statement.replace("SET {}", f"SET {column}").replace("{}", table))


@pytest.mark.django_db(databases=["audit"])
@pytest.mark.parametrize("role", ["app", "relay"])
def test_partitions_are_reached_through_the_table_alone(role: str) -> None:
    stored(type="logout")
    roles = {"app": settings.DATABASES["audit"]["USER"], "relay": settings.RELAY_DATABASES["audit"]["USER"]}
    with connections["audit"].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, p.name FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p (name)"
            " WHERE c.relispartition AND c.relkind = 'r' AND has_table_privilege(%s, c.oid, p.name)",
            [roles[role]],
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db(databases=["default", "sandbox", "audit"])
@pytest.mark.parametrize(
    ("alias", "role", "expected"),
    [
        ("default", "app", {"audit_record", "audit_source", "audit_waiting_since"}),
        ("default", "relay", {"audit_due", "audit_forget", "audit_waiting_since"}),
        ("sandbox", "app", {"audit_record", "audit_source", "audit_waiting_since"}),
        ("sandbox", "relay", {"audit_due", "audit_forget", "audit_waiting_since"}),
        ("audit", "app", set[str]()),
        ("audit", "relay", {"audit_make_month", "audit_erase"}),
    ],
)
def test_functions_of_the_record_are_for_whom_they_are_meant(alias: str, role: str, expected: set[str]) -> None:
    roles = {"app": settings.DATABASES[alias]["USER"], "relay": settings.RELAY_DATABASES[alias]["USER"]}
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname LIKE 'audit\\_%%' AND has_function_privilege(%s, oid, 'EXECUTE')",
            [roles[role]],
        )
        assert {name for (name,) in cursor.fetchall()} == expected


@pytest.mark.usefixtures("committing")
@pytest.mark.parametrize("table", TABLES)
def test_triggers_refuse_relay_owner_and_superuser(table: str) -> None:
    seal_events(2)
    column = {"audit_event": "type", "audit_seal": "key", "audit_key": "public", "audit_verification": "head"}[table]
    statements = [f"UPDATE {table} SET {column} = ''", f"DELETE FROM {table}", f"TRUNCATE {table}"]  # noqa: S608  as above
    for role in (None, settings.OWNER_DATABASES["audit"]["USER"]):
        with superuser("audit") as session:
            if role:
                session.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role)))
            for statement in statements:
                with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                    session.execute(statement)
    with as_relay("audit"), connections["audit"].cursor() as cursor:
        for statement in statements:
            with pytest.raises(DatabaseError, match="permission denied"):
                cursor.execute(statement)


@pytest.mark.usefixtures("committing")
def test_partitions_refuse_to_be_emptied_by_name() -> None:
    seal_events(1)
    with superuser("audit") as session:
        [(name,)] = session.execute("SELECT tableoid::regclass::text FROM audit_event").fetchall()
        for statement in (f"TRUNCATE {name}", f"DELETE FROM {name}", f"UPDATE {name} SET type = ''"):  # noqa: S608  as above
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                session.execute(statement)
