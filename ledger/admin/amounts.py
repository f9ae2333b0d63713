"""Amounts as people type them, with or without thousands separators, in the language that is active.

A space or an apostrophe separates thousands in every language, a point or a comma as the language has it: in English
`1,000.00`, `1'000.00` and `1 000.00`, in Czech `1 000,00` and `1.000,00`. What this language does not write and the other way
of writing reads in one way only is taken too: `12,50` and `1.000,00` in English. What can be read as two amounts is refused and
never guessed: a single mark before three digits is a thousand to one person and a decimal to another, unless the currency says
which.
"""

import re
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from django import forms
from django.core.exceptions import ValidationError

from backoffice.said import active_locale

GROUP = 3  # digits between two thousands separators
SPACES = re.compile(r"\s", re.UNICODE)  # the narrow and the unbroken ones too
APOSTROPHES = str.maketrans("\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}", "''")
AMOUNTS = {  # by the decimal mark; forty digits are more than any account holds
    mark: re.compile(
        rf"(?P<sign>-?)(?P<whole>[1-9][0-9]{{0,2}}(?P<between>[ '{other}])[0-9]{{3}}(?:(?P=between)[0-9]{{3}}){{0,12}}|[0-9]{{1,40}})"
        rf"(?:[{mark}](?P<part>[0-9]{{1,40}}))?"
    )
    for mark, other in ((".", ","), (",", "."))
}


def amount_of(text: str, places: int | None = None) -> Decimal:
    """Return the amount that was typed; `places` are the decimals of its currency, where that is known.

    Raises:
        ValidationError: it is none, or it can be read as two amounts; the sentence says how to write it.
    """
    typed = SPACES.sub(" ", text.strip()).translate(APOSTROPHES)
    mark, other = marks()
    found = AMOUNTS[mark].fullmatch(typed)
    if not found:
        mark, other = other, mark
        found = AMOUNTS[mark].fullmatch(typed)
        if not found or len(found["part"] or "") >= GROUP:
            raise ValidationError(f"Write the amount as a number, such as {written(Decimal('1234.5'), 2)}.")
    between, part, digits = found["between"], found["part"], re.sub("[^0-9]", "", found["whole"])
    grouped = between == other and part is None and len(digits) <= 2 * GROUP
    pointed = part and len(part) == GROUP and not between and len(digits) <= GROUP and digits[0] != "0"
    if (grouped and (places is None or places >= GROUP)) or (pointed and (places is None or places < GROUP)):
        raise ValidationError(_either_or(Decimal(digits + (part or "")), typed, places))
    return Decimal(f"{found['sign']}{digits}{'.' + part if part else ''}")


def marks() -> tuple[str, str]:
    """Return the decimal mark of the active language, and the one of point and comma that it is not."""
    mark = active_locale().number_symbols["latn"]["decimal"]
    return (",", ".") if mark == "," else (".", ",")


def _either_or(thousands: Decimal, typed: str, places: int | None) -> str:
    small = thousands.scaleb(-GROUP)
    if places is not None and places < GROUP and small != round(small, places):
        return f"{typed} has more decimals than the currency, or means {thousands}: write that without separators."
    decimals = 2 if places is None or places >= GROUP else places
    few = GROUP + 1 if small != round(small, decimals) else decimals
    return f"{typed} can be read as two amounts: write {thousands}, or {written(small, few)}."


def written(amount: Decimal, decimals: int) -> str:
    """Return an amount as this language writes it, in a way that is read back as the same."""
    return format_decimal(amount, f"0.{'0' * decimals}".rstrip("."), active_locale())


class AmountField(forms.CharField):
    """An amount in the one currency of a form, whose decimals are `places`; None where the form chooses it."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "amount"})
    places: int | None = None

    def clean(self, value: Any) -> Decimal | None:
        """Return the number, None where nothing has to be typed; what is none gets a sentence."""
        typed = str(super().clean(value))
        return amount_of(typed, self.places) if typed or self.required else None
