"""Pages of a list by keys: a page begins behind the last row of the one before it, so rows that arrive or go shift nothing.

A list is sorted by columns of its own table that are never empty, all in one direction, the last of them unique: so one
comparison of rows says what comes behind a place, and an index that serves the order finds it at once, however far down.
`after=` and `before=` hold such a place: the values of those columns in the row that the page begins behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import F, Field, Model, Q, QuerySet, UniqueConstraint
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

AFTER, BEFORE = "after", "before"


class Page(NamedTuple):
    """Rows, and the places that the pages before and behind them begin at; '' where there are none."""

    rows: list[Any]
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Order:
    """How a list is sorted."""

    fields: tuple["Field[Any, Any]", ...]
    descending: bool

    @classmethod
    def of(cls, model: type[Model], ordering: Sequence[Any]) -> Self:
        """Return the order that a ModelAdmin's `ordering` asks for, completed by the key.

        Raises:
            ImproperlyConfigured: it sorts by what is no column of the table's own, can be empty, or both up and down.
        """
        fields, directions = [], set()
        for name in ordering or ("-pk",):
            field = _column(model, str(name).removeprefix("-"))
            if field is None:
                raise ImproperlyConfigured(f"A list of {model._meta.label} cannot be sorted by {name}.")
            fields.append(field)
            directions.add(str(name).startswith("-"))
            if field.name in _unique(model):
                break
        else:
            fields.append(model._meta.pk)
        if len(directions) > 1:
            raise ImproperlyConfigured(f"A list of {model._meta.label} is sorted up and down at once: {ordering}.")
        return cls(tuple(fields), directions.pop())

    def names(self, *, back: bool = False) -> list[str]:
        """Return what `order_by` takes; the other way round if `back`."""
        sign = "-" if self.descending != back else ""
        return [f"{sign}{_path(field)}" for field in self.fields]

    def place(self, row: Model) -> str:
        """Return the place of a row, as an address holds it."""
        return ",".join(quote(field.value_to_string(row), safe="") for field in self.fields)

    def page(self, rows: QuerySet[Any], most: int, *, after: str = "", before: str = "") -> Page:
        """Read one page of a queryset, and one row more. One query.

        Raises:
            IncorrectLookupParameters: the place is none of this order.
        """
        back = bool(before)
        if place := before or after:
            rows = rows.filter(self._beyond(place, back=back))
        found = list(rows.order_by(*self.names(back=back))[: most + 1])
        more, found = len(found) > most, found[:most]
        if not found:
            return Page([])
        if back:
            return Page(found[::-1], self.place(found[-1]) if more else "", self.place(found[0]))
        return Page(found, self.place(found[0]) if after else "", self.place(found[-1]) if more else "")

    def _beyond(self, place: str, *, back: bool) -> Any:
        values = self._read(place)
        down = self.descending != back
        if len(values) == 1:
            return Q(**{f"{_path(self.fields[0])}__{'lt' if down else 'gt'}": values[0]})
        columns = Tuple(*(F(_path(field)) for field in self.fields))
        return (TupleLessThan if down else TupleGreaterThan)(columns, tuple(values))

    def _read(self, place: str) -> list[Any]:
        texts = place.split(",")
        if len(texts) != len(self.fields):
            raise IncorrectLookupParameters(f"{place} is no place in this list.")
        try:
            return [
                own_values(field).clean(unquote(text), None) for field, text in zip(self.fields, texts, strict=True)
            ]
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error


def served(model: type[Model]) -> set[str]:
    """Return the fields that an index sorts the whole table by, ties too: each alone or together with the key."""
    key = model._meta.pk.name
    with_key = {
        index.fields[0] for index in model._meta.indexes if index.condition is None and index.fields[1:] == [key]
    }
    return {name for name in _unique(model) | with_key if _column(model, name)}


def _unique(model: type[Model]) -> set[str]:
    """Return the fields of which each value is on one row of the whole table."""
    rules = [rule for rule in model._meta.constraints if isinstance(rule, UniqueConstraint) and rule.condition is None]
    alone = {rule.fields[0] for rule in rules if len(rule.fields) == 1}
    return alone | {field.name for field in model._meta.concrete_fields if field.unique}


def _column(model: type[Model], name: str) -> "Field[Any, Any] | None":
    """Return the table's own column of that name that is never empty; a relation only where it is the key."""
    key = model._meta.pk
    if name in {"pk", key.name}:
        return key
    own = {field.name: field for field in model._meta.concrete_fields}
    field = own.get(name)
    return field if field is not None and not field.null and not field.is_relation else None


def _path(field: "Field[Any, Any]") -> str:
    """Return how a query calls it: by its name, a relation would be sorted as the other table is."""
    return "pk" if field.primary_key else field.name


def own_values(field: Any) -> Any:
    """Return the field whose values it holds: of a relation, the key that it points at."""
    while field.remote_field is not None:
        field = field.target_field
    return field
