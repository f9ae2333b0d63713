"""Prove that the event store holds what was sealed, and nothing else; exit 1 and name block and event where it does not."""

import base64
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audit.chain import canonical_json
from audit.exports import check_export
from audit.heads import read_heads
from audit.models import Alert, Verification
from audit.trusted import read_trusted
from audit.verification import Finding, Report, verify
from audit.verification.archive import SUFFIX, verify_archives
from audit.verification.trust import Trust
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
        parser.add_argument(
            "--archive",
            type=Path,
            nargs="+",
            help="check files of months instead, or all of a folder, with the store's seals",
        )
        parser.add_argument("--export", type=Path, help="check an export and its signature instead: ZIP, CSV or JSON")
        parser.add_argument(
            "--export-key", help="the public key that it must be signed with, in base64; else this site's"
        )

    def handle(self, **options: Any) -> None:
        started = time.monotonic()
        about: dict[str, Any] | None = None
        if options["export"]:
            report, about = self._export(options["export"], options["export_key"])
        else:
            since = moment_of(options["since"])
            trust, found = self._trust(options["keys"], options["head"])
            if options["archive"]:
                report = self._archives(files_of(options["archive"]), trust, found)
            else:
                report = self._verify(trust, since, found)
        self._tell(report, time.monotonic() - started, about, as_json=options["json"])
        if report.findings:
            sys.exit(1)

    def _export(self, path: Path, key: str | None) -> tuple[Report, dict[str, Any]]:
        """Check an export; return what its signature tells of it too, if that is to be believed."""
        report = Report()
        if not path.is_file():
            raise CommandError(f"There is no file {path}.", returncode=MISUSE)
        try:
            trusted = base64.b64decode(key, validate=True) if key else None
            troubles, about = check_export(path, trusted=trusted)
        except (ImproperlyConfigured, ValueError) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        report.add(Finding(None, None, "export", text) for text in troubles)
        return report, about

    def _trust(self, keys: Path | None, head: Path | None) -> tuple[Trust, list[Finding]]:
        """Read what is trusted; lines that cannot be read are findings."""
        for path in (keys, head):
            if path and not path.exists():
                raise CommandError(f"There is no file {path}.", returncode=MISUSE)
        trusted, troubles = read_trusted(keys or settings.AUDIT_TRUSTED_FILE)
        found = [Finding(None, None, "key", text) for text in troubles]
        file: Path = head or settings.AUDIT_HEADS_FILE
        if not file.exists():
            self.stderr.write(f"There is no head at {file}: a tail that was cut off would not be noticed.")
            return Trust(trusted), found
        heads, troubles = read_heads(file)
        return Trust(trusted, heads), found + [Finding(None, None, "head", text) for text in troubles]

    def _progress(self, events: int) -> None:
        self.stderr.write(f"{events:,} events …")

    def _verify(self, trust: Trust, since: datetime | None, found: list[Finding]) -> Report:
        """Verify the store, and note for the console what was found."""
        started = time.monotonic()
        try:
            with as_relay(EVENT_STORE):
                report = verify(trust, since=since, found=found, progress=self._progress)
                self._note(report, since, time.monotonic() - started)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        return report

    @staticmethod
    def _archives(files: list[Path], trust: Trust, found: list[Finding]) -> Report:
        """Verify files of months, and alert of what was found."""
        try:
            with as_relay(EVENT_STORE):
                report = verify_archives(files, trust, found=found)
                alert(report)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        return report

    @staticmethod
    def _note(report: Report, since: datetime | None, seconds: float) -> None:
        Verification.objects.using(EVENT_STORE).create(
            created=timezone.now(),
            seconds=round(seconds, 3),
            since=since,
            events=report.events,
            blocks=report.blocks,
            findings=report.told(),
            head=report.head,
        )
        alert(report)

    def _tell(self, report: Report, seconds: float, about: dict[str, Any] | None, *, as_json: bool) -> None:
        if as_json:
            looked_at = {"events": report.events, "blocks": report.blocks} if about is None else {"export": about}
            facts = {**looked_at, "findings": report.told()}
            self.stdout.write(json.dumps(facts))
            return
        for finding in report.told():
            self.stdout.write(f"{finding['kind']}: {finding['text']}")
        if about is not None:
            self.stdout.write(export_in_words(about) if about else "The export is not to be believed.")
            return
        words = f"{len(report.findings) + report.unsaid} findings" if report.findings else "All is as it was sealed"
        self.stdout.write(f"{report.events:,} events in {report.blocks:,} blocks, {seconds:.1f} s. {words}.")


def alert(report: Report) -> None:
    """Open an alert of what was found, once for the same findings; the service of alerts tells of it. As the relay."""
    if report.findings:
        told = report.told()
        number, first = len(report.findings) + report.unsaid, report.findings[0].text
        text = f"audit_verify found {number} that {'is' if number == 1 else 'are'} not as sealed. The first: {first}"
        key = sha256(canonical_json(told)).hexdigest()
        Alert.objects.using(EVENT_STORE).get_or_create(rule="verification", key=key, defaults={"text": text})


def export_in_words(about: dict[str, Any]) -> str:
    """Return what the signature of a genuine export tells of it."""
    searched = (
        " and ".join(f"{name} {value}" for name, value in dict(about.get("search") or {}).items()) or "everything"
    )
    return (
        f"{about.get('file')} is as it was made: {about.get('rows')} rows, by {about.get('by')} on {about.get('made')}, of a "
        f"search for {searched}; signed with the key {about.get('public_key')}."
    )


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return files, and those of folders."""
    found = [file for path in paths for file in (sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path])]
    for path in found:
        if not path.exists():
            raise CommandError(f"There is no file {path}.", returncode=MISUSE)
    if not found:
        raise CommandError(f"There is no archive in {paths[0]}.", returncode=MISUSE)
    return found


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
