"""The reviewer's pages: the event log, alerts, what could not be delivered, and what proves it all."""

from audit.admin import dashboard  # noqa: F401  registers what the start page tells
from audit.admin.alert import AlertAdmin
from audit.admin.dead_letter import DeadLetterAdmin
from audit.admin.event import EventAdmin, events_page
from audit.admin.seal import SealAdmin, VerificationAdmin

__all__ = ["AlertAdmin", "DeadLetterAdmin", "EventAdmin", "SealAdmin", "VerificationAdmin", "events_page"]
