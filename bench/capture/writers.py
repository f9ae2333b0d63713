"""Thirty-two writers of a captured model while audit_relay carries and seals their events, beside the same without it.

Without it the outbox grows, and is emptied before the next round, so that no relay finds more than its own writers leave.
Relay, both databases and the writers share one machine.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Self

from psycopg import sql

from bench import server
from bench.arms import Clients, Measured, measure
from bench.capture.changes import SETTINGS, beside
from bench.host import Operation
from bench.report import Row

CLIENTS, THINGS = 32, 50
RELAY = [sys.executable, "manage.py", "audit_relay"]
WAITING = sql.SQL("SELECT count(*) FROM audit_outbox")
SEALED = sql.SQL("SELECT count(*) FROM audit_event WHERE object_type = 'bench.ours' AND type = 'change.updated'")
LATEST = 120  # seconds after which a relay that is not done has failed


def rows() -> Iterator[Row]:
    """Measure both, then count the events in the event store."""
    beside("prepare")
    _relay_once()
    before = _events()
    arms = {name: Writers(sealing=name == "with") for name in ("with", "without")}
    found = measure(arms)
    _relay_once()
    made, kept = sum(arm.clients.done for arm in arms.values()), _events() - before
    if made != kept:
        raise RuntimeError(f"{made} changes were made, and the event store holds {kept} of them.")
    seen = arms["with"]
    yield Row.of(
        question=f"{CLIENTS} writers, relay sealing",
        subject=f"audit_relay running, {seen.sealed / seen.clients.done:.0%} sealed when the writers stopped",
        reference="the same writers without a relay",
        ours=found["with"],
        theirs=found["without"],
        aim="at least 0.85",
        unit="saves/s",
        note=f"all of the {made:,} changes of both are in the event store afterwards",
    )


@dataclass
class Writers:
    """The arm: the clients, with a relay beside them or not; `sealed` counts what was carried while they wrote."""

    sealing: bool
    sealed: int = 0
    clients: Clients = field(
        default_factory=lambda: Clients("bench.capture.writers:save", CLIENTS, server.ledger(), settings=SETTINGS)
    )

    def __enter__(self) -> Self:
        self.clients.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.clients.__exit__(*error)

    def run(self, seconds: float) -> Measured:
        """Write for so long; leave an empty outbox."""
        if not self.sealing:
            measured = self.clients.run(seconds)
            _relay_once()
            return measured
        before = self.clients.done
        with _relaying():
            measured = self.clients.run(seconds)
            self.sealed += self.clients.done - before - _waiting()
        _relay_once()
        return measured


@contextmanager
def _relaying() -> Iterator[None]:
    """Have a relay run within the block, and be at work when that begins."""
    relay = subprocess.Popen(RELAY, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)  # noqa: S603  our own program
    try:
        _until_at_work(relay)
        yield
    finally:
        relay.terminate()
        relay.wait(LATEST)


def _until_at_work(relay: subprocess.Popen[bytes]) -> None:
    """Wait until the relay has looked at the outbox."""
    looked = sql.SQL("SELECT count(*) FROM pg_stat_activity WHERE usename = 'backoffice_relay' AND query LIKE 'COPY%'")
    for _ in range(LATEST * 10):
        if relay.poll() is not None:
            raise RuntimeError("The relay ended before the writers began.")
        if server.one("postgres", looked) != (0,):
            return
        time.sleep(0.1)
    raise RuntimeError("The relay does not look at the outbox.")


def _relay_once() -> None:
    subprocess.run(  # noqa: S603  our own program
        [*RELAY, "--once"], check=True, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL, timeout=LATEST
    )
    if left := _waiting():
        raise RuntimeError(f"{left} rows are left in the outbox.")


def _waiting() -> int:
    return int(str(server.one(server.ledger(), WAITING)[0]))


def _events() -> int:
    return int(str(server.one(server.store(), SEALED)[0]))


def save() -> Operation:
    """Change and save things of one's own, each in a transaction of its own that says who acts, as a request does."""
    from backoffice.scope import acting  # noqa: PLC0415  only the clients have the settings with this model
    from bench.capture.deeds import things  # noqa: PLC0415
    from bench.capture_app.models import Ours  # noqa: PLC0415

    numbers, mine = count(1), cycle(Ours._default_manager.bulk_create(things(Ours, THINGS)))

    def operation() -> int:
        thing, number = next(mine), next(numbers)
        thing.note = f"Changed {number}"
        with acting(actor=1, username="staff", request_id=f"request {number}"):
            thing.save()
        return 1

    return operation
