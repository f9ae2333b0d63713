"""Amounts as people type them, with or without thousands separators, in the language that is active.

A space or an apostrophe separates thousands in every language, a point or a comma as the language has it: in English
`1,000.00`, `1'000.00` and `1 000.00`, in Czech `1 000,00` and `1.000,00`. What this language does not write and the other way
of writing reads in one way only is taken too: `12,50` and `1.000,00` in English. What can be read as two amounts is refused and
never guessed: a single mark before three digits is a thousand to one person and a decimal to another, unless the currency says
which. The code of the amount's own currency may stand before or behind it, as the console writes it, or its symbol, as banks do.
"""

import re
from decimal import Decimal
from typing import Any

from babel.core import get_global
from babel.numbers import format_decimal
from django import forms
from django.core.exceptions import ValidationError

from backoffice.said import active_locale, exponent

GROUP = 3  # digits between two thousands separators
SPACES = re.compile(r"\s", re.UNICODE)  # the narrow and the unbroken ones too
APOSTROPHES = str.maketrans("\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}", "''")
SYMBOLS = {  # in small letters; what several currencies share stands for the one that is mostly meant
    "kč": "CZK",
    "€": "EUR",
    "£": "GBP",
    "zł": "PLN",
    "ft": "HUF",
    "fr.": "CHF",
    "fr": "CHF",
    "¥": "JPY",
    "￥": "JPY",
    "$": "USD",
}
BESIDE = f"[A-Za-z]{{3}}|{'|'.join(map(re.escape, SYMBOLS))}"
CODED = re.compile(rf"(?P<before>{BESIDE})?(?P<number>[^A-Za-z]+?)(?P<behind>{BESIDE})?", re.IGNORECASE)
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
            raise ValidationError(f"Write the amount as a number, such as {example(places)}.")
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
    decimals = 2 if places is None else places
    few = GROUP + 1 if small != round(small, decimals) else decimals
    return f"{typed} can be read as two amounts: write {thousands}, or {written(small, few)}."


def example(places: int | None) -> str:
    """Return an amount that a currency of so many decimals can have."""
    return written(Decimal("1234.5") if places != 0 else Decimal(1234), 2 if places is None else places)


def without_code(text: str, currency: str) -> str:
    """Return what was typed without the code or the symbol of the amount's currency.

    Raises:
        ValidationError: it has that of another.
    """
    found = CODED.fullmatch(text.strip())
    beside = [name for name in found.group("before", "behind") if name] if found else []
    codes = [SYMBOLS.get(name.lower(), name.upper()) for name in beside]
    if found and codes == [currency]:
        return found["number"]
    if len(codes) == 1 and codes[0] in get_global("all_currencies"):
        amount = example(exponent(currency))
        raise ValidationError(
            f"The amount is in {currency}, not in {codes[0]}: write it in {currency}, such as {amount}."
        )
    return text


def written(amount: Decimal, decimals: int) -> str:
    """Return an amount as this language writes it, in a way that is read back as the same."""
    return format_decimal(amount, f"0.{'0' * decimals}".rstrip("."), active_locale())


class AmountField(forms.CharField):
    """An amount in the one currency of a form; empty where the form chooses it."""

    # Not `off`: that would have the browser forget the amount alone when somebody goes back from a preview.
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "transaction-amount", "class": "amount"})
    currency = ""

    def clean(self, value: Any) -> Decimal | None:
        """Return the number, None where nothing has to be typed; what is none gets a sentence."""
        typed = str(super().clean(value))
        if not typed and not self.required:
            return None
        if not self.currency:
            return amount_of(typed)
        return amount_of(without_code(typed, self.currency), exponent(self.currency))
