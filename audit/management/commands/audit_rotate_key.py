"""Replace the key that signs blocks; the new one is vouched for by the old one."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.rotation import rotate
from backoffice.databases import EVENT_STORE, as_relay

MISUSE = 2


class Command(BaseCommand):
    """Rotate, and say what to keep."""

    help = "Replace the key that signs blocks of the event store. Run again what was interrupted; relays go on by themselves."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        try:
            with as_relay(EVENT_STORE):
                key = rotate()
        except (ImproperlyConfigured, OSError) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        if options["json"]:
            self.stdout.write(json.dumps({"key": key.key, "public": key.public, "from_block": key.from_block}))
        else:
            self.stdout.write(f"Blocks from {key.from_block} on are signed with the key {key.key}.")
            self.stderr.write("Keep a copy of the file of trusted keys where this server cannot write.")
