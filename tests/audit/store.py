"""Events in the store for tests of what reads it; what writes it is tested with the real relay."""

import json
import uuid
from itertools import count
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.utils import timezone

from audit.models import Event

_positions = count()
EMPTY = dict.fromkeys(("object_type", "object_id", "request_id", "method", "path", "browser", "reason"), "")


def stored(**of: Any) -> Event:
    """Put an event into the store past the relay, in the test's own transaction, and return it."""
    facts = {"id": uuid.uuid4(), "created": timezone.now(), "username": "agent", "success": True, "data": {}, **EMPTY}
    place = {"block": 0, "position": next(_positions), "leaf": "\\x00"}
    event = {**facts, **place, **of}
    keep("audit_event", event)
    return Event.objects.get(pk=event["id"])


def keep(table: str, row: dict[str, Any]) -> None:
    """Put a row into a table of the store."""
    with connections["audit"].cursor() as cursor:
        cursor.execute("SELECT test_keep(%s, %s::jsonb)", [table, json.dumps(row, cls=DjangoJSONEncoder)])
