"""How fast the ledger posts, with every rule, history and event on, beside what the machine and its peers do without them.

One module a question; each makes its databases, measures its arms in interleaved rounds, checks the books, and yields rows.
Sizes can be set by the environment: BENCH_ACCOUNTS (10,000), BENCH_MANY_ACCOUNTS (1,000,000), BENCH_LARGE (10,000,000
actions), BENCH_ROUNDS (3) and BENCH_SECONDS (3) a round.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.questions import measured

if TYPE_CHECKING:
    from bench.report import Row

QUESTIONS = {  # module: what it asks, which `--only` is matched with
    "one": "one posting, 1 and 16 clients: limit, article",
    "transfer": "one transfer and one deposit beside peers: hordak, oscar-accounts",
    "many": "one posting, 1,000,000 accounts: limit, article",
    "hot": "hot account, 16 clients",
    "cap": "cap, 16 clients, slow commit",
    "batch": "batch of 100 and 10,000: COPY",
    "runs": "bulk run of 10,000: one by one, plain SQL",
    "large": "as-of balance, statement page, size, growth: 10,000,000 actions",
}


def rows(only: re.Pattern[str]) -> Iterator["Row"]:
    """Measure the questions that the pattern finds."""
    from bench import server  # noqa: PLC0415  the peers' environment imports this package too
    from bench.posting import world  # noqa: PLC0415

    server.durable()
    world.prepare()
    yield from measured(__name__, QUESTIONS, only)
