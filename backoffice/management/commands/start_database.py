"""Start the embedded PostgreSQL and say where it is, for tools that come from outside."""

import json
import signal
from contextlib import ExitStack, suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice import embedded


class Command(BaseCommand):
    """Make and start the embedded server; print its URLs; keep it running until stopped."""

    help = "Start the embedded PostgreSQL, print its nine URLs and keep it running until Ctrl-C (or, with --detach, until stop_database)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--detach", action="store_true", help="return at once and leave the server running")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of NAME=url lines")

    def handle(self, **options: Any) -> None:
        if not settings.USES_EMBEDDED:
            raise CommandError(
                "DATABASE_URL or a sibling of it is set, so there is no embedded database to start: unset them.",
                returncode=2,
            )
        with ExitStack() as stack, suppress(KeyboardInterrupt):
            try:
                if options["detach"]:
                    embedded.start_detached(settings.BACKOFFICE_DATA)
                else:
                    for number in embedded.stopping_signals():
                        signal.signal(number, signal.default_int_handler)
                    stack.enter_context(embedded.running(settings.BACKOFFICE_DATA))
            except embedded.EmbeddedError as error:
                raise CommandError(str(error), returncode=2) from None
            self._print(embedded.urls(settings.BACKOFFICE_DATA), as_json=options["json"])
            if not options["detach"]:
                self.stderr.write("PostgreSQL runs until this command is stopped.")
                signal.pause()

    def _print(self, urls: dict[str, str], *, as_json: bool) -> None:
        self.stdout.write(json.dumps(urls) if as_json else "\n".join(f"{name}={url}" for name, url in urls.items()))
        self.stdout.flush()
