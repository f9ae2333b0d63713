"""Make the event store's partitions ahead, and move months that were kept long enough to files: run it once a day."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone

from audit import retention
from audit.keys import signing_key
from backoffice.databases import EVENT_STORE, as_relay

MISUSE = 2


class Command(BaseCommand):
    """Look ahead and back."""

    help = "Make partitions ahead; archive the months older than AUDIT_RETENTION_MONTHS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        today = timezone.now().date()
        try:
            with as_relay(EVENT_STORE):
                retention.make_ahead(today)
                months = retention.due(today)
            files = [str(path) for month in months if (path := retention.archive(month, signing_key()))]
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        except retention.RetentionError as error:
            raise CommandError(str(error), returncode=1) from None
        except OperationalError as error:
            raise CommandError(f"A month stays, and is tried again by the next run: {error}", returncode=1) from None
        if options["json"]:
            self.stdout.write(json.dumps({"archived": files}))
        else:
            self.stdout.write("\n".join(files) or "No month has been kept long enough to be archived.")
