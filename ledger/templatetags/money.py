"""Amounts in templates, written as everywhere else in the console."""

from decimal import Decimal

from django import template

from ledger.money import written

register = template.Library()
register.filter("written", written)


@register.simple_tag
def total_written(amount: Decimal, count: int, currency: str) -> str:
    """Write what the same amount on each of several accounts comes to."""
    return written(amount * count, currency)
