"""Stop the embedded PostgreSQL that `start_database --detach` left running."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice import embedded


class Command(BaseCommand):
    """Stop a detached server, or one that a killed process has left; exit 1 while another process uses it."""

    help = "Stop the embedded PostgreSQL; while another process uses it, it stops when that ends."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        if not settings.USES_EMBEDDED:
            raise CommandError(
                "DATABASE_URL or a sibling of it is set, so there is no embedded database to stop: unset them.",
                returncode=2,
            )
        try:
            stopped = embedded.stop(settings.BACKOFFICE_DATA)
        except embedded.EmbeddedError as error:
            raise CommandError(str(error), returncode=2) from None
        if options["json"]:
            self.stdout.write(json.dumps({"stopped": stopped}))
        if not stopped:
            raise CommandError(
                "Another process uses the embedded database: it stops when the last of them ends.", returncode=1
            )
        self.stderr.write("The embedded database is stopped.")
