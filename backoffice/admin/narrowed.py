"""What an address narrows a list by that none of its filters shows, in words: links of the start page lead to such lists.

Without this, "Any day" would leave rows out and nothing on the page would say why.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.text import capfirst

from backoffice.admin.lookups import field_of
from backoffice.keyset import own_values

WORDS = {"gte": "from", "gt": "more than", "lte": "up to", "lt": "less than"}
OF_MOMENTS = {"gt": "after", "lt": "before"}
WITHOUT_SECONDS, WITH_SECONDS, DAY = "j M Y, H:i", "j M Y, H:i:s", "j M Y"


class Narrowed(NamedTuple):
    """One parameter of an address: what it leaves in the list, and the address without it."""

    told: str
    without: str


def told(cl: Any) -> Iterator[Narrowed]:
    """Give what Django reads of the address beside the filters. No query: what is pointed at is told by its key."""
    for name, values in cl.beside_filters.items():
        field, how = field_of(cl.model, name)
        if field is not None:
            said = " or ".join(in_words(field, how, value) for value in values)
            yield Narrowed(f"{capfirst(field.verbose_name)}: {said}", cl.get_query_string({name: None}))


def in_words(field: Any, how: str, value: Any) -> str:
    """Return how a field is compared, and with what."""
    if how == "isnull":
        return "none" if value else "any"
    try:
        read = own_values(field).to_python(value)
    except (ValidationError, TypeError, ValueError):  # the database reads more than a form does
        return f"{WORDS.get(how, '')} {value}".strip()
    words = WORDS | OF_MOMENTS if isinstance(read, date) else WORDS
    return f"{words.get(how, '')} {_shown(field, read)}".strip()


def _shown(field: Any, value: Any) -> str:
    if isinstance(value, datetime):
        moment = timezone.localtime(value) if timezone.is_aware(value) else value
        return formatted(moment, WITH_SECONDS if moment.second else WITHOUT_SECONDS)
    if isinstance(value, date):
        return formatted(value, DAY)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(dict(getattr(field, "flatchoices", ())).get(value, value))
