"""Rows of the outbox that stand for many events: what they trust cannot be changed by the site, nor silently by others."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event, Outbox
from audit.record import record
from backoffice.databases import as_owner
from backoffice.models import Entity, User
from ledger.models import Account
from tests.audit.sealed import relay_batch, superuser, verify, wait_until_due

pytestmark = pytest.mark.usefixtures("committing")
VERSIONS = "backoffice_historicalentity"
CHANGES = [
    f"UPDATE {VERSIONS} SET name = 'x'",  # noqa: S608  a test's own
    f"DELETE FROM {VERSIONS}",  # noqa: S608  as above
    f"TRUNCATE {VERSIONS}",
    f"INSERT INTO {VERSIONS} SELECT * FROM {VERSIONS}",  # noqa: S608  as above
]


@pytest.fixture
def standing(committing: None) -> None:
    """One row of the outbox that stands for thirty events."""
    Entity.objects.bulk_create([Entity(code=f"e{number}", name="N") for number in range(30)])
    wait_until_due()
    assert Outbox.objects.count() == 1


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("statement", CHANGES)
def test_site_cannot_touch_versions_that_are_to_be_written_out(statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connections["default"].cursor() as cursor,
    ):
        cursor.execute(statement)
    assert relay_batch() == 1
    assert [event.data["new"]["name"] for event in Event.objects.all()] == ["N"] * 30


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("statement", CHANGES[:3])
def test_owner_is_refused_too(statement: str) -> None:
    refused = pytest.raises(DatabaseError, match="what was recorded stays")
    with as_owner("default"), connections["default"].cursor() as cursor, refused:
        cursor.execute(statement)


@pytest.mark.usefixtures("standing")
def test_versions_that_a_superuser_removed_are_told_with_what_is_left() -> None:
    with superuser("default") as session:
        session.execute("SET session_replication_role = replica")
        session.execute(f"DELETE FROM {VERSIONS} WHERE code IN ('e3', 'e4')")  # noqa: S608  as above
    assert relay_batch() == 1
    told = [event.data for event in Event.objects.filter(object_type="backoffice.entity")]
    assert sum("new" in data for data in told) == 28
    [gone] = [data["source"] for data in told if "new" not in data]
    assert gone.startswith("2 of 30 versions were gone before their events were sealed; ")
    assert verify() == []


def test_event_of_the_site_cannot_have_anything_written_out() -> None:
    """The data of an event that the site records may name a function: nothing calls it."""
    data = {"query": "x", "written_out_by": "pg_sleep", "rows": {"history": VERSIONS, "ids": [1]}}
    with pytest.raises(Exception, match=r"written_out_by|rows"):
        record("list.viewed", data=data)
    with superuser("default") as session:
        session.execute(
            "INSERT INTO audit_outbox (type, data) VALUES ('logout', '{\"written_out_by\": \"audit_created\"}')"
        )
    wait_until_due()
    assert relay_batch() == 1
    assert Event.objects.get().data == {"written_out_by": "audit_created"}
    with (
        pytest.raises(DatabaseError, match="written by the database alone"),
        transaction.atomic(),
        connections["default"].cursor() as cursor,
    ):
        cursor.execute(
            """SELECT audit_record('{"type": "change.created", "data": {"written_out_by": "audit_created"}}')"""
        )


def test_actions_that_a_superuser_removed_are_told(account: Account, agent: User, log: Client) -> None:
    wait_until_due()
    relay_batch()
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    with superuser("default") as session:
        session.execute("SET session_replication_role = replica")
        session.execute("DELETE FROM ledger_action WHERE type = 'deposited'")
    wait_until_due()
    relay_batch()
    told = Event.objects.filter(type="ledger.posted", data__has_key="source")
    [gone] = [event for event in told if event.data.keys() == {"source"}]
    assert gone.data["source"].startswith("1 of 1 actions were gone before their events were sealed; ")
    assert log.get(reverse("console:audit_event_change", args=[gone.pk])).status_code == 200
    assert verify() == []
