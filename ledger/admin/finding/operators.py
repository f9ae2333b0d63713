"""The operators of a search, `status:frozen` or `balance:>1000`: what each takes, and how what was understood is told.

An operator about the account narrows actions by their account, one about actions narrows accounts by what happened on them.
Names of entities and colleagues are looked up when the search is made (`ledger.admin.finding.searching`). No queries here.
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from babel.core import get_global
from django.db.models import Choices, Q

from backoffice.days import DAY, midnight
from backoffice.said import written
from ledger.admin.finding.values import NoDateError, period_of, readings
from ledger.admin.periods import Period
from ledger.choices import ActionType, Status

ACCOUNT, ACTION = "account", "action"
COMPARED = re.compile(r"(>=|<=|>|<|=|)\s*(.+)")
LOOKUPS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
SAID = {">": "over ", ">=": "at least ", "<": "under ", "<=": "at most "}
DEEDS = {
    "withdrawal": "withdrawn",
    "withdrawals": "withdrawn",
    "reversal": "reversed",
    "reversals": "reversed",
}  # as files say
BETWEEN = re.compile(r"(.+?)\s*\.\.\s*(.+)")  # `100..200`, both ends too
Where = Callable[[str], Q]


class OperatorError(ValueError):
    """An operator or its value that is not understood; the sentence says what there is."""


class Term(NamedTuple):
    """What one operator asks for: in words, about what, and the condition on rows that a prefix leads to.

    `indexed` says that an index of accounts serves the condition; `since` and `until` are its ends in business time.
    """

    name: str
    said: str
    about: str
    where: Where
    indexed: bool = False
    since: datetime | None = None
    until: datetime | None = None


class Operator(NamedTuple):
    """How the value of an operator is read. `read` raises OperatorError; without it, the value is looked up."""

    name: str
    about: str
    example: str
    help: str
    read: Callable[[str], Term] | None = None


def _choices(choices: type[Choices], text: str) -> list[Choices]:
    """Return the choices that a text means by how their value or a word of their label begins."""
    wanted = text.strip().lower().replace("_", " ")
    meant = [one for one in choices if wanted in {str(one.value).replace("_", " "), str(one.label).lower()}]
    return meant or [one for one in choices if wanted and f" {one.label} {one.value}".lower().find(f" {wanted}") >= 0]


def _status(text: str) -> Term:
    meant = _choices(Status, text)
    if not meant:
        raise OperatorError(f"There is no status “{text}”. There are: {_listed(Status.values)}.")
    said, values = " or ".join(str(one.label).lower() for one in meant), [one.value for one in meant]
    rare = Status.OPEN not in values
    return Term("status", f"The account is {said}", ACCOUNT, lambda prefix: Q(**{f"{prefix}status__in": values}), rare)


def _type(text: str) -> Term:
    meant = _choices(ActionType, DEEDS.get(text.strip().lower(), text))
    if not meant:
        raise OperatorError(f"There is no type “{text}”. There are: {_listed(ActionType.values)}.")
    said, values = " or ".join(str(one.label) for one in meant), [one.value for one in meant]
    return Term("type", f"Type: {said}", ACTION, lambda prefix: Q(**{f"{prefix}type__in": values}))


def currency(text: str) -> Term:
    """Return the term for an ISO 4217 code. Raises OperatorError."""
    code = text.strip().upper()
    if not is_currency(code):
        raise OperatorError(f"“{text}” is no currency: write its three letters, such as currency:CZK.")
    return Term("currency", f"In {code}", ACCOUNT, lambda prefix: Q(**{f"{prefix}currency": code}))


def is_currency(code: str) -> bool:
    """Say whether this is the code of a currency."""
    return code in get_global("all_currencies")


def _money(name: str, called: str, text: str) -> Term:
    if ends := _ends(name, text):
        said = f"{called} {written(ends[0], '')} to {written(ends[1], '')}"
        return Term(name, said, ACCOUNT, lambda prefix: Q(**{f"{prefix}{name}__range": ends}))
    sign, amounts = _compared(name, text)
    if sign in {"", "="}:
        return Term(name, f"{called} {_either(amounts)}", ACCOUNT, lambda prefix: Q(**{f"{prefix}{name}__in": amounts}))
    amount = amounts[0]  # nobody compares with three decimals: `>1,000` is a thousand
    said = f"{called} {SAID[sign]}{written(amount, '')}"
    return Term(name, said, ACCOUNT, lambda prefix: Q(**{f"{prefix}{name}__{LOOKUPS[sign]}": amount}))


def amount(text: str) -> Term:
    """Return the term for what an action added, took or held; with a sign, for one of the first two. Raises OperatorError."""
    if ends := _ends("amount", text):
        least, most = ends
        said = f"Amount {written(least, '')} to {written(most, '')}"
        return Term("amount", said, ACTION, lambda prefix: _beyond(prefix, ">=", least) & _beyond(prefix, "<=", most))
    sign, amounts = _compared("amount", text)
    if sign not in {"", "="}:
        least = amounts[0]
        said = f"Amount {SAID[sign]}{written(least, '')}"
        return Term("amount", said, ACTION, lambda prefix: _beyond(prefix, sign, least))
    typed = text.strip().lstrip("=").strip()
    if typed.startswith(("+", "-")):
        said = f"{'Added' if typed[0] == '+' else 'Taken'}: {_either([abs(one) for one in amounts])}"
        return Term("amount", said, ACTION, lambda prefix: Q(**{f"{prefix}delta__in": amounts}))
    either = [*amounts, *(-one for one in amounts)]
    return Term("amount", f"Amount {_either(amounts)}", ACTION, lambda prefix: _moved(prefix, either))


def _moved(prefix: str, amounts: list[Decimal]) -> Q:
    return Q(**{f"{prefix}delta__in": amounts}) | Q(**{f"{prefix}delta": 0, f"{prefix}held_delta__in": amounts})


def _beyond(prefix: str, sign: str, amount: Decimal) -> Q:
    """Return the condition on how much was moved, in whichever direction."""
    lookup = LOOKUPS[sign]
    if sign[0] == ">":
        opposite = LOOKUPS[sign.replace(">", "<")]
        return Q(**{f"{prefix}delta__{lookup}": amount}) | Q(**{f"{prefix}delta__{opposite}": -amount})
    opposite = LOOKUPS[sign.replace("<", ">")]
    return Q(**{f"{prefix}delta__{lookup}": amount, f"{prefix}delta__{opposite}": -amount}) & ~Q(
        **{f"{prefix}delta": 0}
    )


def _ends(name: str, text: str) -> tuple[Decimal, Decimal] | None:
    """Return both ends of `100..200`, or nothing where it is none. Raises OperatorError."""
    match = BETWEEN.fullmatch(text.strip())
    if match is None:
        return None
    least, most = (_compared(name, end)[1][0] for end in match.groups())
    if least > most:
        raise OperatorError(f"“{text}” begins above its end: write {name}:100..200.")
    return least, most


def _compared(name: str, text: str) -> tuple[str, list[Decimal]]:
    match = COMPARED.fullmatch(text.strip())
    amounts = readings(match[2]) if match else []
    if not match or not amounts:
        raise OperatorError(
            f"“{text}” is no amount: write {name}:1234.50, {name}:>1000, {name}:<=1000 or {name}:100..200."
        )
    return match[1], amounts


def _either(amounts: list[Decimal]) -> str:
    return " or ".join(written(one, "") for one in amounts)


def _since(text: str) -> Term:
    first = _period("since", text).first
    since = midnight(first)
    said = f"Happened since {first.day} {first:%b %Y}"
    return Term("since", said, ACTION, lambda prefix: Q(**{f"{prefix}created__gte": since}), since=since)


def _until(text: str) -> Term:
    last = _period("until", text).last
    until = midnight(last + DAY)
    said = f"Happened until {last.day} {last:%b %Y}, that day too"
    return Term("until", said, ACTION, lambda prefix: Q(**{f"{prefix}created__lt": until}), until=until)


def on(period: Period) -> Term:
    """Return the term for what happened within these days."""
    since, until = midnight(period.first), midnight(period.last + DAY)
    said = f"Happened {'on' if period.first == period.last else 'in'} {period.label}"
    where = lambda prefix: Q(**{f"{prefix}created__gte": since, f"{prefix}created__lt": until})  # noqa: E731
    return Term("on", said, ACTION, where, since=since, until=until)


def _period(name: str, text: str) -> Period:
    try:
        period = period_of(text)
    except NoDateError as error:
        raise OperatorError(str(error)) from error
    if period is None:
        raise OperatorError(f"“{text}” is no date: write {name}:2026-01-31, {name}:31.01.2026 or {name}:2026-01.")
    return period


def _listed(names: list[str]) -> str:
    return ", ".join(names)


ALL = [
    Operator("status", ACCOUNT, "status:frozen", "The account's status: open, frozen or closed.", _status),
    Operator("entity", ACCOUNT, "entity:CODE", "The entity by its short name or how its name begins, with those below it."),
    Operator("currency", ACCOUNT, "currency:CZK", "The currency by its three letters.", currency),
    Operator("balance", ACCOUNT, "balance:>1000", "The balance as it is now.", lambda text: _money("balance", "Balance", text)),
    Operator("held", ACCOUNT, "held:>0", "What pending holds keep.", lambda text: _money("held", "Held", text)),
    Operator("type", ACTION, "type:deposited", "What kind of action it is.", _type),
    Operator("by", ACTION, "by:agent", "Who did it: a user name, how a colleague's name begins, or me."),
    Operator("amount", ACTION, "amount:1,234.50", "What was added, taken or held; with + or -, one of the two.", amount),
    Operator("since", ACTION, "since:2026-01", "What happened from this day, month or year on.", _since),
    Operator("until", ACTION, "until:31.01.2026", "What happened until this day, month or year, the last day too.", _until),
]  # fmt: skip
BY_NAME = {operator.name: operator for operator in ALL}
