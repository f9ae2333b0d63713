"""Numbers of things in templates, written as all others are."""

from django.template import Library

from backoffice.paging import Exactly

register = Library()


@register.filter
def thousands(number: int) -> str:
    """Write a whole number: 2,000."""
    return str(Exactly(number))
