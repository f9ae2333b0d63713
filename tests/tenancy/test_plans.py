"""What the planner knows of rows that belong to entities: by that it finds those of a page, for who sees few and who sees many."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.models import F
from psycopg import sql

from backoffice.databases import app_role
from backoffice.grants import Within, array
from ledger.models import Account, Action, Hold
from tests.audit.sealed import superuser
from tests.tenancy.conftest import Tenant

pytestmark = pytest.mark.django_db
ROWS, ENTITIES, RARE = 30_000, 200, 4_000


@pytest.fixture
def of_entities() -> Iterator["psycopg.Connection[Any]"]:
    """A session of the site's role that sees a table of rows of as many entities, and three of another one."""
    with superuser("default") as session, session.transaction(force_rollback=True):
        session.execute("CREATE TABLE of_entities (id bigserial PRIMARY KEY, entity_id bigint NOT NULL)")
        session.execute("CREATE INDEX ON of_entities (entity_id)")
        session.execute("CALL backoffice_secure_by_entity('of_entities')")
        numbers = "SELECT n %% %s FROM generate_series(1, %s) n UNION ALL SELECT %s FROM generate_series(1, 3)"
        session.execute(f"INSERT INTO of_entities (entity_id) {numbers}", [ENTITIES, ROWS, RARE])
        session.execute("GRANT SELECT ON of_entities TO PUBLIC")
        session.execute("ANALYZE of_entities")
        session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(app_role("default"))))
        yield session


def expected(session: "psycopg.Connection[Any]", entities: Sequence[int]) -> float:
    """Return how many rows the planner expects of these entities."""
    where = f"entity_id = ANY ('{array(entities)}'::bigint[])"
    [(plan,)] = session.execute(f"EXPLAIN (FORMAT JSON) SELECT FROM of_entities WHERE {where}").fetchall()
    return float(plan[0]["Plan"]["Plan Rows"])


def test_rows_of_a_scope_are_not_taken_for_rarer_than_they_are(of_entities: "psycopg.Connection[Any]") -> None:
    assert ROWS / 10 / 3 < expected(of_entities, range(20)) < ROWS / 10 * 3
    assert expected(of_entities, [RARE]) < 30


def test_tables_of_entities_are_secured_so() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename, qual FROM pg_policies WHERE policyname = 'entity' AND qual ~ 'entity_id = ANY'"
        )
        found = dict(cursor.fetchall())
    assert {name for name, qual in found.items() if not qual.strip("( \n").startswith("CASE")} == set()
    assert {model._meta.db_table for model in (Account, Action, Hold)} <= found.keys()


def test_entities_are_part_of_the_statement(north: Tenant, south: Tenant) -> None:
    for entities in ([], [south.entity.pk], [north.entity.pk, south.entity.pk]):
        rows = Account._base_manager.filter(Within(F("entity"), entities))
        assert f"= ANY('{array(entities)}'::bigint[])" in str(rows.query)
        assert {row.entity_id for row in rows} == set(entities)
