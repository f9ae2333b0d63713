"""Commands that stand beside the site: a round of work again and again until a stopping signal, or once.

A database that is away is waited for, longer and longer. A round is never cut off: whoever has much to do in one asks
`self.stopped` in between. Callers: audit_relay, audit_subscribers, expire_due, bulk_runs.
"""

import json
import signal
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connections

from backoffice import embedded, serve

LONGEST_PAUSE = 15.0  # seconds between two tries while a database is away, unless rounds are rarer than that
BLINK = 0.1  # how soon a stopping signal is noticed


class StandingCommand(BaseCommand):
    """A command that does rounds; `work` does them and returns numbers for machines and a sentence for people."""

    waits: str  # what is said to wait while a database is away: "Subscribers wait"
    stopped = False  # a plain flag: an Event's lock may be held by what the signal interrupts

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the option that they all have."""
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, **options: Any) -> None:
        """Work until it is done or a signal comes, and say what was done."""
        serve.follow_parent()
        for number in embedded.stopping_signals():
            signal.signal(number, self._stop)
        numbers, sentence = self.work(options)
        if options["json"]:
            self.stdout.write(json.dumps(numbers))
        else:
            self.stderr.write(sentence)

    def work(self, options: dict[str, Any]) -> tuple[dict[str, int], str]:
        """Do all there is to do."""
        raise NotImplementedError

    def until_stopped(self, work: Callable[[], object], pause: float) -> None:
        """Do rounds of work with so many seconds in between."""
        wait = pause
        while not self.stopped:
            try:
                work()
                if wait > pause:
                    self.stderr.write("The databases are back.")
                wait = pause
            except DatabaseError as error:
                wait = min(2 * wait, max(LONGEST_PAUSE, 2 * pause))
                self.stderr.write(f"{self.waits}, next try in {wait:.0f} s: {str(error).strip()}")
                connections.close_all()
            self._rest(wait)

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopped and time.monotonic() < until:
            time.sleep(BLINK)
