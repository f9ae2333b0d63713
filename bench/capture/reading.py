"""Reading the record of ten million events beside that of ten thousand: the timeline of an object, and the log, filtered.

Whole pages of the console, rendered, as a person with all rights asks for them; that they were read is recorded as ever.
What is asked for is another object, person or type each time.
"""

import logging
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from psycopg import sql

from bench import server
from bench.arms import Clients, measure
from bench.capture import load
from bench.host import Operation
from bench.posting import world
from bench.report import EACH, Row

SMALL, LARGE = 10_000, int(os.environ.get("BENCH_EVENTS_KEPT", "10000000"))
VERSIONS = 10  # of each object
LOADED = sql.SQL(
    "SELECT min(a.id) FROM ledger_account a JOIN backoffice_user u ON u.id = a.user_id WHERE u.username LIKE 'loaded%'"
)
OFFICES = """
    INSERT INTO backoffice_entity (code, name, is_void, created)
    SELECT 'office' || n, 'Office ' || n, false, now() FROM generate_series(1, 50) n
"""
ENTITIES = sql.SQL("SELECT array_agg(id) FROM backoffice_entity WHERE code LIKE 'office%'")
PAGE = 25  # events on a page of the log
TYPES = ("change.updated", "object.viewed", "change.")


def rows() -> Iterator[Row]:
    """Measure both pages, each with both stores in turns."""
    from backoffice.models import Entity  # noqa: PLC0415  Django is ready only now

    if not Entity.objects.filter(code="bench").exists():
        world.prepare()
    with (
        world.filled("objects", max(2, LARGE // load.PER_OBJECT)) as objects,
        _filled("events_few", SMALL, objects) as few,
        _filled("events_many", LARGE, objects) as many,
    ):
        for question, operation in (("timeline of an object", "timeline"), ("filtered log page", "log")):
            found = measure(
                {name: _reader(operation, objects, store) for name, store in (("many", many), ("few", few))}
            )
            yield Row.of(
                question=f"{question}, {LARGE:,} events",
                subject="the page, rendered",
                reference=f"the same with {SMALL:,} events",
                ours=found["many"],
                theirs=found["few"],
                aim="at most 1.5",
                unit=EACH,
            )


@contextmanager
def _filled(name: str, events: int, objects: str) -> Iterator[str]:
    """Make an event store with so many events, about the accounts of that database."""
    started, first = time.perf_counter(), int(str(server.one(objects, LOADED)[0]))
    if name == "events_few":
        with server.session(objects) as s:
            s.execute("SET session_replication_role = replica")
            s.execute(OFFICES)
            load.versions(s, "ledger_historicalaccount", "ledger_account", VERSIONS)
    server.create(name, template=server.store())
    try:
        load.fill(name, events, first, cast("list[int]", server.one(objects, ENTITIES)[0]))
        sys.stderr.write(f"{name}: {events:,} events, filled in {time.perf_counter() - started:.0f} s\n")
        yield name
    finally:
        server.drop(name)


def _reader(operation: str, objects: str, store: str) -> Clients:
    """Return a client that knows which objects and persons its store has events of."""
    events = LARGE if store == "events_many" else SMALL
    return Clients(f"bench.capture.reading:{operation}", 1, objects, store=store, arguments={"events": events})


def timeline(*, events: int) -> Operation:
    """Show the history of a random account; its changes are told by its versions, so that some two thirds are events."""
    first, number = int(str(server.one(settings.DATABASES["default"]["NAME"], LOADED)[0])), events // load.PER_OBJECT
    return _pages(lambda: f"ledger/account/{first + random.randrange(number)}/history/", load.PER_OBJECT // 3)


def log(*, events: int) -> Operation:
    """Show a page of the log: of a person, of an object, or of a type within the usual window."""
    first, objects = int(str(server.one(settings.DATABASES["default"]["NAME"], LOADED)[0])), events // load.PER_OBJECT

    def page() -> str:
        kind = random.choice(("person", "object", "type"))
        if kind == "person":
            asked = {"username": f"staff{1 + random.randrange(events // load.PER_PERSON)}", "window": "all"}
        elif kind == "object":
            asked = {"object_type": "ledger.account", "object_id": str(first + random.randrange(objects))}
        else:
            asked = {"type": random.choice(TYPES)}
        return f"audit/event/?{urlencode(asked)}"

    return _pages(page, PAGE)


def _pages(page: Callable[[], str], lines: int) -> Operation:
    """Return the operation that gets a page and refuses it where it does not hold as many events as there are."""
    from django.test import Client  # noqa: PLC0415  Django is ready only now

    from backoffice.models import User  # noqa: PLC0415

    reader, _ = User.objects.get_or_create(username="reader", defaults={"is_staff": True, "is_superuser": True})
    client = Client(HTTP_HOST="localhost")
    client.force_login(reader)
    logging.getLogger("backoffice.request").setLevel(logging.WARNING)

    def operation() -> int:
        path = f"/{settings.CONSOLE_PATH}{page()}"
        response = client.get(path)
        shown = response.content.count(f"/{settings.CONSOLE_PATH}audit/event/0".encode())
        if response.status_code != 200 or shown < lines:  # noqa: PLR2004  HTTP's OK
            raise RuntimeError(f"{path}: status {response.status_code}, {shown} events where {lines} were expected.")
        return 1

    return operation
