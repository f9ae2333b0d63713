"""Each way to write that there is, one after the other: whatever a row came by, it is captured, and by whom and why.

save, update(), bulk_update, SQL, psql, bulk_create, upsert, COPY, many-to-many, a form, an action on a list, an import; then
what is easily forgotten: an expression, a stale object, a key that comes back.
"""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test import Client
from django.urls import reverse

from audit.models import Outbox
from backoffice import embedded
from backoffice.embedded.programs import program
from backoffice.models import Entity, User
from ledger.models import Account
from tests.audit.test_capture import events, history, run, written_out
from tests.cast import OpenAccount
from tests.console.test_commands import begin, hidden, select
from tests.imports.conftest import Desk
from tests.imports.files import csv_of

pytestmark = pytest.mark.django_db
FEW, MANY = 5, 40  # rows of a statement: an event each, and one event for all that the relay writes out


def told(kind: str, name: str) -> list[dict[str, Any]]:
    """The events of entities that came to be called so."""
    rows = [row for row in written_out("backoffice.entity") if row["type"] == kind]
    return [row for row in rows if (row["data"].get("new") or new_values(row))["name"] == name]


def new_values(row: dict[str, Any]) -> dict[str, Any]:
    return {column: change["new"] for column, change in row["data"]["changes"].items()}


def saved(entity: Entity) -> None:
    entity.name = "Changed"
    entity.save()


def bulk_updated(entity: Entity) -> None:
    entity.name = "Changed"
    Entity.objects.bulk_update([entity], ["name"])


CHANGES: dict[str, Callable[[Entity], object]] = {
    "save": saved,
    "update": lambda entity: Entity.objects.filter(pk=entity.pk).update(name="Changed"),
    "bulk_update": bulk_updated,
    "raw SQL": lambda entity: run("UPDATE backoffice_entity SET name = 'Changed'"),
}


@pytest.mark.parametrize("way", CHANGES)
def test_change_is_captured(nord: Entity, way: str) -> None:
    CHANGES[way](nord)
    assert history(nord) == [("+", "Nordbank"), ("~", "Changed")]
    [(_, data)] = events(type="change.updated", object_type="backoffice.entity")
    assert data["changes"] == {"name": {"old": "Nordbank", "new": "Changed"}}


def test_psql_is_captured(committing: None) -> None:
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    statements = (
        "INSERT INTO backoffice_entity (code, name, created) VALUES ('p', 'Past the site', now())",
        "UPDATE backoffice_entity SET name = 'Again' WHERE code = 'p'",
        "DELETE FROM backoffice_entity WHERE code = 'p'",
    )
    subprocess.run([program("psql"), url, *(f"-c{each}" for each in statements)], check=True, capture_output=True)
    rows = Entity.history.filter(code="p").order_by("history_id").values_list("history_type", "name", "history_source")
    assert list(rows) == [
        (kind, name, "postgres psql") for kind, name in (("+", "Past the site"), ("~", "Again"), ("-", "Again"))
    ]
    kinds = [row["type"] for row in written_out("backoffice.entity") if row["data"].get("source") == "postgres psql"]
    assert kinds == ["change.created", "change.updated", "change.deleted"]


@pytest.mark.parametrize("number", [FEW, MANY])
def test_bulk_create_is_captured(number: int) -> None:
    Entity.objects.bulk_create([Entity(code=f"e{each}", name="Made") for each in range(number)])
    assert Entity.history.filter(name="Made", history_type="+").count() == number
    assert len(told("change.created", "Made")) == number


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


def test_many_to_many_is_captured(agent: User) -> None:
    group = Group.objects.create(name="Night shift")
    agent.groups.add(group)
    agent.groups.remove(group)
    rows = User.groups.through.history.filter(user=agent).order_by("history_id")  # type: ignore[attr-defined]  # captured
    assert [(row.history_type, row.group) for row in rows] == [("+", group), ("-", group)]
    told = [kind for kind, _ in events(object_type="backoffice.user", object_id=str(agent.pk))]
    assert told[-4:] == ["change.updated", "right.given", "change.updated", "right.taken"]


def test_form_of_the_console_is_captured_with_who_and_why(client: Client, admin: User, nord: Entity) -> None:
    client.force_login(admin)
    page = reverse("console:backoffice_entity_change", args=[nord.pk])
    form = hidden(client.get(page).content.decode())
    sent = {"code": "nord", "name": "Changed", "reason": "A typing error"}
    assert client.post(page, {**form, **sent}).status_code == 302
    assert history(nord) == [("+", "Nordbank"), ("~", "Changed")]
    row = Entity.history.latest()
    assert (row.history_user, row.history_change_reason, row.history_source) == (admin, "A typing error", "")
    event = Outbox.objects.get(type="change.updated", object_type="backoffice.entity")
    assert (event.user_id, event.reason, event.request_id) == (admin.pk, "A typing error", row.history_request_id)
    assert (event.data, event.path) == ({"changes": {"name": {"old": "Nordbank", "new": "Changed"}}}, page)


def test_action_on_a_list_is_captured_with_who_and_why(client: Client, admin: User, open_account: OpenAccount) -> None:
    client.force_login(admin)
    accounts = [open_account() for _ in range(3)]
    url = select(client, "freeze", *accounts)
    client.post(url.partition("?")[0], begin(client, url, comment="Court order"))
    rows = Account.history.filter(history_type="~").order_by("id")
    assert [(row.id, row.status, row.history_user, row.history_change_reason, row.history_source) for row in rows] == [
        (account.pk, "frozen", admin, "Court order", "") for account in accounts
    ]
    changes = Outbox.objects.filter(type="change.updated", object_type="ledger.account").order_by("id")
    assert [(event.object_id, event.user_id, event.reason, event.data) for event in changes] == [
        (str(account.pk), admin.pk, "Court order", {"changes": {"status": {"old": "open", "new": "frozen"}}})
        for account in accounts
    ]


@pytest.mark.parametrize("number", [FEW, MANY])
def test_import_is_captured_with_who_and_why(client: Client, admin: User, account: Account, number: int) -> None:
    client.force_login(admin)
    before = account.version
    Desk(client).post(csv_of(*((account.uid, "deposit", "1", "", "", "", "", "") for _ in range(number))))
    rows = [row for row in written_out("ledger.account") if row["type"] == "ledger.posted" and row["reason"]]
    assert sorted(row["data"]["version"] for row in rows) == list(range(before + 1, before + 1 + number))
    assert {(row["object_id"], row["user_id"], row["reason"]) for row in rows} == {
        (str(account.pk), admin.pk, "Import of postings.csv: The bank sent it")
    }
    assert not any("source" in row["data"] for row in rows)


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


def test_row_that_comes_back_under_its_key_is_captured_again(nord: Entity) -> None:
    key = nord.pk
    nord.purge_from_db()
    run(f"INSERT INTO backoffice_entity (id, code, name, created) OVERRIDING SYSTEM VALUE VALUES ({key}, 'n', 'Again', now())")  # noqa: S608  a number of ours  # fmt: skip
    assert [kind for kind, _ in history(Entity(pk=key))] == ["+", "-", "+"]
