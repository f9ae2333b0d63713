"""The types of events, as the database knows them: `migrate` copies the registry, `audit_record()` in SQL refuses by it.

Only types that the site may tell are there, so that whoever has its role can forge no change, posting or sealing. The table
is the owner's, and nobody else may read it.
"""

import json
from typing import Any, get_origin

from django.db import connections, transaction

from audit.registry import BY_THE_DATABASE, TYPES
from audit.schemas import fields_of
from backoffice.databases import LEDGERS

TABLE = "audit_event_type"
EMPTY = f"DELETE FROM {TABLE}"  # noqa: S608  our own constant
FILL = f"""
    INSERT INTO {TABLE} (name, required, fields)
    SELECT name, ARRAY(SELECT jsonb_array_elements_text(required)), fields
    FROM jsonb_to_recordset(%s::jsonb) t (name text, required jsonb, fields jsonb)
"""  # noqa: S608  as above
KINDS = {str: "string", int: "number", bool: "boolean", list: "array", dict: "object", Any: "any"}


def keep_types(using: str, **_: Any) -> None:
    """Replace the table's rows; called as the owner, after the migrations of this app. Two queries."""
    if using not in LEDGERS or TABLE not in connections[using].introspection.table_names():
        return
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(EMPTY)
        cursor.execute(FILL, [json.dumps(types())])


def types() -> list[dict[str, Any]]:
    """Return the types that the site may tell: which fields the data must have, and of which JSON type each is."""
    told = []
    for kind in TYPES.values():
        if not kind.name.startswith(BY_THE_DATABASE):
            fields = fields_of(kind.schema)
            required = [name for name, (_, needed) in fields.items() if needed]
            kinds = {name: KINDS[get_origin(hint) or hint] for name, (hint, _) in fields.items()}
            told.append({"name": kind.name, "required": required, "fields": kinds})
    return told
