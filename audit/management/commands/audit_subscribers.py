"""Bring events to their subscribers and to the rules of alerts, every second until stopped, or once."""

import json
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connections

from audit.delivery import serve as deliver_to
from audit.subscribers import REGISTERED
from backoffice import embedded, serve

PAUSE = 1.0  # seconds between two looks
LONGEST_PAUSE = 15.0  # between two tries while a database is away
BLINK = 0.1  # how soon a stopping signal is noticed


class Command(BaseCommand):
    """Deliver until a stopping signal; a database that is away is waited for."""

    help = "Bring events to their subscribers until stopped; --once brings what is due and ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="bring what is due, and end")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, **options: Any) -> None:
        serve.follow_parent()
        self.stopped = False
        for number in embedded.stopping_signals():
            signal.signal(number, self._stop)
        done = self._round() if options["once"] else self._until_stopped()
        if options["json"]:
            self.stdout.write(json.dumps({"subscribers": len(REGISTERED), "passed": done}))
        else:
            self.stderr.write(f"{done} events brought to {len(REGISTERED)} subscribers.")

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _round(self) -> int:
        done = 0
        for subscriber in REGISTERED.values():
            while not self.stopped and (passed := deliver_to(subscriber)):
                done += passed
        return done

    def _until_stopped(self) -> int:
        done, pause = 0, PAUSE
        while not self.stopped:
            try:
                done += self._round()
                pause = PAUSE
            except DatabaseError as error:
                pause = min(2 * pause, LONGEST_PAUSE)
                self.stderr.write(f"Subscribers wait, next try in {pause:.0f} s: {str(error).strip()}")
                connections.close_all()
            until = time.monotonic() + pause
            while not self.stopped and time.monotonic() < until:
                time.sleep(BLINK)
        return done
