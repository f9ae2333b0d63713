"""Numbers and texts in templates, written as all others are: `backoffice.said`."""

from django.template import Library

from backoffice.paging import Exactly
from backoffice.said import shortened

register = Library()
register.filter("shortened", shortened)


@register.filter
def thousands(number: int) -> str:
    """Write a whole number: 2,000."""
    return str(Exactly(number))
