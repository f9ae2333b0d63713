"""Events in the order in which they were sealed: what those who follow them read.

An event's id tells when it was made, and one that was made earlier may arrive later; its place in the chain of blocks never
changes, and one block follows another.
"""

from typing import NamedTuple

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from audit.models import Event


class Place(NamedTuple):
    """A place in the chain: a block, and a position in it."""

    block: int
    position: int


START = Place(-1, -1)


def latest() -> Place:
    """Return the place of the last event."""
    last = Event.objects.order_by("-block", "-position").values_list("block", "position").first()
    return Place(*last) if last else START


def after(place: Place, most: int) -> list[tuple[Place, Event]]:
    """Return the next events behind a place. One query."""
    behind = RawSQL("(block, position) > (%s, %s)", [place.block, place.position], BooleanField())
    events = Event.objects.filter(behind).order_by("block", "position")[:most]
    return [(Place(event.block, event.position), event) for event in events]
