"""What the rows of a list point at, read as far as the list tells of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Model, QuerySet, prefetch_related_objects


def in_words(rows: QuerySet[Any], more: Sequence[str] = ()) -> QuerySet[Any]:
    """Read of what rows point at only what it is called by, `told_by` of its model; and `more`."""
    chosen = rows.query.select_related
    if not isinstance(chosen, dict):
        return rows
    own = [field.name for field in rows.model._meta.concrete_fields]
    return rows.only(*own, *_told(rows.model, chosen), *more)


def tells_of_people(model: Any, paths: Iterable[str]) -> bool:
    """Whether rows of the model, or what these paths lead to from them, have personal values."""
    return bool(getattr(model, "personal_fields", ())) or any(
        tells_of_people(model._meta.get_field(first).related_model, filter(None, [rest]))
        for first, _, rest in (path.partition("__") for path in paths)
    )


def _told(model: type[Model], chosen: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, inner in chosen.items():
        related: Any = model._meta.get_field(name).related_model
        every = [field.name for field in related._meta.concrete_fields]
        yield from (f"{path}{name}__{field}" for field in (*getattr(related, "told_by", every), *inner))
        yield from _told(related, inner, f"{path}{name}__")


def fetch_beside(rows: list[Any], paths: Sequence[str]) -> None:
    """Fetch what these paths lead to where any row has it; where none has, Django would make the statement all the same."""
    for path in paths:
        name = path.partition("__")[0]
        if any(row.serializable_value(name) is not None for row in rows):
            prefetch_related_objects(rows, path)
