"""Prove that the event store holds what was sealed, and nothing else; exit 1 and name block and event where it does not."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audit.heads import HeadError, read_heads
from audit.keys import trusted_keys
from audit.models import Verification
from audit.verification import Report, Verifier
from backoffice.databases import EVENT_STORE, as_relay

MISUSE = 2


class Command(BaseCommand):
    """Verify, tell, and note in the store that it was done."""

    help = "Verify the event store: every event, every block, the chain, the signatures, and the last published head."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--since", help="only the blocks sealed since this date or moment, such as 2026-11-01")
        parser.add_argument("--head", type=Path, help="a file of heads, kept elsewhere; else AUDIT_HEADS")
        parser.add_argument("--keys", type=Path, help="a file of trusted keys, kept elsewhere; else AUDIT_TRUSTED_KEYS")

    def handle(self, **options: Any) -> None:
        started = time.monotonic()
        since = moment_of(options["since"])
        heads = self._heads(options["head"])
        for path in (options["keys"],):
            if path and not path.exists():
                raise CommandError(f"There is no file {path}.", returncode=MISUSE)
        report = Verifier(trusted_keys(options["keys"])).run(since, heads, self._progress)
        self._note(report, since, time.monotonic() - started)
        self._tell(report, time.monotonic() - started, as_json=options["json"])
        if report.findings:
            sys.exit(1)

    def _heads(self, path: Path | None) -> list[dict[str, Any]]:
        file: Path = path or settings.AUDIT_HEADS_FILE
        if not file.exists():
            if path:
                raise CommandError(f"There is no file {path}.", returncode=MISUSE)
            self.stderr.write(f"There is no head at {file}: a tail that was cut off would not be noticed.")
            return []
        try:
            return read_heads(file)
        except (HeadError, OSError) as error:
            raise CommandError(str(error), returncode=MISUSE) from None

    def _progress(self, events: int) -> None:
        self.stderr.write(f"{events:,} events …")

    def _note(self, report: Report, since: datetime | None, seconds: float) -> None:
        try:
            with as_relay(EVENT_STORE):
                Verification.objects.using(EVENT_STORE).create(
                    created=timezone.now(),
                    seconds=round(seconds, 3),
                    since=since,
                    events=report.events,
                    blocks=report.blocks,
                    findings=report.told(),
                    head=report.head,
                )
        except ImproperlyConfigured as error:
            self.stderr.write(f"The console will not show this run. {error}")

    def _tell(self, report: Report, seconds: float, *, as_json: bool) -> None:
        if as_json:
            facts = {"events": report.events, "blocks": report.blocks, "findings": report.told()}
            self.stdout.write(json.dumps(facts))
            return
        for finding in report.told():
            self.stdout.write(f"{finding['kind']}: {finding['text']}")
        words = f"{len(report.findings) + report.unsaid} findings" if report.findings else "All is as it was sealed"
        self.stdout.write(f"{report.events:,} events in {report.blocks:,} blocks, {seconds:.1f} s. {words}.")


def moment_of(text: str | None) -> datetime | None:
    """Read a date or a moment; without a zone it is UTC."""
    if text is None:
        return None
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(
            f"--since {text} is no date and no moment, such as 2026-11-01 or 2026-11-01T08:00.", returncode=MISUSE
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)
