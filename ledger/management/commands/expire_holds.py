"""Release the holds that have expired: once, or again and again beside the site."""

import json
import signal
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections
from django.utils import timezone

from backoffice import embedded, serve
from backoffice.databases import EVENT_STORE
from ledger.models import Hold

MISUSE = 2
BLINK = 0.1  # seconds: how soon a stopping signal is noticed


class Command(BaseCommand):
    """Release what is due; with --every until a stopping signal, and a database that is away is waited for."""

    help = (
        "Release the holds that have expired, and end; with --every go on. The next posting on an account releases its "
        "expired holds too, so nothing depends on how often this runs but how soon the record says so."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how often, and the usual options."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on until stopped, with so long a pause")
        parser.add_argument("--using", default="default", choices=[a for a in settings.DATABASES if a != EVENT_STORE])
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, **options: Any) -> None:
        """Release, and say how many."""
        every, using = options["every"], options["using"]
        if every is not None and not every > 0:
            raise CommandError("--every is a number of seconds, more than zero.", returncode=MISUSE)
        serve.follow_parent()
        self.stopped = False
        for number in embedded.stopping_signals():
            signal.signal(number, self._stop)
        released = self._released(using) if every is None else self._until_stopped(every, using)
        if options["json"]:
            self.stdout.write(json.dumps({"released": released}))
        else:
            self.stderr.write(f"{released} expired holds released.")

    def _stop(self, *_: object) -> None:
        self.stopped = True

    @staticmethod
    def _released(using: str) -> int:
        return Hold.release_expired(now=timezone.now(), using=using)

    def _until_stopped(self, every: float, using: str) -> int:
        released = 0
        while not self.stopped:
            try:
                released += self._released(using)
            except DatabaseError as error:
                self.stderr.write(f"Expired holds wait, next try in {every:.0f} s: {str(error).strip()}")
                connections.close_all()
            until = time.monotonic() + every
            while not self.stopped and time.monotonic() < until:
                time.sleep(BLINK)
        return released
