"""What the console's pages cost: ours beside the stock ModelAdmin and django-unfold, on the same rows, and as tables grow.

Ten thousand actions and BENCH_LARGE (10,000,000), ten an account; BENCH_ROUNDS (3) and BENCH_SECONDS (3) set other sizes,
BENCH_PAGES a pattern of the pages (list, accounts, filtered, far, search, account, timeline).
All arms read the same database as the same person under the same row-level security.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.questions import measured

if TYPE_CHECKING:
    from bench.report import Row

QUESTIONS = {  # module: what it asks, which `--only` is matched with
    "pages": "list, filtered list, page far down, search, account page, timeline: time, queries, weight",
    "screen": "first screen of a list in Chromium",
}


def rows(only: re.Pattern[str]) -> Iterator["Row"]:
    """Measure the questions that the pattern finds."""
    from bench import server  # noqa: PLC0415  the clients import this package too
    from bench.posting import world  # noqa: PLC0415

    server.durable()
    world.prepare()
    yield from measured(__name__, QUESTIONS, only)
