"""Go on with bulk runs: those that were confirmed in the console and are too long for the request that confirms."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import DatabaseError, connections

from backoffice.databases import SANDBOX
from backoffice.grants import HOME
from backoffice.standing import StandingCommand
from bulk import worker

PAUSE = 1.0  # seconds between two looks for work


class Command(StandingCommand):
    """Stand beside the site; any number may."""

    help = "Do what was confirmed in bulk, until stopped; --once does what is due and ends. Any number may run."
    waits = "Bulk runs wait"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whether to end, and the usual options."""
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="do what is due, and end")

    def work(self, options: dict[str, Any]) -> tuple[dict[str, int], str]:
        """Do rounds, and count."""
        self.portions = self.failed = 0
        self._round() if options["once"] else self.until_stopped(self._round, PAUSE)
        numbers = {"portions": self.portions, "failed": self.failed}
        return numbers, f"{self.portions} portions of bulk runs done, {self.failed} failed."

    def _round(self) -> None:
        """Do what is due, the ledger's first; a sandbox that is away holds nobody up."""
        self._done_in(HOME)
        try:
            self._done_in(SANDBOX)
        except DatabaseError as error:
            self.stderr.write(f"The sandbox's runs wait: {str(error).strip()}")
            connections[SANDBOX].close()

    def _done_in(self, using: str) -> None:
        """Do a portion after the other."""
        while not self.stopped and (worked := worker.go_on(using)):
            run, trouble = worked
            self.portions += not trouble
            self.failed += bool(trouble)
            if trouble:
                self.stderr.write(f"{run} has to be tried again: {trouble}")
