"""Amounts and moments as staff read them. Facts about currencies and languages from CLDR through Babel.

An amount is written with the separators of the language that Django has active, as all other numbers on the page are; its
currency is the ISO code in front, in every language, because a symbol such as $ or kr names several. A moment is told in the
zone of the site, and says which that is.
"""

from datetime import datetime
from decimal import Decimal
from functools import cache
from html import escape

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal, get_currency_precision
from django.conf import settings
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language, to_locale

ENGLISH = Locale("en", "GB")  # where CLDR does not know the language
MOMENT = "j M Y, H:i:s T"
LONG = 120  # characters of a text in a row; its page has all of it


def chip(kind: str, text: str) -> SafeString:
    """Return a state or a finding in words as a chip, in the colours of its kind."""
    return format_html('<span class="chip chip-{}">{}</span>', kind, text)


class Figure(str):
    """An amount as it stands in a table: in figures of one width, not broken into lines."""

    __slots__ = ()

    def __str__(self) -> str:
        return self  # what Django makes a text of stays what it is

    def __html__(self) -> SafeString:
        return SafeString(f'<span class="amount">{escape(self)}</span>')


@cache
def exponent(currency: str) -> int:
    """Return the number of decimals of an ISO 4217 currency: 2 for CZK, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def written(amount: Decimal, currency: str) -> str:
    """Return an amount as staff read it: `CZK 1,234.50`, with a minus sign in front when it is negative.

    Without a currency it is the number alone.
    """
    if not currency:
        return format_decimal(amount.normalize(), locale=active_locale(), decimal_quantization=False)
    places, language = exponent(currency), get_language() or settings.LANGUAGE_CODE
    sign = "-" if amount < 0 else ""  # the same in all languages: templates look at it
    if is_plain(language):
        return f"{sign}{currency} {abs(amount):,.{places}f}"
    locale = locale_of(language)
    pattern = f"¤¤ #,##0.{'0' * places}".rstrip(".")
    return sign + format_currency(abs(amount), currency, pattern, locale, currency_digits=False)


@cache
def is_plain(language: str) -> bool:
    """Whether a language writes numbers as Python does by itself, which is ten times as fast: 1,234.50."""
    locale = locale_of(language)
    symbols = locale.number_symbols.get("latn", {})
    return locale.default_numbering_system == "latn" and (symbols.get("group"), symbols.get("decimal")) == (",", ".")


def shortened(text: str | None, most: int = LONG) -> str | None:
    """Return a text as a row has room for: a reason of 500 characters would push all others off the window."""
    if not text or len(text) <= most:
        return text
    return format_html('<span title="{}">{}…</span>', text, text[:most].rstrip())


def told(moment: datetime) -> str:
    """Return a moment as staff read it: `21 Nov 2026, 12:30:05 CET`."""
    return date_format(localtime(moment), MOMENT)


def active_locale() -> Locale:
    """Return CLDR's locale of the language that Django has active."""
    return locale_of(get_language() or settings.LANGUAGE_CODE)


@cache
def locale_of(language: str) -> Locale:
    """Return CLDR's locale of one of Django's language codes: `cs` for "cs", `de_CH` for "de-ch"."""
    for tag in (to_locale(language), to_locale(language).partition("_")[0]):
        try:
            return Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            continue  # a region or script that CLDR lacks: the language alone may be known
    return ENGLISH
