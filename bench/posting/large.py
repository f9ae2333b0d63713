"""Ten million actions beside ten thousand: reading the past, what a posting costs, and what an action takes on disk.

Both ledgers hold a thousand actions an account, so that a page is the same work and only the tables differ.
"""

from collections.abc import Iterator

from psycopg import sql

from bench import server
from bench.arms import Clients, measure
from bench.posting import ours, world
from bench.posting.article import arm as article
from bench.report import EACH, Row

PER_ACCOUNT = 1000  # actions
SMALL = 10_000
AIM = "at most 1.5"
SIZE = "SELECT pg_total_relation_size({table}) / (SELECT count(*) FROM {name})::float"
FILL = """
    INSERT INTO article_action (user_friendly_id, type, created, user_id, account_id, delta, reference, reference_type,
                                comment, debug_balance)
    SELECT a.reference, 'DEPOSITED', a.created, a.by_id, c.id, a.delta, '', 'NONE', '', a.balance
    FROM (SELECT * FROM ledger_action ORDER BY id LIMIT 100000) a
    JOIN ledger_account l ON l.id = a.account_id JOIN article_account c ON c.uid = l.uid ORDER BY a.id
"""


def rows() -> Iterator[Row]:
    """Measure reading, then posting, then the size; the ten million are verified once, at the end."""
    with (
        world.filled("short", SMALL // PER_ACCOUNT, PER_ACCOUNT) as short,
        world.filled("young") as young,
        world.filled("long", max(1, world.LARGE // PER_ACCOUNT), PER_ACCOUNT) as long,
    ):
        yield _row("as-of balance", ours.BALANCE_AT, *(_reading("balance_at", database) for database in (long, short)))
        yield _row("statement page", ours.STATEMENT, *(_reading("statement", database) for database in (long, short)))
        deposits = [Clients("bench.posting.ours:deposit", 1, database) for database in (long, young)]
        with world.checked(long, deposits[:1]), world.checked(young, deposits[1:]):
            yield _row(f"cost of one posting, 1 client, {world.ACCOUNTS:,} accounts", "Account.deposit", *deposits)
        yield _size(long)


def _reading(operation: str, database: str) -> Clients:
    return Clients(f"bench.posting.ours:{operation}", 1, database)


def _row(question: str, subject: str, large: Clients, small: Clients) -> Row:
    """Compare the time that one takes."""
    found = measure({"large": large, "small": small})
    reference = f"the same with {SMALL if small.database == 'short' else 2 * world.ACCOUNTS:,} actions"
    return Row.of(
        question=f"{question}, {world.LARGE:,} actions",
        subject=subject,
        reference=reference,
        ours=found["large"],
        theirs=found["small"],
        aim=AIM,
        unit=EACH,
    )


def _size(database: str) -> Row:
    """Compare what one action takes on disk, indexes too, with the article's record of the same postings."""
    article.article(database, 1)
    with server.session(database) as s:
        s.execute(FILL)
        s.execute("REINDEX TABLE article_action")  # as new as those of the loaded ledger
    action, theirs = (_bytes_each(database, table) for table in ("ledger_action", "article_action"))
    return Row(
        question=f"size of an action on disk, {world.LARGE:,} actions",
        subject="ledger_action with its indexes",
        reference=f"{article.NAME}: its table with its indexes",
        unit="bytes",
        ours=action,
        theirs=theirs,
        aim="at most 2",
        note=article.NOTE,
    )


def _bytes_each(database: str, table: str) -> float:
    [size] = server.one(database, sql.SQL(SIZE).format(table=sql.Literal(table), name=sql.Identifier(table)))
    return round(float(str(size)), 1)
