"""The only explicit writer of events: `record("object.viewed", obj=account)`.

An event goes to the outbox in the transaction that runs, so it is there exactly if that commits; what must survive a
rollback is recorded after it (audit/middleware.py). Who acts, from where and why comes from `backoffice.scope`. Changes
and postings are recorded by the database itself, not here.
"""

import json
from dataclasses import asdict
from typing import Any

from django.db import connections, models

from audit.encoding import Encoder
from audit.registry import BY_THE_DATABASE, event_type
from audit.schemas import check
from backoffice.databases import worked_on
from backoffice.scope import current


def record(
    name: str,
    *,
    obj: models.Model | None = None,
    object_type: str = "",
    object_id: object = "",
    data: dict[str, Any] | None = None,
    success: bool = True,
    status: int | None = None,
    using: str | None = None,
    **facts: str | int | None,
) -> None:
    """Record an event about `obj`, or about what `object_type` and `object_id` name, in the scope that runs. One query.

    `facts` stand in for the scope's own, such as `username="…"` of a failed login. `using` is the database of the
    transaction; else the one that the request works on.

    Raises:
        UnknownEventType: the type is not registered.
        BadEventData: the data is not what the type's schema says.
        ValueError: events of this type are the database's to write.
    """
    kind = event_type(name)
    if name.startswith(BY_THE_DATABASE):
        raise ValueError(f"Events of type {name} are written by the database alone.")
    check(name, kind.schema, data or {})
    scope = asdict(current())
    del scope["entities"]
    event = {
        **scope,
        "type": name,
        "user_id": scope.pop("actor"),
        "entity_id": getattr(obj, "entity_id", None),
        "object_type": obj._meta.label_lower if obj else object_type,
        "object_id": str(obj.pk if obj else object_id),
        "success": success,
        "status": status,
        "data": data or {},
        **facts,
    }
    event["ip"] = event["ip"] or None
    with connections[using or worked_on() or "default"].cursor() as cursor:
        cursor.execute("SELECT audit_record(%s::jsonb)", [_written(event)])


def _written(event: dict[str, Any]) -> str:
    """Return JSON that PostgreSQL takes: without NUL, which none of its texts hold."""
    return json.dumps(event, cls=Encoder).replace("\\u0000", "\\ufffd")
