"""Events in the store for tests of what reads it; what writes it is tested with the real relay."""

import json
import uuid
from itertools import count
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.utils import timezone

from audit.models import Alert, DeadLetter, Event, Seal, Verification

_positions = count()
NOWHERE = 2**40  # a block that no test comes to
_alerts = count(1)  # keys of alerts and dead letters
TEXTS = ("username", "object_type", "object_id", "request_id", "method", "path", "browser", "reason")
EMPTY = dict.fromkeys(TEXTS, "")


def stored(**of: Any) -> Event:
    """Put an event into the store past the relay, in the test's own transaction, and return it."""
    facts = {**EMPTY, "id": uuid.uuid4(), "created": timezone.now(), "username": "agent", "success": True, "data": {}}
    event = {**facts, "block": NOWHERE, "position": next(_positions), "leaf": "\\x00", **of}
    keep("audit_event", event)
    return Event.objects.get(pk=event["id"])


def stored_seal(number: int) -> Seal:
    """Put a block into the store that seals nothing."""
    hashes = dict.fromkeys(("ids", "leaves", "root", "previous", "hash", "signature"), "\\x00")
    facts = {"number": number, "created": timezone.now(), "month": "2026-11-01", "count": 0, "key": "k", **hashes}
    keep("audit_seal", facts)
    return Seal.objects.get(pk=number)


def stored_verification(number: int) -> Verification:
    """Put a run of audit_verify into the store that found something in this block."""
    found = [
        {"block": number, "event": None, "kind": "root", "text": f"The leaves of block {number} do not make its root."}
    ]
    facts = {
        "id": number,
        "created": timezone.now(),
        "seconds": 1.5,
        "events": 3,
        "blocks": 1,
        "findings": found,
        "head": "",
    }
    keep("audit_verification", facts)
    return Verification.objects.get(pk=number)


def stored_alert(key: str, **of: Any) -> Alert:
    """Put an open alert into the store."""
    facts = {"id": next(_alerts), "rule": "r", "text": "t", "username": "", "acknowledged_by": "", "reason": "", "event_id": uuid.uuid4(), **of}  # fmt: skip
    keep("audit_alert", {**facts, "key": key, "state": "open", "created": timezone.now()})
    return Alert.objects.get(pk=facts["id"])


def stored_dead_letter(**of: Any) -> DeadLetter:
    """Put an event that a subscriber did not take into the store."""
    facts = {
        "id": next(_alerts),
        "subscriber": "webhook",
        "event_id": uuid.uuid4(),
        "type": "logout",
        "attempts": 6,
        **of,
    }
    now = timezone.now()
    keep("audit_deadletter", {"error": "away", "state": "given_up", "created": now, "modified": now, **facts})
    return DeadLetter.objects.get(pk=facts["id"])


def keep(table: str, row: dict[str, Any]) -> None:
    """Put a row into a table of the store."""
    with connections["audit"].cursor() as cursor:
        cursor.execute("SELECT test_keep(%s, %s::jsonb)", [table, json.dumps(row, cls=DjangoJSONEncoder)])
