"""The console while events do not get through: it works, says so, and all arrives afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.core import checks
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit import away
from audit.models import Event, Outbox
from backoffice.models import Entity, User
from tests.audit.sealed import relay_batch, superuser, verify, wait_until_due
from tests.audit.store import stored_seal, stored_verification

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.usefixtures("committing")


@contextmanager
def store_away() -> Iterator[None]:
    """Let nobody connect to the event store, and end whoever has."""
    name = settings.DATABASES["audit"]["NAME"]
    connections["audit"].close()
    with superuser("default") as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@pytest.fixture
def browser(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password=PASSWORD))
    return client


def late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "LATE", timedelta(0))


def test_console_works_while_the_store_is_away_and_all_arrives_afterwards(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(monkeypatch)
    entity = Entity.objects.create(code="nord", name="Nord")
    with store_away():
        before = Outbox.objects.count()
        page = reverse("console:backoffice_entity_change", args=[entity.pk])
        assert browser.get(page).status_code == 200
        assert browser.get(reverse("console:backoffice_entity_changelist")).status_code == 200
        index = browser.get(reverse("console:index"))
        assert "have not reached the event log" in index.content.decode()
        assert Outbox.objects.count() == before + 3
        log = browser.get(reverse("console:audit_event_changelist"))
        assert log.status_code == 503
        assert "The event log cannot be read at the moment" in log.content.decode()
        assert [message.id for message in found_by_checks()] == ["backoffice.W001"]
    wait_until_due()
    written = Outbox.objects.count()
    assert relay_batch() == written
    assert (Event.objects.count(), Outbox.objects.count(), verify()) == (written, 0, [])
    assert "have not reached" not in browser.get(reverse("console:index")).content.decode()


def found_by_checks() -> list[checks.CheckMessage]:
    return checks.run_checks(tags=[checks.Tags.database], include_deployment_checks=True, databases=["audit"])


def test_event_log_says_that_events_are_late(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page = reverse("console:audit_event_changelist")
    Entity.objects.create(code="nord", name="Nord")
    assert "have not reached" not in browser.get(page).content.decode()
    late(monkeypatch)
    assert "have not reached the event log" in browser.get(page).content.decode()


def test_notice_waits_for_what_is_only_on_its_way() -> None:
    assert away.delay_notice() == ""
    Entity.objects.create(code="nord", name="Nord")
    assert away.delay_notice() == ""
    assert timezone.now() - Outbox.objects.get().created < away.LATE


def test_last_run_of_audit_verify_is_shown(browser: Client) -> None:
    stored_verification(7)
    stored_seal(7)
    listed = browser.get(reverse("console:audit_verification_changelist")).content.decode()
    assert "1 finding<" in listed
    shown = browser.get(reverse("console:audit_verification_change", args=[7])).content.decode()
    assert "The leaves of block 7 do not make its root." in shown
    block = browser.get(reverse("console:audit_seal_change", args=[7])).content.decode()
    assert "<code>00</code>" in block
    assert "leaves" not in block.partition("<fieldset")[2]
