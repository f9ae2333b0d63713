"""Fill a ledger with accounts and actions as their postings would have left them, a hundred times faster.

Set-based SQL of the superuser with triggers off. Every row is a copy of one that the ledger wrote itself, but for what
is named here, so columns that come later come along; `ledger_verify` says afterwards whether the books are whole.
Actions are inserted in the order of time, an account's own far apart, as they would have come. All indexes but that of the
primary key are taken away before and built again after, which leaves them as REINDEX would: rows that go to random places
of live ones make the server write whole pages to its log for each.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
from psycopg import sql

from bench import server

WORKERS = 2
AMOUNT = 1000  # of the deposit that is copied
WRITTEN = """
    SELECT account_id, array_agg(id ORDER BY version) FROM ledger_action
    WHERE account_id = (SELECT min(id) FROM ledger_account) GROUP BY 1
"""
INDEXES = """
    SELECT format('ALTER TABLE ledger_action DROP CONSTRAINT %I', conname),
           format('ALTER TABLE ledger_action ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = 'ledger_action'::regclass AND contype IN ('u', 'x')
    UNION ALL
    SELECT format('DROP INDEX %I', relname), pg_get_indexdef(c.oid)
    FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
    WHERE indrelid = 'ledger_action'::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)
"""
COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      AND (attname = ANY (%s) OR NOT atthasdef AND attidentity = '') ORDER BY attnum
"""
MOMENT = "timestamptz '2020-01-01 00:00+00' + ({version} - 1) * interval '1 day'"


def fill(database: str, accounts: int, actions: int, people: Mapping[str, str]) -> None:
    """Add accounts with so many actions each: an opening, then deposits of AMOUNT. Vacuums and analyses, as time would.

    `people`: what a column of the `n`th customer is, as SQL; the entity is that of the account and of its actions.
    """
    with server.session(database) as s:
        _settings(s)
        account, written = s.execute(WRITTEN).fetchone() or (0, [])
        _accounts(s, account, accounts, actions, people)
        s.execute("ANALYZE ledger_account")
        indexes = s.execute(INDEXES).fetchall()
        for drop, _ in indexes:
            s.execute(drop)
    _in_parallel(database, [partial(_actions, account, written, actions, part) for part in range(WORKERS)])
    _in_parallel(database, [partial(_build, [build for _, build in indexes])])
    with server.session(database, autocommit=True) as s:
        s.execute("VACUUM (ANALYZE)")
        s.execute("CHECKPOINT")


def _settings(session: psycopg.Connection) -> None:
    session.execute("SET session_replication_role = replica")
    session.execute("SET synchronous_commit = off")
    session.execute("SET maintenance_work_mem = '1GB'")


def _in_parallel(database: str, parts: list[Callable[[psycopg.Connection], None]]) -> None:
    """Do the parts at once, each in a session of its own."""

    def work(part: Callable[[psycopg.Connection], None]) -> None:
        with server.session(database) as s:
            _settings(s)
            part(s)

    with ThreadPoolExecutor(len(parts)) as pool:
        try:
            list(pool.map(work, parts))
        except BaseException:
            server.drop(database)  # which ends the other parts too
            raise


def _build(indexes: list[str], session: psycopg.Connection) -> None:
    for build in indexes:
        session.execute(build.encode())


def _accounts(
    session: psycopg.Connection, account: int, accounts: int, actions: int, people: Mapping[str, str]
) -> None:
    """Add people and their accounts, like that one, with the final balances, and take those from the cap."""
    person = "t.username = 'customer'"
    _copy(
        session, "backoffice_user", {"username": "'loaded' || n", **people}, f"generate_series(1, {accounts}) n", person
    )
    loaded = "(SELECT id, entity_id FROM backoffice_user WHERE username LIKE 'loaded%' ORDER BY id) p (person, entity)"
    balance, newest = str((actions - 1) * AMOUNT), MOMENT.format(version=actions)
    named = {"uid": "gen_random_uuid()", "user_id": "person", "entity_id": "entity"}
    _copy(
        session,
        "ledger_account",
        {
            **named,
            "balance": balance,
            "turnover": balance,
            "version": str(actions),
            "modified": newest,
            "latest": newest,
        },
        loaded,
        f"t.id = {account}",
    )
    session.execute(
        "UPDATE ledger_headroom SET remaining = remaining - %s WHERE currency = 'CZK' AND slot = 0",
        [accounts * (actions - 1) * AMOUNT],
    )


def _actions(account: int, written: list[int], actions: int, part: int, session: psycopg.Connection) -> None:
    """Add the actions, like those written for that account, of every later account of one part, day by day."""
    part_of = f"id > {account} AND id % {WORKERS} = {part}"
    mine = f"(SELECT id, entity_id FROM ledger_account WHERE {part_of} ORDER BY id) a (account, entity)"  # noqa: S608  our own figures
    for version in range(1, actions + 1):
        moment = MOMENT.format(version=version)
        balance = str((version - 1) * AMOUNT)
        named = {
            "account_id": "account",
            "entity_id": "entity",
            "balance": balance,
            "turnover": balance,
            "version": str(version),
        }
        like = f"t.id = {written[min(version, 2) - 1]}"
        _copy(session, "ledger_action", {**named, "created": moment, "recorded": moment, "latest": moment}, mine, like)


def _copy(session: psycopg.Connection, table: str, named: dict[str, str], source: str, which: str) -> None:
    """Insert a copy of the row `which` for each row of the source; columns with a default of the database get that."""
    columns = [name for (name,) in session.execute(COLUMNS, [table, list(named)])]
    values = [sql.SQL(named[name]) if name in named else sql.Identifier("t", name) for name in columns]
    insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} t CROSS JOIN {} WHERE {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(values),
        sql.Identifier(table),
        sql.SQL(source),
        sql.SQL(which),
    )
    session.execute(insert)
