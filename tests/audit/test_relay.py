"""The relay: nothing lost, nothing doubled, in whatever state it is stopped; several may run; the store may be away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from audit.models import Event, Outbox
from audit.record import record
from audit.relay import waiting
from backoffice import embedded
from backoffice.databases import RELAY_URL_NAMES, RUNTIME_URL_NAMES
from backoffice.models import Entity
from tests.audit.sealed import make_events, relay_batch, wait_until_due
from tests.scope import call_command

pytestmark = pytest.mark.usefixtures("committing")


def addresses(audit: str | None = None) -> dict[str, str]:
    """The runtime's and the relay's addresses of the databases of this test."""
    base = embedded.urls(settings.BACKOFFICE_DATA)
    given = {}
    for names in (RUNTIME_URL_NAMES, RELAY_URL_NAMES):
        for alias, name in names.items():
            database = audit if audit and alias == "audit" else settings.DATABASES[alias]["NAME"]
            given[name] = psycopg.conninfo.make_conninfo(base[name], dbname=database)
    return given


def session(alias: str) -> psycopg.Connection:
    return psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES[alias]["NAME"]))


def relay_process(*arguments: str, audit: str | None = None) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_OWNER_URL")}
    environment = {**kept, **addresses(audit), "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    command = [sys.executable, "manage.py", "audit_relay", *arguments]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE, text=True)


def stored() -> list[str]:
    return sorted(str(pk) for pk in Event.objects.values_list("pk", flat=True))


def on_their_way() -> list[str]:
    return sorted(str(pk) for pk in Outbox.objects.values_list("pk", flat=True))


def test_the_role_of_the_site_cannot_hold_up_the_relay() -> None:
    make_events(1)
    wait_until_due()
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["audit"]["NAME"])
    with psycopg.connect(url, user=settings.DATABASES["audit"]["USER"]) as site:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), site.transaction():
            site.execute("LOCK TABLE audit_key IN ROW EXCLUSIVE MODE")
        for name in ("audit_seal", "audit_make_month"):
            site.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        site.execute("LOCK TABLE audit_key, audit_seal, audit_event IN ACCESS SHARE MODE")
        assert relay_batch() == 1


def test_events_arrive_once_and_leave_the_outbox() -> None:
    make_events(3)
    made = on_their_way()
    wait_until_due()
    assert relay_batch("default") == 3
    assert (stored(), on_their_way()) == (made, [])
    assert relay_batch("default") == 0


def test_killed_between_its_two_commits_nothing_is_lost_or_doubled() -> None:
    made: set[str] = set()
    for _ in range(4):
        make_events(5)
        wait_until_due()
        made |= set(on_their_way())
        with session("default") as lock:
            lock.execute("LOCK TABLE audit_outbox IN SHARE MODE")  # taking goes on, forgetting waits
            process = relay_process("--once")
            until = time.monotonic() + 60
            while set(stored()) != made and time.monotonic() < until:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)  # the store has committed, the outbox has not
            assert (set(stored()), process.communicate()[1]) == (made, "")
        assert len(on_their_way()) == len(made)
        make_events(1)
        made |= set(on_their_way())
    wait_until_due()
    while relay_batch("default"):
        pass
    assert (set(stored()), on_their_way()) == (made, [])


def test_row_of_a_transaction_that_began_earlier_is_waited_for() -> None:
    with session("default") as earlier:
        earlier.execute("SELECT pg_current_xact_id()")
        make_events(1)
        assert relay_batch("default") == 0
    wait_until_due()
    assert relay_batch("default") == 1


def test_two_relays_share_the_work() -> None:
    make_events(4)
    made = on_their_way()
    wait_until_due()
    with session("default") as other:
        assert len(other.execute("SELECT id FROM audit_take(2)").fetchall()) == 2
        assert relay_batch("default") == 2
        assert len(stored()) == 2
    assert relay_batch("default") == 2
    assert stored() == made


def test_sandbox_events_say_so() -> None:
    Entity.objects.using("sandbox").create(code="s", name="S")
    wait_until_due("sandbox")
    assert relay_batch("sandbox") == 1
    assert Event.objects.get().data["database"] == "sandbox"


def test_relay_waits_for_a_store_that_is_away_and_stops_at_sigterm() -> None:
    record("logout")
    process = relay_process(audit="not_there")
    assert process.stderr
    assert "Events wait in the outbox" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.communicate()
    assert waiting() == 1


def test_command_prints_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    make_events(2)
    wait_until_due()
    call_command("audit_relay", "--once", "--json")
    assert capsys.readouterr().out.strip() == '{"relayed": 2, "waiting": 0}'


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
