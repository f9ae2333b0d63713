"""Amounts: how many decimals a currency has, and how an amount is written. Facts from CLDR through Babel."""

import re
from decimal import Decimal
from functools import cache

from babel.numbers import format_currency, get_currency_precision

AMOUNT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")  # as it is typed, on forms and in files alike
LARGEST = Decimal(10) ** 15  # numeric(19,4) holds fifteen digits before the point
LOCALE = "en_GB"  # the console speaks English; amounts are written as its other numbers are


@cache
def exponent(currency: str) -> int:
    """Return the number of decimals of an ISO 4217 currency: 2 for CZK, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def written(amount: Decimal, currency: str) -> str:
    """Return an amount as staff read it: `CZK 1,234.50`, with a minus sign in front when it is negative."""
    places = exponent(currency)
    return format_currency(amount, currency, f"¤¤ #,##0.{'0' * places}".rstrip("."), LOCALE, currency_digits=False)
