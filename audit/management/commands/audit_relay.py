"""Carry events from the outboxes to the event store and seal them there, twice a second until stopped, or once."""

import json
import signal
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from audit import relay
from audit.heads import Publisher
from audit.keys import signing_key
from backoffice import embedded, serve
from backoffice.databases import RELAY_URL_NAMES, as_relay

PAUSE = 0.5  # seconds between two looks at the outboxes
LONGEST_PAUSE = 15.0  # between two tries while a database is away
BLINK = 0.1  # how soon a stopping signal is noticed
MISUSE = 2


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
        try:
            self.key = signing_key()
            self.publisher = Publisher(self.key)
            with as_relay(*RELAY_URL_NAMES):
                moved = self._once() if options["once"] else self._until_stopped()
                waiting = relay.waiting() if options["json"] else 0
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        if options["json"]:
            self.stdout.write(json.dumps({"relayed": moved, "waiting": waiting}))
        else:
            self.stderr.write(f"{moved} events carried.")

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _carry(self) -> int:
        moved = 0
        for _, taken in relay.relay(self.key, lambda: self.stopped):
            moved += taken
            self._say(self.publisher.publish())
        return moved

    def _once(self) -> int:
        moved = self._carry()
        self._say(self.publisher.publish(at_once=True))
        self._say(self.publisher.look_after(wait=True))
        return moved

    def _say(self, trouble: str) -> None:
        if trouble:
            self.stderr.write(trouble)

    def _until_stopped(self) -> int:
        moved, pause = 0, PAUSE
        while not self.stopped:
            try:
                moved += self._carry()
                self._say(self.publisher.publish())
                if pause > PAUSE:
                    self.stderr.write("The databases are back; events are carried again.")
                pause = PAUSE
            except ImproperlyConfigured as error:
                self._take_new_key(error)
            except DatabaseError as error:
                pause = min(2 * pause, LONGEST_PAUSE)
                self.stderr.write(f"Events wait in the outbox, next try in {pause:.0f} s: {str(error).strip()}")
                connections.close_all()
            self._rest(pause)
        self._say(self.publisher.look_after(wait=True))
        return moved

    def _take_new_key(self, error: ImproperlyConfigured) -> None:
        """Go on with the key that a rotation has put in the place of ours. Raises where there is none."""
        key = signing_key()
        if key.id == self.key.id:
            raise error
        self.key, self.publisher = key, Publisher(key)
        self.stderr.write(f"Blocks are signed with the key {key.id} from here on.")

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopped and time.monotonic() < until:
            time.sleep(BLINK)
