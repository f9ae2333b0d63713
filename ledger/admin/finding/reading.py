"""What was typed into a search, taken apart by its shape: ids, operators, dates, amounts, and the words that are left.

What stands in quotation marks is taken as it is. A number without separators is first looked for as what it may be called by,
a customer number or a bank's reference; `numbers=True` reads it as an amount. No queries.
"""

import re
from dataclasses import dataclass, field
from uuid import UUID

from ledger.admin.finding.operators import (
    ALL,
    BY_NAME,
    Operator,
    OperatorError,
    Term,
    amount,
    currency,
    is_currency,
    on,
)
from ledger.admin.finding.values import NOTHING_BEFORE, NOTHING_BEHIND, NoDateError, periods_in, readings
from ledger.reference import recognised

LONGEST = 400  # characters; what is longer is no search of a person's
SPACED = re.compile(rf"\b((?:{'|'.join(BY_NAME)}):)\s*([<>=]*)\s+(?=\S)", re.IGNORECASE)
OPERATOR = re.compile(r'(?<!\S)([A-Za-z]+):("[^"]*"|[^\s"]\S*|)(?=\s|$)')
QUOTED = re.compile(r'"([^"]*)"')
NUMBER = r"(?:[0-9]{1,3}(?:[ '.,\u00a0\u202f\u2019][0-9]{3})+(?:[.,][0-9]{1,4})?|[0-9]+[.,][0-9]{1,4})"
AMOUNT = re.compile(  # beside the code of a currency every number is one
    rf"{NOTHING_BEFORE}(?:(?P<code>[A-Z]{{3}}) ?(?P<behind>[+-]?(?:{NUMBER}|[0-9]+))"
    rf"|(?P<before>[+-]?(?:{NUMBER}|[0-9]+)) ?(?P<unit>[A-Z]{{3}})|(?P<alone>[+-]?{NUMBER}|[+-][0-9]+)){NOTHING_BEHIND}"
)
# A telephone number, if anybody has it; else an amount.
PHONE = re.compile(r"(?=(?:[^0-9]*[0-9]){9,15}[^0-9]*$)(?:\+[0-9 ()./-]+|[0-9 ]+)")
PLAIN = re.compile(rf"{NOTHING_BEFORE}[0-9]{{1,9}}{NOTHING_BEHIND}")


@dataclass
class Typed:
    """What was typed: `reference` or `uid`, or `words`, narrowed by `terms`; `looked_up` are operators with a value to find."""

    text: str
    reference: str | None = None
    uid: UUID | None = None
    words: str = ""
    terms: list[Term] = field(default_factory=list)
    looked_up: list[tuple[Operator, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether nothing but words or an id was typed."""
        return not (self.terms or self.looked_up or self.problems)

    @property
    def has_number(self) -> bool:
        """Whether one of the words is a number that could be an amount."""
        return bool(PLAIN.search(self.words) or PHONE.fullmatch(self.words))


def read(text: str, *, numbers: bool = False) -> Typed:
    """Take apart what was typed."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        return Typed(text, problems=[f"That is longer than {LONGEST} characters: look for less of it."])
    typed = Typed(text, reference=recognised(text), uid=_uid(text))
    if typed.reference or typed.uid:
        return typed
    if PHONE.fullmatch(text) and not numbers:
        typed.words = text
        return typed
    rest = OPERATOR.sub(
        lambda match: _operator(typed, match[1].lower(), match[2].strip('" ')), SPACED.sub(r"\1\2", text)
    )
    quoted = QUOTED.findall(rest)
    rest = _dates(typed, QUOTED.sub(" ", rest))
    rest = AMOUNT.sub(lambda match: _amount(typed, match), rest)
    if numbers:
        rest = PLAIN.sub(lambda match: _kept(typed, amount(match[0])), rest)
    typed.words = " ".join(" ".join([*quoted, rest]).split())
    if typed.terms or typed.looked_up:
        typed.reference, typed.uid = recognised(typed.words), _uid(typed.words)
    return typed


def _operator(typed: Typed, name: str, value: str) -> str:
    operator = BY_NAME.get(name)
    if operator is None:
        there = ", ".join(one.name for one in ALL)
        typed.problems.append(
            f"There is no operator “{name}:”. There are {there}. Put it in quotation marks to look for it as it stands."
        )
    elif not value:
        typed.problems.append(f"Say what {name}: is to be, such as {operator.example}.")
    elif operator.read is None:
        typed.looked_up.append((operator, value))
    else:
        try:
            typed.terms.append(operator.read(value))
        except OperatorError as error:
            typed.problems.append(str(error))
    return " "


def _dates(typed: Typed, text: str) -> str:
    try:
        periods, rest = periods_in(text)
    except NoDateError as error:
        typed.problems.append(str(error))
        return ""
    typed.terms += [on(period) for period in periods]
    return rest


def _amount(typed: Typed, match: re.Match[str]) -> str:
    """Keep an amount with the code of a currency beside it; what can be none stays a word."""
    number = match["behind"] or match["before"] or match["alone"]
    code = match["code"] or match["unit"]
    if not readings(number) or (code and not is_currency(code)):
        return match[0]
    if code:
        _kept(typed, currency(code))
    return _kept(typed, amount(number))


def _kept(typed: Typed, term: Term) -> str:
    typed.terms.append(term)
    return " "


def _uid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
