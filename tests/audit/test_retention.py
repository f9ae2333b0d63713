"""What leaves the event store: erased payloads and archived months; the chain verifies all the same."""

import gzip
import json
from datetime import date
from hashlib import sha256

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from audit import retention
from audit.chain import month_before
from audit.keys import signing_key
from audit.models import Event, Seal
from backoffice.databases import as_relay
from backoffice.models import Entity, User
from tests.audit.sealed import kinds, relay_batch, seal_events, superuser, tamper, verify, wait_until_due

pytestmark = pytest.mark.usefixtures("committing")


def carry() -> None:
    wait_until_due()
    while relay_batch():
        pass


def test_erasing_removes_what_is_told_of_a_person_and_the_chain_verifies() -> None:
    jana = User.objects.create(username="jana", first_name="Jana", last_name="Nova")
    karl = User.objects.create(username="karl", first_name="Karl")
    User.objects.filter(pk=jana.pk).update(phone="+420 123")
    carry()
    call_command("audit_erase", f"backoffice.user:{jana.pk}", "--reason", "Asked for by letter of 3 May")
    about = Event.objects.filter(object_type="backoffice.user", object_id=str(jana.pk))
    assert {event.data["events"].keys() == set() for event in about.filter(type="audit.erased")} == {False}
    assert [event.data for event in about.exclude(type="audit.erased")] == [{}, {}]
    assert "Nova" not in str(list(Event.objects.values()))
    assert Event.objects.get(object_id=str(karl.pk)).data["new"]["first_name"] == "Karl"
    [erasure] = about.filter(type="audit.erased")
    assert (erasure.reason, len(erasure.data["events"])) == ("Asked for by letter of 3 May", 2)
    assert verify() == []


def test_erasure_that_no_event_tells_of_is_an_edit() -> None:
    seal_events(3)
    event = Event.objects.get(block=1, position=1)
    with superuser("audit") as session:
        session.execute("SELECT audit_erase(ARRAY[%s]::uuid[])", [event.pk])
    assert kinds(verify()) == [(1, str(event.pk), "edited")]


def test_edit_after_an_erasure_is_found() -> None:
    seal_events(3)
    event = Event.objects.get(block=1, position=1)
    call_command("audit_erase", f"backoffice.entity:{event.object_id}", "--reason", "Asked for")
    assert verify() == []
    tamper(f"UPDATE audit_event SET username = 'lead' WHERE id = '{event.pk}'")  # noqa: S608  a test's own
    assert kinds(verify()) == [(1, str(event.pk), "edited")]


@pytest.fixture
def old_month(settings: Settings) -> date:
    """Three events of a month long past, sealed, and the next one's beginning; kept for a year."""
    settings.AUDIT_RETENTION_MONTHS = 12
    month = month_before(timezone.now().date(), 14)
    for number in range(3):
        Entity.objects.create(code=f"old{number}", name="N")
    with superuser("default") as session:
        session.execute("SET session_replication_role = replica")
        session.execute("UPDATE audit_outbox SET created = %s::date + interval '3 days'", [month])
    carry()
    Entity.objects.create(code="new", name="N")
    carry()
    return month


def test_month_is_archived_with_its_blocks_and_the_chain_verifies(old_month: date, settings: Settings) -> None:
    assert [(seal.number, seal.month == old_month, seal.count) for seal in Seal.objects.order_by("number")] == [
        (1, True, 3),
        (2, False, 1),
    ]
    call_command("audit_retention")
    assert Event.objects.filter(block=1).count() == 0
    assert Seal.objects.count() == 3
    [path] = settings.AUDIT_ARCHIVE_FOLDER.iterdir()
    [told] = Event.objects.get(type="audit.archived").data["months"]
    assert (told["file"], told["sha256"], told["events"]) == (path.name, sha256(path.read_bytes()).hexdigest(), 3)
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert [line["block"]["number"] for line in lines if "block" in line] == [1]
    events = [line["event"] for line in lines if "event" in line]
    assert [sha256(b"\0" + event["line"].encode()).hexdigest() for event in events] == [
        event["leaf"] for event in events
    ]
    assert verify() == []
    call_command("audit_retention")
    assert Seal.objects.count() == 3


def test_month_that_was_stolen_is_not_archived(old_month: date) -> None:
    tamper(f"DROP TABLE audit_event_{old_month:%Y_%m}")
    assert [(block, kind) for block, _, kind in kinds(verify())] == [(1, "deleted")] * 3


def test_interrupted_archiving_is_done_again(old_month: date, settings: Settings) -> None:
    with as_relay("audit"):
        assert retention.due(timezone.now().date()) == [old_month]
    retention.archive(old_month, signing_key())
    settings.AUDIT_ARCHIVE_FOLDER.joinpath("left.part").touch()
    call_command("audit_retention")
    assert verify() == []


def test_partitions_are_made_ahead() -> None:
    call_command("audit_retention")
    with connections["audit"].cursor() as cursor:
        for ahead in range(4):
            name = f"audit_event_{month_before(timezone.now().date(), -ahead):%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            assert cursor.fetchone()[0] == name
