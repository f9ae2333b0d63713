"""Amounts: how many decimals a currency has, and how an amount is written. Facts from CLDR through Babel.

An amount is written with the separators of the language that Django has active, as all other numbers on the page are; its
currency is the ISO code in front, in every language, because a symbol such as $ or kr names several.
"""

import re
from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision
from django.conf import settings
from django.utils.translation import get_language, to_locale

AMOUNT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")  # as it is typed, on forms and in files alike
LARGEST = Decimal(10) ** 15  # numeric(19,4) holds fifteen digits before the point
ENGLISH = Locale("en", "GB")  # where CLDR does not know the language


@cache
def exponent(currency: str) -> int:
    """Return the number of decimals of an ISO 4217 currency: 2 for CZK, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def fits(amount: Decimal, currency: str) -> bool:
    """Say whether the currency has enough decimals for the amount, and the ledger enough digits."""
    return amount.is_finite() and abs(amount) < LARGEST and amount == round(amount, exponent(currency))


def written(amount: Decimal, currency: str) -> str:
    """Return an amount as staff read it: `CZK 1,234.50`, with a minus sign in front when it is negative."""
    places = exponent(currency)
    pattern = f"¤¤ #,##0.{'0' * places}".rstrip(".")
    locale = locale_of(get_language() or settings.LANGUAGE_CODE)
    sign = "-" if amount < 0 else ""  # the same in all languages: templates look at it
    return sign + format_currency(abs(amount), currency, pattern, locale, currency_digits=False)


@cache
def locale_of(language: str) -> Locale:
    """Return CLDR's locale of one of Django's language codes: `cs` for "cs", `de_CH` for "de-ch"."""
    for tag in (to_locale(language), to_locale(language).partition("_")[0]):
        try:
            return Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            continue  # a region or script that CLDR lacks: the language alone may be known
    return ENGLISH
