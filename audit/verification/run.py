"""One verification of the store: ranges of blocks, each checked by itself, shared by as many processes as there are cores.

All processes read the same snapshot, which the first exports. A range begins with the block that the one before ended with,
so that the chain is whole across them.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from typing import Any, NamedTuple

import psycopg
from django.db import connections, transaction

from audit.chain import SETTLE
from audit.verification.attested import Attested, read_attested
from audit.verification.blocks import Block, in_chain, ranges, read_blocks
from audit.verification.events import Sealed, by_block, compare, lines, nowhere, rows
from audit.verification.findings import Finding, Report
from audit.verification.trust import Trust
from backoffice.databases import EVENT_STORE

PROCESSES = min(os.cpu_count() or 1, 4)  # each has a process of the server beside it
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
BEFORE = """
    SELECT coalesce(min(number) - 1, (SELECT max(number) FROM audit_seal), 0) FROM audit_seal WHERE created >= %s
"""
UNFILTERED = "SET LOCAL row_security = off"  # an error, where a role would be shown a part of the events
COUNT = "SELECT count(*) FROM audit_event"
ENDLESS = 2**63 - 1


class Checked(NamedTuple):
    """What became of a range."""

    events: int
    blocks: int
    findings: list[Finding]


class Job(NamedTuple):
    """What every process knows."""

    trust: Trust
    attested: Attested


def verify(
    trust: Trust,
    *,
    since: datetime | None = None,
    found: Iterable[Finding] = (),
    progress: Callable[[int], None] = lambda events: None,
) -> Report:
    """Verify the blocks sealed since a moment, or all; `found` is what the caller knows already.

    Reads one snapshot of the store, locks nothing; callers connect as the relay, whom row-level security shows all. `progress` is called with the number of events so far.
    """
    report = Report()
    report.add(found)
    with transaction.atomic(using=EVENT_STORE), connections[EVENT_STORE].cursor() as store:
        store.execute(SNAPSHOT)
        store.execute(SETTLE)
        store.execute(UNFILTERED)
        report.add(trust.keys(store))
        job, first = Job(trust, read_attested(store, trust)), _begin(store, since)
        parts = list(ranges(store, first))
        for checked in _checked(store, job, parts):
            _take(report, checked)
            progress(report.events)
        last = parts[-1][1] if parts else first
        if since is None:
            outside = list(nowhere(store))
            _take(report, Checked(len(outside), 0, outside))
        _take(report, _check_events(store, [], last, ENDLESS, job.attested))
        if since is None:
            report.add(_unread(store, report.events))
        report.add(trust.tail(last))
        for block in read_blocks(store, last - 1, last):
            report.head = f"{last} {block.hash.hex()}"
    return report


def _begin(store: Any, since: datetime | None) -> int:
    """Return the number of the block before the first one to verify."""
    if since is None:
        return 0
    store.execute(BEFORE, [since])
    [(number,)] = store.fetchall()
    return int(number)


def _take(report: Report, checked: Checked) -> None:
    report.events += checked.events
    report.blocks += checked.blocks
    report.add(checked.findings)


def _check(store: Any, job: Job, after: int, upto: int) -> Checked:
    """Check a range: blocks, chain, signatures, events."""
    before = read_blocks(store, after - 1, after)
    blocks = read_blocks(store, after, upto)
    findings = list(in_chain(blocks, before[0] if before else None, job.trust))
    checked = _check_events(store, blocks, after, upto, job.attested)
    return Checked(checked.events, len(blocks), findings + checked.findings)


def _unread(store: Any, events: int) -> Iterator[Finding]:
    """Say so where the store holds another number of events than were read: none may stand where nobody looks."""
    store.execute(COUNT)
    [(there,)] = store.fetchall()
    if there != events:
        yield Finding(
            None, None, "inserted", f"The store holds {there} events, and {events} were read, block by block."
        )


def _check_events(store: Any, blocks: list[Block], after: int, upto: int, attested: Attested) -> Checked:
    events = 0

    def counted() -> Iterator[Sealed]:
        nonlocal events
        for one in by_block(lines(store, after, upto)):
            events += len(one.leaves)
            yield one

    findings = list(compare(blocks, counted(), lambda number: rows(store, number), attested))
    return Checked(events, 0, findings)


def _checked(store: Any, job: Job, parts: list[tuple[int, int]]) -> Iterator[Checked]:
    """Check ranges, in their order; where there is more than one, in processes of their own."""
    if min(len(parts), PROCESSES) == 1:
        yield from (_check(store, job, *part) for part in parts)
    elif parts:
        store.execute("SELECT pg_export_snapshot()")
        [(snapshot,)] = store.fetchall()
        processes = min(len(parts), PROCESSES)
        with ProcessPoolExecutor(processes, get_context("fork"), _Process.begin, (job, snapshot)) as pool:
            yield from pool.map(_Process.check, parts)


class _Process:
    """One of the processes that share the work: a connection of its own, in the snapshot of the first."""

    job: Job
    store: Any

    @classmethod
    def begin(cls, job: Job, snapshot: str) -> None:
        connection = psycopg.connect(**connections[EVENT_STORE].get_connection_params())
        cls.job, cls.store = job, connection.cursor()
        cls.store.execute(SNAPSHOT)
        cls.store.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        cls.store.execute(SETTLE)
        cls.store.execute(UNFILTERED)

    @classmethod
    def check(cls, part: tuple[int, int]) -> Checked:
        return _check(cls.store, cls.job, *part)
