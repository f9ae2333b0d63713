"""The reviewer's pages: the event log, alerts, and what could not be delivered."""

from audit.admin.alert import AlertAdmin
from audit.admin.dead_letter import DeadLetterAdmin
from audit.admin.event import EventAdmin, events_page

__all__ = ["AlertAdmin", "DeadLetterAdmin", "EventAdmin", "events_page"]
