"""One posting through the public classmethod, beside the limit and the article's way, 1 and 16 clients, 10,000 accounts."""

from collections.abc import Iterator

from bench.arms import Clients, measure
from bench.posting import bare, world
from bench.posting.article import arm as article
from bench.report import Row

AIMS = {1: ("at least 0.35", "at least 4"), 16: ("at least 0.2", "at least 4")}


def rows() -> Iterator[Row]:
    """Measure with one client, then with 16."""
    with world.filled("one") as database:
        for clients in AIMS:
            yield from _rows(database, clients)


def _rows(database: str, clients: int) -> Iterator[Row]:
    ours = Clients("bench.posting.ours:deposit", clients, database)
    limit, theirs = bare.limit(database, clients, world.ACCOUNTS), article.article(database, clients)
    with world.checked(database, [ours]):
        found = measure({"ours": ours, "limit": limit, "article": theirs})
    article.check(database)
    bare.check(database)
    question = f"one posting, {clients} client{'s' if clients > 1 else ''}"
    of_limit, of_article = AIMS[clients]
    yield Row.of(
        question=question,
        subject="Account.deposit",
        reference=bare.NAME,
        ours=found["ours"],
        theirs=found["limit"],
        aim=of_limit,
        note=bare.NOTE,
    )
    yield Row.of(
        question=question,
        subject="Account.deposit",
        reference=article.NAME,
        ours=found["ours"],
        theirs=found["article"],
        aim=of_article,
        note=article.NOTE,
    )
