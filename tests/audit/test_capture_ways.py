"""Ways to write that are easily forgotten: an expression, a stale object, an upsert, COPY, a key that comes back."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat

from backoffice.models import Entity
from tests.audit.test_capture import events, history, run, written_out

pytestmark = pytest.mark.django_db
FEW, MANY = 5, 40  # rows of a statement: an event each, and one event for all that the relay writes out


def told(kind: str, name: str) -> list[dict[str, Any]]:
    """The events of entities that came to be called so."""
    rows = [row for row in written_out("backoffice.entity") if row["type"] == kind]
    return [row for row in rows if (row["data"].get("new") or new_values(row))["name"] == name]


def new_values(row: dict[str, Any]) -> dict[str, Any]:
    return {column: change["new"] for column, change in row["data"]["changes"].items()}


def test_value_that_the_database_worked_out_is_captured(nord: Entity) -> None:
    Entity.objects.filter(pk=nord.pk).update(name=Concat(F("name"), Value("!")))
    assert history(nord) == [("+", "Nordbank"), ("~", "Nordbank!")]
    [(_, data)] = events(type="change.updated", object_type="backoffice.entity")
    assert data["changes"] == {"name": {"old": "Nordbank", "new": "Nordbank!"}}


def test_stale_object_is_captured_by_what_was_written_and_not_by_what_it_holds(nord: Entity) -> None:
    Entity.objects.update(name="Later")
    nord.name, nord.code = "Stale", "n2"
    nord.save(update_fields=["code"])
    row = Entity.history.latest()
    assert (row.name, row.code) == ("Later", "n2")
    changes = events(type="change.updated", object_type="backoffice.entity")[-1][1]["changes"]
    assert changes == {"code": {"old": "nord", "new": "n2"}}


@pytest.mark.parametrize("number", [FEW, MANY])
def test_upsert_is_captured_as_what_it_inserted_and_what_it_updated(number: int) -> None:
    Entity.objects.bulk_create([Entity(code=f"e{each}", name="Before") for each in range(number)])
    rows = [Entity(code=f"{how}{each}", name="Upserted") for how in "en" for each in range(number)]
    Entity.objects.bulk_create(rows, update_conflicts=True, unique_fields=["code"], update_fields=["name"])
    for kind, event in (("~", "change.updated"), ("+", "change.created")):
        assert Entity.history.filter(name="Upserted", history_type=kind).count() == number
        assert len(told(event, "Upserted")) == number


@pytest.mark.parametrize("number", [FEW, MANY])
def test_copy_is_captured(number: int) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY backoffice_entity (code, name, created) FROM STDIN") as copy:
        for each in range(number):
            copy.write_row((f"c{each}", "Copied", "2026-01-01 00:00+00"))
    assert Entity.history.filter(name="Copied", history_type="+").count() == number
    assert len(told("change.created", "Copied")) == number


def test_row_that_comes_back_under_its_key_is_captured_again(nord: Entity) -> None:
    key = nord.pk
    nord.purge_from_db()
    run(f"INSERT INTO backoffice_entity (id, code, name, created) OVERRIDING SYSTEM VALUE VALUES ({key}, 'n', 'Again', now())")  # noqa: S608  a number of ours  # fmt: skip
    assert [kind for kind, _ in history(Entity(pk=key))] == ["+", "-", "+"]
