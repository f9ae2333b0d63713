"""Fill a ledger with accounts and actions as their postings would have left them, a hundred times faster.

Set-based SQL of the superuser with triggers off. Every row is a copy of one that the ledger wrote itself, but for what
is named here, so columns that come later come along; `ledger_verify` says afterwards whether the books are whole.
Actions are inserted in the order of time, an account's own far apart, into live indexes: as they would have grown.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
from psycopg import sql

from bench import server

WORKERS = 2
AMOUNT = 1000  # of the deposit that is copied
SAMPLE = (
    "WITH sample AS (SELECT id, version FROM ledger_action WHERE account_id = (SELECT min(id) FROM ledger_account))"
)
COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      AND (attname = ANY (%s) OR NOT atthasdef AND attidentity = '') ORDER BY attnum
"""
MOMENT = "timestamptz '2020-01-01 00:00+00' + ({version} - 1) * interval '1 day'"


def fill(database: str, accounts: int, actions: int) -> None:
    """Add accounts with so many actions each: an opening, then deposits of AMOUNT. Vacuums and analyses, as time would."""
    with server.session(database) as s:
        _settings(s)
        first = _accounts(s, accounts, actions)
        s.execute("ANALYZE ledger_account")
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            list(pool.map(partial(_actions, database, first, actions), range(WORKERS)))
        except BaseException:
            server.drop(database)  # which ends the other workers too
            raise
    with server.session(database, autocommit=True) as s:
        s.execute("VACUUM (ANALYZE)")
        s.execute("CHECKPOINT")


def _settings(session: psycopg.Connection) -> None:
    session.execute("SET session_replication_role = replica")
    session.execute("SET synchronous_commit = off")


def _accounts(session: psycopg.Connection, accounts: int, actions: int) -> int:
    """Add people and their accounts with the final balances, and take those from the cap; return the first id."""
    people = f"generate_series(1, {accounts}) n"
    _copy(session, "backoffice_user", {"username": "'loaded' || n"}, people, "t.username = 'customer'")
    loaded = "(SELECT id FROM backoffice_user WHERE username LIKE 'loaded%' ORDER BY id) p (person)"
    balance, newest = str((actions - 1) * AMOUNT), MOMENT.format(version=actions)
    named = {"uid": "gen_random_uuid()", "user_id": "person", "balance": balance, "version": str(actions)}
    _copy(
        session, "ledger_account", {**named, "modified": newest}, loaded, "t.id = (SELECT min(id) FROM ledger_account)"
    )
    session.execute(
        "UPDATE ledger_headroom SET remaining = remaining - %s WHERE currency = 'CZK' AND slot = 0",
        [accounts * (actions - 1) * AMOUNT],
    )
    found = session.execute("SELECT min(id) + 1 FROM ledger_account").fetchone()
    return int(found[0]) if found else 0


def _actions(database: str, first: int, actions: int, part: int) -> None:
    """Add the actions of every account of one part, day by day."""
    part_of = f"id >= {first} AND id % {WORKERS} = {part}"
    mine = f"(SELECT id FROM ledger_account WHERE {part_of} ORDER BY id) a (account)"  # noqa: S608  our own figures
    with server.session(database) as s:
        _settings(s)
        for version in range(1, actions + 1):
            moment = MOMENT.format(version=version)
            named = {"account_id": "account", "balance": str((version - 1) * AMOUNT), "version": str(version)}
            written = {**named, "created": moment, "recorded": moment}
            like = f"t.id = (SELECT id FROM sample WHERE version = {min(version, 2)})"  # noqa: S608  our own figures
            _copy(s, "ledger_action", written, mine, like)


def _copy(session: psycopg.Connection, table: str, named: dict[str, str], source: str, which: str) -> None:
    """Insert a copy of the row `which` for each row of the source; columns with a default of the database get that."""
    columns = [name for (name,) in session.execute(COLUMNS, [table, list(named)])]
    values = [sql.SQL(named[name]) if name in named else sql.Identifier("t", name) for name in columns]
    insert = sql.SQL("{} INSERT INTO {} ({}) SELECT {} FROM {} t CROSS JOIN {} WHERE {}").format(
        sql.SQL(SAMPLE),
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(values),
        sql.Identifier(table),
        sql.SQL(source),
        sql.SQL(which),
    )
    session.execute(insert)
