"""What it costs to record every change, to seal what is recorded while others write, and to read it when there is much.

One module a question; each measures its arms in interleaved rounds, checks that all was recorded, and yields rows.
BENCH_EVENTS_KEPT (10,000,000) sets the size of the large event store, BENCH_ROUNDS (3) and BENCH_SECONDS (3) the rounds of
writers and readers.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.questions import measured

if TYPE_CHECKING:
    from bench.report import Row

QUESTIONS = {  # module: what it asks, which `--only` is matched with
    "changes": "single save, update and bulk_create of 1,000: no capture, by hand, packages",
    "writers": "32 writers, relay sealing",
    "reading": "timeline of an object, filtered log page: 10,000,000 events",
}


def rows(only: re.Pattern[str]) -> Iterator["Row"]:
    """Measure the questions that the pattern finds."""
    from bench import server  # noqa: PLC0415  the process of `beside` imports this package too, with other settings

    server.durable()
    yield from measured(__name__, QUESTIONS, only)
