"""Amounts: what can be one, in which currency. How they are written is said in `backoffice.said`, for all apps."""

import re
from decimal import Decimal

from backoffice.said import exponent, locale_of, written

__all__ = ["AMOUNT", "LARGEST", "exponent", "fits", "locale_of", "written"]

AMOUNT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")  # as it is typed, on forms and in files alike
LARGEST = Decimal(10) ** 15  # numeric(19,4) holds fifteen digits before the point


def fits(amount: Decimal, currency: str) -> bool:
    """Say whether the currency has enough decimals for the amount, and the ledger enough digits."""
    return amount.is_finite() and abs(amount) < LARGEST and amount == round(amount, exponent(currency))
