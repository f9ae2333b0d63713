"""Verify the ledger: recompute every account from its actions and name what does not agree."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from audit.record import record
from backoffice.databases import EVENT_STORE
from backoffice.scope import acting
from ledger.money import written
from ledger.verification import Finding, Verdict, plain, verify

FINDINGS = 1


class Command(BaseCommand):
    """Print what was counted and what was found."""

    help = (
        "Recompute every account from its actions: sums, running balances, versions, statuses, references, caps. Reads "
        "one snapshot, locks nothing, and records that it was done. Exit status: 0 when everything agrees, 1 when "
        "something does not, 2 on misuse."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the usual options."""
        parser.add_argument("--using", default="default", choices=[a for a in settings.DATABASES if a != EVENT_STORE])
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        """Verify, print, and exit with 1 if there is a finding."""
        verdict = verify(options["using"])
        self.stdout.write(as_json(verdict) if options["json"] else as_text(verdict))
        self.stdout.flush()
        note(verdict, options["using"])
        if verdict.findings:
            raise SystemExit(FINDINGS)


def note(verdict: Verdict, using: str) -> None:
    """Record that the ledger was verified, as an event: the start page tells when that was."""
    about = {"accounts": verdict.accounts, "actions": verdict.actions, "findings": len(verdict.findings)}
    with acting(actor=None, request_id="ledger_verify", using=using):
        record("books.verified", data=about, using=using)


def as_json(verdict: Verdict) -> str:
    """Return the verdict for machines."""
    return json.dumps(
        {
            "accounts": verdict.accounts,
            "actions": verdict.actions,
            "totals": {currency: plain(total, currency) for currency, total in verdict.totals.items()},
            "findings": [finding._asdict() for finding in verdict.findings],
        },
        default=str,
        ensure_ascii=False,
    )


def as_text(verdict: Verdict) -> str:
    """Return the verdict for people."""
    totals = ", ".join(written(total, currency) for currency, total in verdict.totals.items()) or "no balances"
    counted = f"{verdict.accounts:,} accounts, {verdict.actions:,} actions, {totals}."
    if not verdict.findings:
        return f"{counted}\nEverything agrees."
    number = len(verdict.findings)
    return "\n".join([*map(_line, verdict.findings), counted, f"{number:,} finding{'s' * (number > 1)}."])


def _line(finding: Finding) -> str:
    subject = f"account {finding.account or 'unknown'}" if finding.account or finding.action else "currency"
    action = f", action {finding.action}" if finding.action else ""
    return f"{subject}{action}: {finding.rule}: {finding.text}"
