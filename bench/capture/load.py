"""Fill the event store as the relay would have left it, a hundred times faster: partitions, indexes and all.

Set-based SQL of the superuser. The kinds of events, their sizes and how they spread are those of a working back office: in
any store an object has PER_OBJECT events and a person PER_PERSON, over MONTHS, so that a page is the same work and only the
tables differ. What is missing is the seals: leaves are not those of their events, which are verified by another bench.
Indexes are taken away before and built again after, as `bench.posting.load` does; WORKERS sessions share the work.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import psycopg
from psycopg import sql

from bench import server

WORKERS = 2
PER_OBJECT, PER_PERSON, MONTHS = 100, 1_000, 12
BLOCK = 1_000  # events
INDEXES = """
    SELECT format('ALTER TABLE audit_event DROP CONSTRAINT %I', conname),
           format('ALTER TABLE audit_event ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = 'audit_event'::regclass AND contype = 'p'
    UNION ALL
    SELECT format('DROP INDEX %I', relname), replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ')
    FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
    WHERE indrelid = 'audit_event'::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)
"""
MAKE_MONTHS = """
    SELECT audit_make_month((current_date - make_interval(months => n))::date) FROM generate_series(0, %s) n
"""
# A third are changes, a fiftieth was refused, by chance; all persons and objects take turns, as the factors are primes.
EVENTS = """
    INSERT INTO audit_event (id, created, type, user_id, username, entity_id, object_type, object_id, request_id, method, path,
                             status, ip, browser, reason, success, data, block, position, leaf)
    SELECT uuidv7(made - clock_timestamp()), made, kind, person, 'staff' || person, (ARRAY{entities})[1 + object % {offices}], 'ledger.account', object,
           md5(n::text), CASE WHEN change THEN 'POST' ELSE 'GET' END, '/console/ledger/account/' || object || '/change/',
           CASE WHEN change THEN NULL ELSE 200 END, '10.1.2.3', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0',
           CASE WHEN change THEN 'Asked for by the customer' ELSE '' END, kind <> 'access.refused',
           CASE WHEN change THEN jsonb_build_object('changes', jsonb_build_object('status',
               jsonb_build_object('old', 'open', 'new', 'frozen'))) ELSE '{{"page": "ledger_account_change"}}' END,
           1 + n / {block}, n % {block}, sha256(n::text::bytea)
    FROM (SELECT n, chance % 3 = 0 AS change, chance % 50 = 0 AS refused, 1 + n::bigint * 7919 % {persons} AS person,
                 {first} + n::bigint * 104729 % {objects} AS object,
                 now() - interval '1 minute' - ({events} - n) * (make_interval(months => {months}) / {events}) AS made
          FROM generate_series({since}, {until}) n, LATERAL (SELECT hashint8(n) & 65535) h (chance)) e,
    LATERAL (SELECT CASE WHEN refused THEN 'access.refused' WHEN change THEN 'change.updated' ELSE 'object.viewed' END) k (kind)
"""


def fill(database: str, events: int, first: int, entities: list[int]) -> None:
    """Add so many events, about the objects with ids from `first` on, spread over entities. Vacuums and analyses, as time would."""
    with server.session(database) as s:
        s.execute(MAKE_MONTHS, [MONTHS])
        indexes = s.execute(INDEXES).fetchall()
        for drop, _ in indexes:
            s.execute(drop)
    sizes: dict[str, object] = {"block": BLOCK, "events": events, "months": MONTHS, "first": first}
    sizes |= {"entities": entities, "offices": len(entities)}
    sizes |= {"persons": max(1, events // PER_PERSON), "objects": max(1, events // PER_OBJECT)}
    bounds = [events * part // WORKERS for part in range(WORKERS + 1)]
    parts = [EVENTS.format(since=since + 1, until=until, **sizes) for since, until in pairwise(bounds)]
    _in_parallel(database, [[part] for part in parts])
    _in_parallel(database, [[build for _, build in indexes[part::WORKERS]] for part in range(WORKERS)])
    with server.session(database, autocommit=True) as s:
        s.execute("VACUUM (ANALYZE) audit_event")
        s.execute("CHECKPOINT")


def _in_parallel(database: str, parts: list[list[str]]) -> None:
    """Run lists of statements at once, each in a session of its own."""
    work: Callable[[list[str]], None] = partial(_run, database)
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(work, parts))


def _run(database: str, statements: list[str]) -> None:
    with server.session(database, autocommit=True) as s:
        s.execute("SET synchronous_commit = off")
        s.execute("SET maintenance_work_mem = '512MB'")
        for statement in statements:
            s.execute(statement.encode())


def versions(session: psycopg.Connection, history: str, table: str, number: int) -> None:
    """Add so many versions of every row of a captured table to its history, a day between them."""
    shared = session.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " INTERSECT SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [history, table],
    ).fetchall()
    columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in shared)
    session.execute(
        sql.SQL(
            "INSERT INTO {history} ({columns}, history_type, history_date) SELECT {columns}, CASE n WHEN 1 THEN '+' ELSE '~' END,"
            " now() - interval '1 year' + n * interval '1 day' FROM {table}, generate_series(1, {number}) n ORDER BY n"
        ).format(history=sql.Identifier(history), columns=columns, table=sql.Identifier(table), number=number)
    )
