"""The event store only takes in: for the app role, for the owner and for the superuser."""

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction

from audit.models import Event
from backoffice import embedded

COLUMNS = "id created type user_id username entity_id object_type object_id request_id method path status ip browser reason success data"  # fmt: skip
ADD = "INSERT INTO audit_event (id, created, type, username, object_type, object_id, request_id, method, path, browser, reason, success, data) VALUES (uuidv7(), now(), 'logout', '', '', '', '', '', '', '', '', true, '{}')"  # fmt: skip


def test_columns_are_those_of_the_contract() -> None:
    assert [field.column for field in Event._meta.concrete_fields] == COLUMNS.split()


@pytest.mark.django_db(databases=["audit"])
@pytest.mark.parametrize("statement", ["UPDATE audit_event SET type = ''", "DELETE FROM audit_event", "TRUNCATE audit_event", "DROP TABLE audit_event", "ALTER TABLE audit_event DISABLE TRIGGER ALL"])  # fmt: skip
def test_app_role_adds_and_reads_alone(statement: str) -> None:
    with connections["audit"].cursor() as cursor:
        cursor.execute(ADD)
        cursor.execute("SELECT count(*) FROM audit_event")
        assert cursor.fetchone() == (1,)
        with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic(using="audit"):
            cursor.execute(statement)


@pytest.mark.usefixtures("committing")
def test_triggers_refuse_owner_and_superuser() -> None:
    name = settings.DATABASES["audit"]["NAME"]
    for role in (None, settings.OWNER_DATABASES["audit"]["USER"]):
        with psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA, name), autocommit=True) as session:
            if role:
                session.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role)))
            session.execute(ADD)
            for statement in ("UPDATE audit_event SET type = ''", "DELETE FROM audit_event", "TRUNCATE audit_event"):
                with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                    session.execute(statement)
