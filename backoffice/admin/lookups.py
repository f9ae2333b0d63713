"""What an address can narrow a list by beside the list's own filters: a field of its rows, compared with what fits it.

Everything else that Django would ask the database for is refused: patterns, parts of dates, sets and documents, none of
which any page of the console links to.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField, RangeField
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BinaryField, Field, JSONField, Model

from audit.names import fits_field
from backoffice.keyset import own_values

COMPARED = {"exact", "isnull", "gt", "gte", "lt", "lte"}
SHUT = (JSONField, BinaryField, ArrayField, RangeField)  # they hold what a reader may not see, or are compared by none


def field_of(model: type[Model], lookup: str) -> tuple[Any, str]:
    """Return the field that a lookup begins with or leads to, None for none, and how it is compared."""
    here: Any = model
    names, found = lookup.split("__"), None
    while names and here is not None:
        try:
            found = here._meta.pk if names[0] == "pk" else here._meta.get_field(names[0])
        except FieldDoesNotExist:
            break
        names, here = names[1:], found.related_model
    return found, "__".join(names) or "exact"


def lets_through(field: Any, how: str) -> bool:
    """Whether a list can be narrowed so."""
    return isinstance(field, Field) and not isinstance(field, SHUT) and how in COMPARED


def takes(field: Any, how: str, value: str) -> bool:
    """Whether a field can be compared with what was typed."""
    return how == "isnull" or fits_field(own_values(field), value)
