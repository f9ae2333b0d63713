"""Relays and databases killed at any point, many times: no event lost, none doubled, every seal whole.

Two servers of their own, one for the ledger and one for the event store, so that each can be killed alone.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from backoffice import embedded
from backoffice.embedded import state
from backoffice.embedded.layout import Layout
from tests.audit.store import EMPTY

ROUNDS = 8


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a site whose ledger and event store are on two servers."""
    ledger, store = tmp_path / "ledger", tmp_path / "store"
    with embedded.running(ledger), embedded.running(store):
        urls = embedded.urls(ledger)
        urls |= {name: url for name, url in embedded.urls(store).items() if name.startswith("AUDIT_")}
        environment = {**os.environ, **urls, "BACKOFFICE_DATA": str(tmp_path / "data")}
        environment["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
        assert manage(environment, "migrate", "-v0").returncode == 0
        yield environment
    for data in (ledger, store):
        embedded.stop(data)


def manage(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False)


def start_relay(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "manage.py", "audit_relay"]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.DEVNULL)


class Writer(threading.Thread):
    """Commits events as fast as it can, through every failure, and keeps which of them certainly committed."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.stopped = url, threading.Event()
        self.certain: set[int] = set()
        self.tried = 0

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True) as session:
                    while not self.stopped.is_set():
                        self.tried += 1
                        event = {
                            **EMPTY,
                            "type": "search.saved",
                            "success": True,
                            "data": {"name": str(self.tried), "query": ""},
                        }
                        session.execute("SELECT audit_record(%s::jsonb)", [json.dumps(event)])
                        self.certain.add(self.tried)
                        time.sleep(0.001)
            except psycopg.OperationalError:
                time.sleep(0.05)


def kill_server(data: Path) -> None:
    """Kill a server as a power cut would, and start it again."""
    number = state.postmaster(Layout.of(data))
    assert number
    os.kill(number, signal.SIGKILL)
    with embedded.running(data):
        pass


def test_killing_relays_and_databases_loses_and_doubles_nothing(servers: dict[str, str], tmp_path: Path) -> None:
    chance, writer = random.Random(5), Writer(servers["DATABASE_URL"])  # noqa: S311  when to kill, not a secret
    relays = [start_relay(servers), start_relay(servers)]
    deeds: list[Callable[[], None]] = [
        lambda: relays[0].kill(),  # noqa: PLW0108  it is another one later
        lambda: relays[1].kill(),  # noqa: PLW0108  as above
        lambda: kill_server(tmp_path / "ledger"),
        lambda: kill_server(tmp_path / "store"),
    ]
    writer.start()
    try:
        for round_ in range(ROUNDS):
            time.sleep(1 + chance.random())
            deeds[round_ % len(deeds)]()
            for place, process in enumerate(relays):
                if process.poll() is not None:
                    relays[place] = start_relay(servers)
    finally:
        writer.stopped.set()
        writer.join()
        for process in relays:
            process.kill()
            process.wait()
    until = time.monotonic() + 30
    while json.loads((done := manage(servers, "audit_relay", "--once", "--json")).stdout)["waiting"]:
        assert time.monotonic() < until, done
    with psycopg.connect(servers["AUDIT_DATABASE_URL"]) as store:
        arrived = [
            n for (n,) in store.execute("SELECT (data ->> 'name')::int FROM audit_event WHERE type = 'search.saved'")
        ]
    assert len(arrived) == len(set(arrived))
    assert writer.certain <= set(arrived)
    assert len(writer.certain) > 100
    verified = manage(servers, "audit_verify", "--json")
    said = json.loads(verified.stdout)
    assert (verified.returncode, said["findings"]) == (0, []), verified
    assert said["events"] >= len(arrived)
