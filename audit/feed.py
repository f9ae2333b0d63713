"""Events in the order in which they arrived in the store: what those who follow them read.

An event's id tells when it was made, and one that was made earlier may arrive later; so the order is that of the
transactions that added them, and an event is given out once all that began before its own have ended.
"""

from typing import NamedTuple
from uuid import UUID

from django.db import connections

from audit.models import Event
from backoffice.databases import EVENT_STORE

AFTER = """
    SELECT arrived::text::bigint, id FROM audit_event
    WHERE (arrived, id) > (%s::text::xid8, %s::uuid) AND arrived < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY arrived, id LIMIT %s
"""
LATEST = """
    SELECT arrived::text::bigint, id FROM audit_event WHERE arrived < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY arrived DESC, id DESC LIMIT 1
"""


class Place(NamedTuple):
    """A place in the order of arrival."""

    arrived: int
    event_id: UUID


START = Place(0, UUID(int=0))


def latest() -> Place:
    """Return the place of the last event that can be given out."""
    with connections[EVENT_STORE].cursor() as cursor:
        cursor.execute(LATEST)
        row = cursor.fetchone()
    return Place(*row) if row else START


def after(place: Place, most: int) -> list[tuple[Place, Event]]:
    """Return the next events behind a place. Two queries."""
    with connections[EVENT_STORE].cursor() as cursor:
        cursor.execute(AFTER, [str(place.arrived), place.event_id, most])
        places = [Place(*row) for row in cursor.fetchall()]
    events = Event.objects.in_bulk([each.event_id for each in places])
    return [(each, events[each.event_id]) for each in places]
