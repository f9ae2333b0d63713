"""What row-level security costs: a million accounts over two hundred entities, for somebody who works on twenty of them.

The same database twice, in one of them with row-level security turned off: pages of the console as they are rendered, and
a posting. The application's own filters stay on in both. BENCH_MANY_ACCOUNTS (1,000,000), BENCH_ROUNDS (3) and
BENCH_SECONDS (3) set other sizes.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.questions import measured

if TYPE_CHECKING:
    from bench.report import Row

QUESTIONS = {  # module: what it asks, which `--only` is matched with
    "secured": "lists, lookup by reference, page of actions, search, posting: row-level security off",
}


def rows(only: re.Pattern[str]) -> Iterator["Row"]:
    """Measure the questions that the pattern finds."""
    from bench import server  # noqa: PLC0415  the clients import this package too
    from bench.posting import world  # noqa: PLC0415

    server.durable()
    world.prepare()
    yield from measured(__name__, QUESTIONS, only)
