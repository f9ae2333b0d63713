"""Import postings from a file: every row through the ledger, what is refused reported with its line.

The console shows the run while it lasts: `imports.command_run`.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.databases import EVENT_STORE
from backoffice.models import User
from imports.command_run import kept, opened
from ledger.errors import LedgerError
from ledger.importing import FORMATS
from ledger.importing.runner import Import, Report
from ledger.importing.source import BadFile
from ledger.posting import LARGEST_BATCH
from ledger.progress import Progress

DEFAULT_IMPORTER = "importer"
MISUSE = 2


class Command(BaseCommand):
    """Survey the file, open accounts that are missing, post, report."""

    help = (
        "Post the rows of a file in their order; customers and accounts that are missing are made on the way. The same "
        "file again posts nothing new, and an interrupted import, run again, goes on where it stopped. Rows that are "
        "refused are reported with line, code and sentence, and do not hinder the others. Exit status: 0 when every row "
        "was posted or reported, 1 when the ledger stopped the import, 2 when the file or the options cannot be used "
        "(nothing is posted then)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare file, format and the usual options."""
        parser.add_argument(
            "file", type=Path, help="pkdd99: its folder holds account, client, disp and district.asc too"
        )
        parser.add_argument("--format", required=True, choices=sorted(FORMATS))
        parser.add_argument("--using", default="default", choices=[a for a in settings.DATABASES if a != EVENT_STORE])
        parser.add_argument(
            "--by", metavar="USERNAME", help=f"who posts; without it {DEFAULT_IMPORTER}, made if missing"
        )
        parser.add_argument("--batch", type=int, default=1_000, help="rows in a transaction (default 1000)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        """Import and print what became of the rows."""
        if not 1 <= options["batch"] <= LARGEST_BATCH:
            raise CommandError(f"--batch is a number from 1 to {LARGEST_BATCH:,}.", returncode=MISUSE)
        try:
            report = self._import(options)
        except BadFile as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        except LedgerError as error:
            raise CommandError(f"The import stopped: {error} Run it again to go on.", returncode=1) from None
        self._print(report, as_json=options["json"])

    def _import(self, options: dict[str, Any]) -> Report:
        source = FORMATS[options["format"]](options["file"])
        survey = source.survey()
        by = self._person(options["by"], options["using"])
        progress = Progress(self.stderr, survey.rows, "rows")
        with kept(opened(options["file"], options["format"], survey.rows, by=by), using=options["using"]) as note:

            def advance(number: int, so_far: Report) -> None:
                progress.advance(number)
                note(so_far)

            run = Import(source=source, by=by, using=options["using"], batch=options["batch"], advance=advance)
            report = run.run(survey.customers)
        progress.finish()
        return report

    @staticmethod
    def _person(username: str | None, using: str) -> User:
        """Return who posts: somebody named must exist, the importer is made."""
        people = User.objects.using(using)
        if person := people.filter(username=username or DEFAULT_IMPORTER, is_active=True).first():
            return person
        if username or User.all_objects_including_void().using(using).filter(username=DEFAULT_IMPORTER).exists():
            raise CommandError(
                f"There is no active user {username or DEFAULT_IMPORTER}: name one with --by.", returncode=MISUSE
            )
        return people.create(username=DEFAULT_IMPORTER, password=make_password(None), is_staff=True)

    def _print(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            refused = [row._asdict() for row in report.refused]
            self.stdout.write(json.dumps({**asdict(report), "refused": refused}, ensure_ascii=False))
            return
        for line, code, text in report.refused:
            self.stdout.write(f"line {line}: {code}: {text}")
        self.stdout.write(
            f"{report.accepted:,} posted, {report.already_posted:,} posted before, {len(report.refused):,} refused."
        )
