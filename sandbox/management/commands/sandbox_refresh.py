"""Fill the sandbox from live, with masked people: see `sandbox.refresh`."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sandbox.models import Refresh
from sandbox.refresh import CannotRefreshError, refresh

MISUSE = 2


class Command(BaseCommand):
    """Refresh, and say what was copied."""

    help = (
        "Replace what the sandbox holds by what live holds now: entities, people under masks, accounts, limits, caps and "
        "actions. Live is only read. Needs SANDBOX_DATABASE_OWNER_URL. Exit status: 0 when done, 2 when it cannot be."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the usual options."""
        parser.add_argument("--if-empty", action="store_true", help="only where it was never filled")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        """Refresh once."""
        if options["if_empty"] and Refresh.objects.exists():
            self.stdout.write("{}" if options["json"] else "The sandbox is filled already.")
            return
        try:
            report = refresh()
        except (CannotRefreshError, ImproperlyConfigured) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        if options["json"]:
            self.stdout.write(json.dumps(report._asdict()))
        else:
            counted = f"{report.entities:,} entities, {report.users:,} people, {report.accounts:,} accounts"
            self.stdout.write(f"{counted}, {report.actions:,} actions copied in {report.seconds} s.")
