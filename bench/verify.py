"""How fast the event store is verified, beside what the machine can do: COPY of the same columns and SHA-256 of the bytes.

Both read every event of the same store, in turns; ours checks each leaf, each block, the chain and the signatures too. The
store is filled by the sealing that the relay does, with events of the size that changes of accounts and limits have.
"""

import os
import re
import resource
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Self

from django.db import connections
from psycopg import sql

from audit.chain import CANONICAL, SETTLE
from audit.keys import signing_key
from audit.seal import seal
from audit.trusted import trusted_keys
from audit.verification import verify
from audit.verification.trust import Trust
from backoffice.databases import EVENT_STORE, as_relay
from bench import server
from bench.arms import Measured, measure
from bench.report import Row

EVENTS = int(os.environ.get("BENCH_EVENTS", "500000"))
BLOCK = 1_000  # what a relay finds at a look under load
AIM = 100_000  # events a second
LINES = sql.SQL("""COPY (
    SELECT uuidv7(), clock_timestamp(), 'change.updated', 7, 'agent', 1, 'ledger.limit', n::text, gen_random_uuid()::text, 'POST',
           '/console/ledger/limit/' || n || '/change/', NULL, '10.1.2.3'::inet, 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0',
           'Asked for by the customer', true, jsonb_build_object('changes', jsonb_build_object(
               'amount', jsonb_build_object('old', n::numeric(19, 4), 'new', n + 1.5),
               'note', jsonb_build_object('old', 'A note of usual length', 'new', 'Another note of usual length')))
    FROM generate_series(1, {}) n
) TO STDOUT""")
PLAIN = sql.SQL("COPY (SELECT {} FROM audit_event) TO STDOUT").format(
    sql.SQL(", ").join(map(sql.Identifier, CANONICAL))
)


def rows(only: re.Pattern[str]) -> Iterator[Row]:
    """Fill the store and verify it."""
    question = f"verifying {EVENTS:,} events"
    if not only.search(question):
        return
    fill(EVENTS)
    found = measure({"ours": Pass(verified), "theirs": Pass(copied)})
    reference = "COPY of the same columns to one client that hashes the bytes (limit)"
    yield Row.of(
        question=question,
        subject="audit_verify",
        reference=reference,
        ours=found["ours"],
        theirs=found["theirs"],
        aim=f"at least {AIM:,} events/s",
        unit="events/s",
        note="CPU is in milliseconds a thousand events; ours takes as many processes as there are cores",
    )


class Pass:
    """An arm that reads the whole store once, however many seconds it is given."""

    def __init__(self, act: Callable[[], int]) -> None:
        self.act = act

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def run(self, seconds: float) -> Measured:
        """Read it; rate in events a second, CPU in milliseconds a thousand events, ours with the processes started."""
        client, of_server, started = _cpu(), server.cpu_seconds(), time.perf_counter()
        events = self.act()
        took = time.perf_counter() - started
        connections[EVENT_STORE].close()
        time.sleep(0.2)  # the server has noticed then, and counted its process's time
        thousands = events / 1_000
        ours, theirs = _cpu() - client, server.cpu_seconds() - of_server
        return Measured(events / took, ours * 1_000 / thousands, theirs * 1_000 / thousands)


def verified() -> int:
    """Verify the whole store."""
    report = verify(Trust(trusted_keys()))
    if report.findings or report.events != EVENTS:
        raise RuntimeError(f"{report.events} of {EVENTS} events verified: {report.findings[:3]}")
    return report.events


def copied() -> int:
    """Read all that is hashed, and hash it at one go."""
    digest, events = sha256(), 0
    with connections[EVENT_STORE].cursor() as store:
        store.execute("SET timezone = 'UTC'")
        with store.copy(PLAIN) as copy:
            for line in copy:
                digest.update(line)
                events += 1
    return events


def fill(events: int) -> None:
    """Seal so many events, a block after the other, as the relay does."""
    key = signing_key()
    with as_relay(EVENT_STORE):
        for start in range(0, events, BLOCK):
            seal(list(_lines(min(BLOCK, events - start))), key)


def _lines(number: int) -> Iterator[bytes]:
    with connections[EVENT_STORE].cursor() as store:
        store.execute(SETTLE.replace("LOCAL ", ""))
        with store.copy(LINES.format(number)) as copy:
            for line in copy:
                yield bytes(line).rstrip(b"\n")


def _cpu() -> float:
    used: list[Any] = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return float(sum(one.ru_utime + one.ru_stime for one in used))
