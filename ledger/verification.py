"""Recomputing the whole ledger from its record, and what is found where a rule of `verification_rules` does not hold.

One pass over the actions in the order of their accounts checks each action against the one before it and, at the last
one, the account against its record; small queries check references and caps. Nothing is written and no lock is taken: one
repeatable-read snapshot, so that postings under way give no false findings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction

from backoffice.scope import acting
from ledger.money import exponent, written
from ledger.verification_rules import CHAIN, CHECKS, REFERENCE, Check

if TYPE_CHECKING:
    from ledger.models import Account

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
MEMORY = "SET LOCAL work_mem = '256MB'"  # for the one sort by account and version
COUNTS = "SELECT (SELECT count(*) FROM ledger_account), (SELECT count(*) FROM ledger_action)"
TOTALS = "SELECT currency, sum(balance) FROM ledger_account GROUP BY 1 ORDER BY 1"
ONE = """
    WITH ledger_action AS (SELECT * FROM ledger_action WHERE account_id = {id}),
         ledger_account AS (SELECT * FROM ledger_account WHERE id = {id})
"""
CHAINS = (CHAIN, REFERENCE)  # the checks that speak of accounts and actions


class Finding(NamedTuple):
    """A rule that does not hold: of which account, at which action; a cap has neither."""

    account: UUID | None
    action: str | None
    rule: str
    text: str


@dataclass
class Verdict:
    """What was counted and what was found."""

    accounts: int = 0
    actions: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def verify(using: str = "default") -> Verdict:
    """Recompute every account of every entity from its actions, in a transaction of its own."""
    verdict = Verdict()
    with transaction.atomic(using=using, durable=True), connections[using].cursor() as cursor:
        cursor.execute(SNAPSHOT)
        cursor.execute(MEMORY)
        with acting(actor=None, request_id="ledger_verify", using=using):
            cursor.execute(COUNTS)
            [(verdict.accounts, verdict.actions)] = cursor.fetchall()
            cursor.execute(TOTALS)
            verdict.totals = dict(cursor.fetchall())
            for check in CHECKS:
                verdict.findings += _findings(check, using)
    return verdict


def verify_account(account: "Account", using: str = "default") -> list[Finding]:
    """Recompute one account from its actions, by the rules for all of them; caps are left out.

    The names of the tables stand for the account's own rows, so the checks are the same text.
    """
    rows = ONE.format(id=int(account.pk))
    return [finding for check in CHAINS for finding in _findings(check._replace(query=rows + check.query), using)]


def plain(amount: Decimal, currency: str) -> str:
    """Return an amount with the decimals of its currency, for machines."""
    return f"{amount:.{exponent(currency)}f}"


def _findings(check: Check, using: str) -> Iterator[Finding]:
    with connections[
        using
    ].cursor() as cursor:  # not a server-side one: PostgreSQL reads in parallel only for a whole result
        cursor.execute(check.query)
        columns = [column.name for column in cursor.description]
        for row in cursor:
            yield from _of_row(dict(zip(columns, row, strict=True)), check)


def _of_row(facts: dict[str, Any], check: Check) -> Iterator[Finding]:
    said = {name: _said(fact, facts["currency"]) for name, fact in facts.items()}
    for code in facts["broken"]:
        rule = check.rules[code]
        action = None if rule.of_account else facts["reference"]
        yield Finding(facts["uid"], action, code, rule.text.format(**said))


def _said(fact: Any, currency: str) -> Any:
    """Return a fact as people read it; an amount that its currency cannot express is shown in full."""
    if isinstance(fact, datetime):
        return f"{fact:%Y-%m-%d %H:%M:%S.%f} UTC"
    if not isinstance(fact, Decimal):
        return fact
    return written(fact, currency) if fact == round(fact, exponent(currency)) else f"{currency} {fact}"
