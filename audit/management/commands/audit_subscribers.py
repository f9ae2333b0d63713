"""Bring events to their subscribers and to the rules of alerts, every second until stopped, or once."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser

from audit.alerts import tell
from audit.delivery import serve as deliver_to
from audit.subscribers import REGISTERED
from backoffice.databases import EVENT_STORE, as_relay
from backoffice.standing import StandingCommand

PAUSE = 1.0  # seconds between two looks
MISUSE = 2


class Command(StandingCommand):
    """Deliver as the relay's role, to which cursors, dead letters and alerts belong."""

    help = "Bring events to their subscribers until stopped; --once brings what is due and ends."
    waits = "Subscribers wait"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="bring what is due, and end")

    def work(self, options: dict[str, Any]) -> tuple[dict[str, int], str]:
        self.passed = 0
        try:
            with as_relay(EVENT_STORE):
                self._round() if options["once"] else self.until_stopped(self._round, PAUSE)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        numbers = {"subscribers": len(REGISTERED), "passed": self.passed}
        return numbers, f"{self.passed} events brought to {len(REGISTERED)} subscribers."

    def _round(self) -> None:
        for subscriber in REGISTERED.values():
            while not self.stopped and (passed := deliver_to(subscriber)):
                self.passed += passed
        tell()
