"""The limit: the bare UPDATE and INSERT of one posting, in one transaction, by pgbench and the prepared protocol.

It checks nothing: no limit, no cap, no status, no order of versions, no reference, no history, no event, no key.
"""

from psycopg import sql

from bench import server
from bench.arms import Pgbench

NAME = "pgbench bare update and insert (limit)"
NOTE = "checks nothing and records no reference, no history and no event"
TABLES = """
    CREATE TABLE bare_account (id int PRIMARY KEY, balance numeric(19, 4), version int);
    CREATE TABLE bare_action (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id int, delta numeric(19, 4),
                              balance numeric(19, 4), version int, created timestamptz);
    INSERT INTO bare_account SELECT n, 0, 0 FROM generate_series(1, {accounts}) n;
"""
BOOKS = sql.SQL("SELECT (SELECT sum(balance) FROM bare_account), (SELECT sum(delta) FROM bare_action)")
SCRIPT = """
\\set account random(1, {accounts})
BEGIN;
UPDATE bare_account SET balance = balance + 1, version = version + 1 WHERE id = :account;
INSERT INTO bare_action (account_id, delta, balance, version, created) VALUES (:account, 1, 1, 1, now());
COMMIT;
"""


def limit(database: str, clients: int, accounts: int) -> Pgbench:
    """Return the arm; its tables are made in the database unless they are there."""
    with server.session(database) as s:
        if s.execute("SELECT to_regclass('bare_account')").fetchone() == (None,):
            s.execute(TABLES.format(accounts=accounts).encode())
    with server.session(database, autocommit=True) as s:
        s.execute("VACUUM (ANALYZE) bare_account")
    return Pgbench(SCRIPT.format(accounts=accounts), clients, database)


def check(database: str) -> None:
    """Refuse the figures where its books do not agree."""
    balances, deltas = server.one(database, BOOKS)
    if balances != deltas:
        raise RuntimeError(f"The bare books do not agree: {balances} in accounts, {deltas} in actions.")
