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
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from backoffice import embedded
from backoffice.embedded import state
from backoffice.embedded.layout import Layout
from tests.audit.store import EMPTY
from tests.conftest import Settle

ROUNDS = 4  # each of the deeds once
MANY = 30  # rows of one statement, which one row of the outbox stands for
LARGE = 12_000  # and of some, which fill more than a block
LARGE_ONES = {3}
INSERT = "INSERT INTO backoffice_entity (code, name, created) SELECT %s || '-' || n, 'N', now() FROM generate_series(1, %s) n"
BULK = """
    SELECT type, object_id, data -> 'new' ->> 'code' FROM audit_event
    WHERE object_type = 'backoffice.entity' AND type IN ('change.created', 'change.updated')
"""
UPDATE = "UPDATE backoffice_entity SET name = 'M' WHERE code LIKE %s"


@pytest.fixture
def servers(tmp_path: Path, settle: Settle) -> Iterator[dict[str, str]]:
    """The environment of a site whose ledger and event store are on two servers."""
    ledger, store = tmp_path / "ledger", tmp_path / "store"
    settle(ledger)
    settle(store)
    with embedded.running(ledger), embedded.running(store):
        urls = embedded.urls(ledger)
        urls |= {name: url for name, url in embedded.urls(store).items() if name.startswith("AUDIT_")}
        environment = {**os.environ, **urls, "BACKOFFICE_DATA": str(tmp_path / "data")}
        environment["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
        yield environment
    for data in (ledger, store):
        embedded.stop(data)


def manage(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False)


def start_relay(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "manage.py", "audit_relay"]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.DEVNULL)


class Writer(threading.Thread):  # of single events
    """Commits events as fast as it can, through every failure, and keeps which of them certainly committed."""

    def __init__(self, url: str, pause: float) -> None:
        super().__init__()
        self.url, self.pause, self.stopped = url, pause, threading.Event()
        self.certain: set[int] = set()
        self.tried = 0

    def write(self, session: psycopg.Connection, number: int) -> None:
        data = {"name": str(number), "query": ""}
        event = {**EMPTY, "type": "search.saved", "success": True, "data": data}
        session.execute("SELECT audit_record(%s::jsonb)", [json.dumps(event)])

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True) as session:
                    while not self.stopped.is_set():
                        self.tried += 1
                        self.write(session, self.tried)
                        self.certain.add(self.tried)
                        time.sleep(self.pause)
            except psycopg.OperationalError:
                time.sleep(0.05)


class BulkWriter(Writer):
    """The same with statements of many rows: an insert, then an update of what it inserted."""

    def write(self, session: psycopg.Connection, number: int) -> None:
        with session.transaction():
            session.execute(INSERT, [f"k{number}", LARGE if number in LARGE_ONES else MANY])
            session.execute(UPDATE, [f"k{number}-%"])


def kill_server(data: Path) -> None:
    """Kill a server as a power cut would, and start it again, once its last process has noticed."""
    number = state.postmaster(Layout.of(data))
    assert number
    os.kill(number, signal.SIGKILL)
    until = time.monotonic() + 60
    while True:
        try:
            with embedded.running(data):
                return
        except embedded.EmbeddedError:  # a statement of many rows is still being worked on
            assert time.monotonic() < until


def test_killing_relays_and_databases_loses_and_doubles_nothing(servers: dict[str, str], tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311  when to kill, not a secret
    writer, bulk = Writer(servers["DATABASE_URL"], 0.005), BulkWriter(servers["DATABASE_URL"], 0.1)
    relays = [start_relay(servers), start_relay(servers)]
    deeds: list[Callable[[], None]] = [
        lambda: relays[0].kill(),  # noqa: PLW0108  it is another one later
        lambda: kill_server(tmp_path / "ledger"),
        lambda: relays[1].kill(),  # noqa: PLW0108  as above
        lambda: kill_server(tmp_path / "store"),
    ]
    writer.start()
    bulk.start()
    try:
        for round_ in range(ROUNDS):
            time.sleep(1 + chance.random())
            deeds[round_ % len(deeds)]()
            for place, process in enumerate(relays):
                if process.poll() is not None:
                    relays[place] = start_relay(servers)
    finally:
        for one in (writer, bulk):
            one.stopped.set()
            one.join()
        for process in relays:
            process.kill()
            process.wait()
    until = time.monotonic() + 60
    while json.loads((done := manage(servers, "audit_relay", "--once", "--json")).stdout)["waiting"]:
        assert time.monotonic() < until, done
    with psycopg.connect(servers["AUDIT_DATABASE_RELAY_URL"]) as store:
        arrived = [
            n for (n,) in store.execute("SELECT (data ->> 'name')::int FROM audit_event WHERE type = 'search.saved'")
        ]
        many = list(store.execute(BULK))
    codes = {key: code for kind, key, code in many if kind == "change.created" and code.startswith("k")}
    for kind in ("change.created", "change.updated"):
        keys = [key for of, key, _ in many if of == kind and key in codes]
        assert len(keys) == len(set(keys)) == len(codes), kind
    rows = Counter(int(code[1:].split("-")[0]) for code in codes.values())
    assert {n: LARGE if n in LARGE_ONES else MANY for n in rows} == rows
    assert bulk.certain <= rows.keys()
    assert len(bulk.certain) > 10
    assert len(arrived) == len(set(arrived))
    assert writer.certain <= set(arrived)
    assert len(writer.certain) > 100
    verified = manage(servers, "audit_verify", "--json")
    said = json.loads(verified.stdout)
    assert (verified.returncode, said["findings"]) == (0, []), verified
    assert said["events"] >= len(arrived)
