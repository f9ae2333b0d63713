"""Release the holds and end the requests for approval that have expired: once, or again and again beside the site."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from backoffice import grant_requests
from backoffice.databases import EVENT_STORE
from backoffice.grants import HOME
from backoffice.standing import StandingCommand
from ledger.errors import Contended, LedgerError
from ledger.models import Approval, Hold

MISUSE = 2


class Command(StandingCommand):
    """Do what is due, as the system; with --every until a stopping signal."""

    help = (
        "Release the holds and end the requests for approval that have expired, and end; with --every go on. The next "
        "posting on an account and the next look at a request do so too, so nothing depends on how often this runs but how "
        "soon the record says so."
    )
    waits = "What has expired waits"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how often, and the usual options."""
        super().add_arguments(parser)
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on until stopped, with so long a pause")
        parser.add_argument("--using", default="default", choices=[a for a in settings.DATABASES if a != EVENT_STORE])

    def work(self, options: dict[str, Any]) -> tuple[dict[str, int], str]:
        """Do rounds, and count."""
        every, self.using = options["every"], options["using"]
        if every is not None and not every > 0:
            raise CommandError("--every is a number of seconds, more than zero.", returncode=MISUSE)
        self.released = self.ended = self.rights = 0
        self._round() if every is None else self.until_stopped(self._round, every)
        numbers = {"holds": self.released, "approvals": self.ended, "rights": self.rights}
        told = f"{self.released} holds released, {self.ended} requests for approval and {self.rights} for rights ended."
        return numbers, told

    def _round(self) -> None:
        """Do what is due; again where another transaction waited for this one, which PostgreSQL takes a second to find."""
        done = False
        while not done and not self.stopped:
            try:
                self._expire()
                done = True
            except Contended as error:
                self.stderr.write(str(error))

    def _expire(self) -> None:
        now = timezone.now()
        self.released += Hold.release_expired(now=now, refused=self._refused, using=self.using)
        while ended := Approval.expire_due(asof=now, using=self.using):
            self.ended += ended
        while self.using == HOME and (ended := grant_requests.expire_due()):
            self.rights += ended

    def _refused(self, hold: Hold, error: LedgerError) -> None:
        self.stderr.write(f"Hold {hold.uid} cannot be released: {error}")
