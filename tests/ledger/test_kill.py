"""Clients, connections and the server itself are killed while they post: nothing is half done, and a key posts once."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from backoffice import embedded
from backoffice.embedded import state
from backoffice.embedded.layout import Layout
from backoffice.models import User
from ledger.errors import LedgerError
from ledger.models import Account, Action, Cap
from ledger.verification import verify
from tests.cast import OpenAccount

pytestmark = pytest.mark.usefixtures("committing")
KILLS = int(os.environ.get("KILLS", "12"))
PATIENCE = 60  # seconds
RESTARTS = 3


def post(accounts: list[Account], by: User, key: str) -> Action:
    """Post what the key stands for: always the same, a deposit or a transfer."""
    number = sum(key.encode())
    source, target = accounts[number % len(accounts)], accounts[(number + 1) % len(accounts)]
    if number % 2:
        asked = {"uid": source.uid, "amount": Decimal(1), "by": by, "asof": timezone.now(), "idempotency_key": key}
        return Account.deposit(**asked)[1]  # type: ignore[arg-type]  # keywords
    legs = Account.transfer(
        uid=source.uid, to=target.uid, amount=Decimal(1), by=by, asof=timezone.now(), idempotency_key=key
    )
    return legs[0][1]


def check(accounts: list[Account], by: User, keys: set[str]) -> None:
    """Nothing is half done; then every key is repeated and has posted once."""
    assert verify().findings == []
    for key in sorted(keys):
        post(accounts, by, key)
    assert verify().findings == []
    stored = list(Action.objects.filter(idempotency_key__isnull=False).values_list("idempotency_key", flat=True))
    assert sorted(str(key) for key in stored) == sorted(keys)
    assert Action.objects.filter(type="deposited").count() == sum(1 for key in keys if sum(key.encode()) % 2) + len(
        accounts
    )


@pytest.fixture
def accounts(committing: None, open_account: OpenAccount) -> list[Account]:
    """Three accounts with money, and a cap that is close."""
    opened = [open_account("1000") for _ in range(3)]
    Cap.set(currency="CZK", ceiling=Decimal(1_000_000))
    return opened


def killed_client(work: Callable[[str], object], number: int, after: float) -> set[str]:
    """Fork a client that posts one key after the other, kill it after a while, and return the keys that it tried."""
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with suppress(BaseException):
            for turn in range(10_000):
                key = f"client {number} turn {turn}"
                os.write(writing, key.encode() + b"\n")
                work(key)
        os._exit(1)
    os.close(writing)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        tried = set(pipe.read().splitlines())
    assert os.WTERMSIG(status) == signal.SIGKILL, "the client ended by itself"
    return tried


def test_a_killed_client_leaves_nothing_half_done(accounts: list[Account], agent: User) -> None:
    chance, tried = random.Random(4), set[str]()  # noqa: S311  repeatable, not secret
    for number in range(KILLS):
        tried |= killed_client(lambda key: post(accounts, agent, key), number, 0.1 + chance.random() / 10)
    assert len(tried) > KILLS
    check(accounts, agent, tried)


class Clients:
    """Threads that post one key after the other, and repeat a key whose connection was lost, until told to stop."""

    def __init__(self, accounts: list[Account], by: User, count: int, name: str = "thread") -> None:
        self.accounts, self.by, self.name = accounts, by, name
        self.tried: set[str] = set()
        self.lost = 0
        self.raised: list[BaseException] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=[n], daemon=True) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def work(self, number: int) -> None:
        """Post until told to stop."""
        turn, started = 0, time.monotonic()
        try:
            while not self.over.is_set() and time.monotonic() < started + PATIENCE:
                key = f"{self.name} {number} turn {turn}"
                self.tried.add(key)
                try:
                    post(self.accounts, self.by, key)
                    turn += 1
                except LedgerError:
                    raise
                except DatabaseError:
                    self.lost += 1
                    connections.close_all()
                    time.sleep(0.02)
        except BaseException as error:  # noqa: BLE001  of a thread: the test raises it
            self.raised.append(error)
        finally:
            connections.close_all()

    def stop(self) -> None:
        """Stop, and tell of what was raised but for lost connections."""
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self.threads)
        assert self.raised == []


def test_a_terminated_backend_leaves_nothing_half_done(accounts: list[Account], agent: User) -> None:
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    chance = random.Random(5)  # noqa: S311  repeatable, not secret
    connections.close_all()
    clients = Clients(accounts, agent, 6)
    with psycopg.connect(url, autocommit=True) as superuser:
        for _ in range(KILLS * 3):
            time.sleep(0.02 + chance.random() / 20)
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 2"
            )
    clients.stop()
    assert clients.lost > KILLS
    check(accounts, agent, clients.tried)


@pytest.fixture
def server(accounts: list[Account], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server of the test's own with a copy of its database, to which `default` leads."""
    here = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    data = tmp_path / "data"
    with embedded.running(data):
        there = embedded.superuser_url(data, "backoffice")
        dump = subprocess.run([embedded.program("pg_dump"), here], check=True, capture_output=True).stdout
        restore = [str(embedded.program("psql")), "--quiet", "--set=ON_ERROR_STOP=1", "--file=-", there]
        subprocess.run(restore, check=True, input=dump, stdout=subprocess.DEVNULL)
        connections.close_all()
        with monkeypatch.context() as patched:
            for place in (settings.DATABASES["default"], connection.settings_dict):
                patched.setitem(place, "NAME", "backoffice")
                patched.setitem(place, "HOST", str(Layout.of(data).sockets))
            yield data
            connections.close_all()
    embedded.stop(data)


def test_a_killed_server_leaves_nothing_half_done(accounts: list[Account], agent: User, server: Path) -> None:
    tried = set[str]()
    for number in range(RESTARTS):
        before = Action.objects.count()
        connections.close_all()
        clients = Clients(accounts, agent, 4, f"round {number} thread")
        time.sleep(1)
        killed = state.postmaster(Layout.of(server))
        assert killed
        os.kill(killed, signal.SIGKILL)
        clients.stop()
        tried |= clients.tried
        with embedded.running(server):
            pass
        assert Action.objects.count() >= before
        assert verify().findings == []
    assert len(tried) > RESTARTS * 4
    check(accounts, agent, tried)
