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
    question = f"one posting, {clients} client{'s' if clients > 1 else ''}"
    of_limit, of_article = AIMS[clients]
    yield Row.rates(question, "Account.deposit", bare.NAME, found["ours"], found["limit"], of_limit, bare.NOTE)
    yield Row.rates(question, "Account.deposit", article.NAME, found["ours"], found["article"], of_article, article.NOTE)
