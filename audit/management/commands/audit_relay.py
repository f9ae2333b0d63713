"""Carry events from the outboxes to the event store and seal them there, twice a second until stopped, or once."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser

from audit import relay
from audit.heads import Publisher
from audit.keys import signing_key
from backoffice.databases import RELAY_URL_NAMES, as_relay
from backoffice.standing import StandingCommand

PAUSE = 0.5  # seconds between two looks at the outboxes
MISUSE = 2


class Command(StandingCommand):
    """Relay until a stopping signal; a database that is away is waited for."""

    help = "Carry events from the outboxes to the event store until stopped; --once carries what is due and ends."
    waits = "Events wait in the outbox"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="carry what is due, and end")

    def work(self, options: dict[str, Any]) -> tuple[dict[str, int], str]:
        self.moved = 0
        try:
            self.key = signing_key()
            self.publisher = Publisher(self.key)
            with as_relay(*RELAY_URL_NAMES):
                self._once() if options["once"] else self.until_stopped(self._round, PAUSE)
                self._say(self.publisher.look_after(wait=True))
                waiting = relay.waiting() if options["json"] else 0
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        return {"relayed": self.moved, "waiting": waiting}, f"{self.moved} events carried."

    def _carry(self) -> None:
        for _, taken in relay.relay(self.key, lambda: self.stopped):
            self.moved += taken
            self._say(self.publisher.publish())

    def _once(self) -> None:
        self._carry()
        self._say(self.publisher.publish(at_once=True))

    def _round(self) -> None:
        try:
            self._carry()
            self._say(self.publisher.publish())
        except ImproperlyConfigured as error:
            self._take_new_key(error)

    def _say(self, trouble: str) -> None:
        if trouble:
            self.stderr.write(trouble)

    def _take_new_key(self, error: ImproperlyConfigured) -> None:
        """Go on with the key that a rotation has put in the place of ours. Raises where there is none."""
        key = signing_key()
        if key.id == self.key.id:
            raise error
        self.key, self.publisher = key, Publisher(key)
        self.stderr.write(f"Blocks are signed with the key {key.id} from here on.")
