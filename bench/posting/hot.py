"""Sixteen clients who all post to the same account."""

from collections.abc import Iterator

from bench.arms import Clients, measure
from bench.posting import bare, world
from bench.report import Row

CLIENTS = 16


def rows() -> Iterator[Row]:
    """Measure against pgbench on one row."""
    with world.filled("hot") as database:
        ours = Clients("bench.posting.ours:deposit", CLIENTS, database, arguments={"hot": True})
        with world.checked(database, [ours]):
            found = measure({"ours": ours, "limit": bare.limit(database, CLIENTS, 1)})
        bare.check(database)
    question = f"hot account, {CLIENTS} clients"
    yield Row.of(
        question=question,
        subject="Account.deposit",
        reference=f"{bare.NAME}, one row",
        ours=found["ours"],
        theirs=found["limit"],
        aim="at least 0.2",
        note=bare.NOTE,
    )
