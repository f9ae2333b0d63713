"""What is done to each model: things are made beforehand, and only what is asked about is timed."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

SAVES, ROWS = 30, 1_000
Deed = Callable[[Any], list[Callable[[], object]]]
BY_HAND = sql.SQL("""
    INSERT INTO {} ({}, history_type, history_date, history_source, history_request_id, history_change_reason, history_user_id)
    SELECT {}, {}, now(), '', '', '', NULL FROM {} WHERE id BETWEEN {} AND {}
""")
_numbers = count(1)


def save(model: Any) -> list[Callable[[], object]]:
    """Things that were changed, to be saved one after the other."""
    saved = model.objects.bulk_create(things(model, SAVES))
    for thing in saved:
        thing.note = f"Changed {next(_numbers)}"
    return [recorded(model, thing.save, [thing], "~") for thing in saved]


def update(model: Any) -> list[Callable[[], object]]:
    """A thousand things, to be changed by one statement."""
    made = model.objects.bulk_create(things(model, ROWS))
    rows = model.objects.filter(pk__gte=made[0].pk, pk__lte=made[-1].pk)
    return [recorded(model, lambda: rows.update(note=f"Changed {next(_numbers)}"), made, "~")]


def bulk_create(model: Any) -> list[Callable[[], object]]:
    """A thousand things, to be made by one statement."""
    made = things(model, ROWS)
    return [recorded(model, lambda: model.objects.bulk_create(made), made, "+")]


QUESTIONS: dict[str, tuple[Deed, str, int]] = {  # with how the result names it and how many rows one change writes
    "save": (save, "single save", 1),
    "update": (update, f"update of {ROWS:,} rows", ROWS),
    "bulk_create": (bulk_create, f"bulk_create of {ROWS:,} rows", ROWS),
}


def things(model: Any, number: int) -> list[Any]:
    """Return unsaved things."""
    now = timezone.now()
    return [
        model(name=f"Thing {n}", code=f"T{n}", amount=Decimal(n), count=n, note="A note of usual length", created=now)
        for n in range(number)
    ]


def recorded(model: Any, deed: Callable[[], object], rows: Sequence[Any], kind: str) -> Callable[[], object]:
    """Return the deed; for the model that is recorded by hand, with the statement that does so, in one transaction."""
    if model.__name__ != "ByHand":
        return deed

    def by_hand() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            deed()
            columns = sql.SQL(", ").join(sql.Identifier(field.column) for field in model._meta.concrete_fields)
            history, table = (sql.Identifier(of._meta.db_table) for of in (model.history.model, model))
            cursor.execute(BY_HAND.format(history, columns, columns, kind, table, rows[0].pk, rows[-1].pk))

    return by_hand
