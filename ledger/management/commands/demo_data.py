"""Make demo data: a bank's entities, staff, customers and two years of their movements."""

import json
from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum
from django.utils import timezone

from backoffice.databases import EVENT_STORE
from backoffice.scope import acting
from ledger.demo.load import Demo
from ledger.demo.people import first_uid
from ledger.demo.staff import LOGINS, ensure_staff, is_for_others
from ledger.demo.today import live_today
from ledger.errors import LedgerError
from ledger.models import Account, Action
from ledger.money import written
from ledger.progress import Progress
from ledger.verification import plain

MISUSE = 2
NOT_HERE = (
    "People work in this database whom the demo did not make: its logins, whose password is known, are for the embedded server, "
    "for a database that is empty, and for one that holds the demo."
)


class Command(BaseCommand):
    """Check the arguments, make staff, then everything else in one transaction."""

    help = (
        "Load a believable bank, the same for the same arguments: entities, staff, customers and two years of movements. "
        "All or nothing: an interrupted load leaves only the logins. Exit status: 0 when it is there, 2 on misuse."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how much, and the usual options."""
        parser.add_argument("--customers", type=int, default=2_000, help="each with one account (default 2000)")
        parser.add_argument("--actions", type=int, default=40_000, help="of all accounts, openings too (default 40000)")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--until", metavar="YYYY-MM-DD", help="the movements end before this day (default today, in UTC)"
        )
        parser.add_argument("--if-empty", action="store_true", help="make only the logins where there are accounts")
        parser.add_argument(
            "--today", action="store_true", help="let a day like those of the last weeks happen today, until now"
        )
        parser.add_argument("--using", default="default", choices=[a for a in settings.DATABASES if a != EVENT_STORE])
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        """Load, and print what is there now."""
        demo = self._demo(options)
        accounts = Account.objects.using(demo.using)
        with acting(actor=None, request_id="demo_data", using=demo.using):
            if is_for_others(demo.using):
                raise CommandError(NOT_HERE, returncode=MISUSE)
            is_there, is_empty = accounts.filter(uid=first_uid(demo.seed)).exists(), not accounts.exists()
        if not options["if_empty"] and is_there:
            raise CommandError(
                f"The ledger holds the data of seed {demo.seed} already: take another --seed.", returncode=MISUSE
            )
        staff = ensure_staff(demo.using)
        if is_empty or not options["if_empty"]:
            progress = Progress(self.stderr, demo.actions, "actions")
            try:
                demo.load(staff, progress.advance)
            except LedgerError as error:
                raise CommandError(f"The ledger refuses the demo's data: {error}", returncode=MISUSE) from None
            progress.finish()
        if options["today"]:
            live_today(demo.using)
        with acting(actor=None, request_id="demo_data", using=demo.using):
            self._print(demo.using, as_json=options["json"], names_logins=options["verbosity"] > 0)

    @staticmethod
    def _demo(options: dict[str, Any]) -> Demo:
        """Return what to make. Raises CommandError on arguments that cannot be."""
        if settings.PRODUCTION:
            raise CommandError(
                "Demo data has known logins: it is not for BACKOFFICE_MODE=production.", returncode=MISUSE
            )
        if not 1 <= options["customers"] <= options["actions"]:
            raise CommandError(
                "--customers is at least 1, and --actions at least that: an account's opening is one.",
                returncode=MISUSE,
            )
        today = timezone.now().astimezone(UTC).date()
        try:
            until = date.fromisoformat(options["until"]) if options["until"] else today
        except ValueError:
            raise CommandError(
                f"--until is {options['until']}: write a day as YYYY-MM-DD.", returncode=MISUSE
            ) from None
        if not date(1975, 1, 1) <= until <= today:
            raise CommandError("--until is a day from 1975 to today: nothing is posted ahead.", returncode=MISUSE)
        end = datetime.combine(until, time(), UTC)
        return Demo(
            customers=options["customers"],
            actions=options["actions"],
            seed=options["seed"],
            end=end,
            using=options["using"],
        )

    def _print(self, using: str, *, as_json: bool, names_logins: bool) -> None:
        """Print what the ledger holds now, which with --if-empty may be more or less than was asked for."""
        accounts = Account.objects.using(using)
        numbers = {"accounts": accounts.count(), "actions": Action.objects.using(using).count()}
        sums = accounts.order_by("currency").values_list("currency").annotate(total=Sum("balance"))
        logins = [login.username for login in LOGINS]
        if as_json:
            totals = {currency: plain(total, currency) for currency, total in sums}
            self.stdout.write(json.dumps({**numbers, "totals": totals, "logins": logins}))
            return
        totals_written = ", ".join(written(total, currency) for currency, total in sums)
        self.stdout.write(f"{numbers['accounts']:,} accounts, {numbers['actions']:,} actions, {totals_written}.")
        if names_logins:
            where = "DEMO_PASSWORD" if settings.DEMO_PASSWORD else settings.BACKOFFICE_DATA / "demo_password"
            self.stdout.write(f"Logins: {', '.join(logins)}; their password is in {where}.")
