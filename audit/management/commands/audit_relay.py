"""Carry events from the outboxes to the event store, every second until stopped, or once."""

import json
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connections

from audit import relay
from backoffice import embedded, serve

PAUSE = 1.0  # seconds between two looks at the outboxes
LONGEST_PAUSE = 15.0  # between two tries while a database is away


class Command(BaseCommand):
    """Relay until a stopping signal; a database that is away is waited for."""

    help = "Carry events from the outboxes to the event store until stopped; --once carries what is due and ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="carry what is due, and end")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, **options: Any) -> None:
        serve.follow_parent()
        stopped = threading.Event()
        for number in embedded.stopping_signals():
            signal.signal(number, lambda *_: stopped.set())
        moved = self._once(stopped) if options["once"] else self._until_stopped(stopped)
        if options["json"]:
            self.stdout.write(json.dumps({"relayed": moved, "waiting": relay.waiting()}))
        else:
            self.stderr.write(f"{moved} events carried.")

    @staticmethod
    def _once(stopped: threading.Event) -> int:
        return sum(taken for _, taken in relay.relay(stopped.is_set))

    def _until_stopped(self, stopped: threading.Event) -> int:
        moved, pause = 0, PAUSE
        while not stopped.is_set():
            try:
                for _, taken in relay.relay(stopped.is_set):
                    moved += taken
                if pause > PAUSE:
                    self.stderr.write("The databases are back; events are carried again.")
                pause = PAUSE
            except DatabaseError as error:
                pause = min(2 * pause, LONGEST_PAUSE)
                self.stderr.write(f"Events wait in the outbox, next try in {pause:.0f} s: {str(error).strip()}")
                connections.close_all()
            stopped.wait(pause)
        return moved
