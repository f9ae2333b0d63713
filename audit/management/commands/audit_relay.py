"""Carry events from the outboxes to the event store, every second until stopped, or once."""

import json
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connections

from audit import relay
from backoffice import embedded, serve

PAUSE = 1.0  # seconds between two looks at the outboxes
LONGEST_PAUSE = 15.0  # between two tries while a database is away
BLINK = 0.1  # how soon a stopping signal is noticed


class Command(BaseCommand):
    """Relay until a stopping signal; a database that is away is waited for."""

    help = "Carry events from the outboxes to the event store until stopped; --once carries what is due and ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="carry what is due, and end")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, **options: Any) -> None:
        serve.follow_parent()
        self.stopped = False  # a plain flag: an Event's lock may be held by what the signal interrupts
        for number in embedded.stopping_signals():
            signal.signal(number, self._stop)
        moved = self._carry() if options["once"] else self._until_stopped()
        if options["json"]:
            self.stdout.write(json.dumps({"relayed": moved, "waiting": relay.waiting()}))
        else:
            self.stderr.write(f"{moved} events carried.")

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _carry(self) -> int:
        return sum(taken for _, taken in relay.relay(lambda: self.stopped))

    def _until_stopped(self) -> int:
        moved, pause = 0, PAUSE
        while not self.stopped:
            try:
                moved += self._carry()
                if pause > PAUSE:
                    self.stderr.write("The databases are back; events are carried again.")
                pause = PAUSE
            except DatabaseError as error:
                pause = min(2 * pause, LONGEST_PAUSE)
                self.stderr.write(f"Events wait in the outbox, next try in {pause:.0f} s: {str(error).strip()}")
                connections.close_all()
            self._rest(pause)
        return moved

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopped and time.monotonic() < until:
            time.sleep(BLINK)
