"""One posting with a million accounts: as fast as with ten thousand, where the article's SUM is not."""

from collections.abc import Iterator

from bench.arms import Clients, measure
from bench.posting import bare, world
from bench.posting.article import arm as article
from bench.report import Row

DEPOSIT = "Account.deposit"


def rows() -> Iterator[Row]:
    """Measure both sizes in one interleaved run, one client."""
    with world.filled("few") as few, world.filled("many", world.MANY) as many:
        ours, at_few = (Clients("bench.posting.ours:deposit", 1, database) for database in (many, few))
        limit, theirs = bare.limit(many, 1, world.MANY), article.article(many, 1)
        with world.checked(many, [ours]), world.checked(few, [at_few]):
            found = measure({"ours": ours, "few": at_few, "limit": limit, "article": theirs})
        article.check(many)
        bare.check(many)
    question = f"one posting, 1 client, {world.MANY:,} accounts"
    same = f"{DEPOSIT} with {world.ACCOUNTS:,} accounts"
    yield Row.of(
        question=question,
        subject=DEPOSIT,
        reference=same,
        ours=found["ours"],
        theirs=found["few"],
        aim="at least 0.9",
    )
    yield Row.of(
        question=question,
        subject=DEPOSIT,
        reference=bare.NAME,
        ours=found["ours"],
        theirs=found["limit"],
        aim="at least 0.35",
        note=bare.NOTE,
    )
    yield Row.of(
        question=question,
        subject=DEPOSIT,
        reference=article.NAME,
        ours=found["ours"],
        theirs=found["article"],
        aim="at least 4",
        note=article.NOTE,
    )
