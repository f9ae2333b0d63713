"""Ten million actions beside ten thousand: reading the past, what a posting costs, and what an action takes on disk.

Both ledgers hold a thousand actions an account, so that a page is the same work and only the tables differ.
"""

from collections.abc import Iterator

from psycopg import sql

from bench import server
from bench.arms import Clients, measure
from bench.posting import ours, world
from bench.posting.article import arm as article
from bench.report import Row

EACH = 1000  # actions an account
SMALL = 10_000
AIM = "at most 1.5"
SIZE = "SELECT pg_total_relation_size({table}) / (SELECT count(*) FROM {table_name})::float"
FILL = """
    INSERT INTO article_action (user_friendly_id, type, created, user_id, account_id, delta, reference, reference_type,
                                comment, debug_balance)
    SELECT a.reference, 'DEPOSITED', a.created, a.by_id, c.id, a.delta, '', 'NONE', '', a.balance
    FROM (SELECT * FROM ledger_action ORDER BY id LIMIT 100000) a
    JOIN ledger_account l ON l.id = a.account_id JOIN article_account c ON c.uid = l.uid ORDER BY a.id
"""


def rows() -> Iterator[Row]:
    """Measure reading, then posting, then the size."""
    with (
        world.filled("short", SMALL // EACH, EACH) as short,
        world.filled("long", max(1, world.LARGE // EACH), EACH) as long,
    ):
        for question, operation, subject in (
            ("as-of balance", "balance_at", ours.BALANCE_AT),
            ("statement page", "statement", ours.STATEMENT),
        ):
            yield _row(question, operation, subject, short, long)
        posted = f"cost of one posting, 1 client, {world.ACCOUNTS:,} accounts"
        with world.filled("young") as young:
            yield _row(posted, "deposit", "Account.deposit", young, long)
        yield _size(long)


def _row(question: str, operation: str, subject: str, small: str, large: str) -> Row:
    """Compare the time that one takes."""
    at_large, at_small = (Clients(f"bench.posting.ours:{operation}", 1, database) for database in (large, small))
    legs = [1 if operation == "deposit" else 0]
    with world.checked(large, [at_large], legs), world.checked(small, [at_small], legs):
        found = measure({"large": at_large, "small": at_small})
    reference = f"the same with {SMALL if small == 'short' else 2 * world.ACCOUNTS:,} actions"
    return Row.costs(f"{question}, {world.LARGE:,} actions", subject, reference, found["large"], found["small"], AIM)


def _size(database: str) -> Row:
    """Compare what one action takes on disk, indexes too, with the article's record of the same postings."""
    article.article(database, 1)
    with server.session(database) as s:
        s.execute(FILL)
    bytes_each = [
        float(str(server.one(database, sql.SQL(SIZE).format(table=sql.Literal(name), table_name=sql.Identifier(name)))[0]))
        for name in ("ledger_action", "article_action")
    ]
    return Row(
        f"size of an action on disk, {world.LARGE:,} actions",
        "ledger_action with its indexes",
        f"{article.NAME}: its table with its indexes",
        "bytes",
        *(round(each, 1) for each in bytes_each),
        aim="at most 2",
        note=article.NOTE,
    )
