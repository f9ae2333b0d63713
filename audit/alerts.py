"""Rules over events: what they find becomes an alert, once, and an event that subscribers follow.

A rule looks at one event at a time, in order, and may ask the store about others. It returns what it found with a key:
the same rule and key make one alert, however often an event is delivered. Register one's own with `rule`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from audit.models import Alert, Event
from audit.record import record

HOUR = timedelta(hours=1)
CUSTOMERS = ("backoffice.user", "ledger.account")


class Found(NamedTuple):
    """What a rule found: what makes it one alert, and the sentence."""

    key: str
    text: str


Rule = Callable[[Event], Found | None]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule under a name."""

    def add(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return add


def _hour_before(event: Event) -> QuerySet[Event]:
    return Event.objects.filter(created__gt=event.created - HOUR, created__lte=event.created)


def _of_hour(event: Event) -> str:
    return f"{event.created:%Y-%m-%dT%H}"


@rule("many_views")
def many_views(event: Event) -> Found | None:
    """One person looked at more different customers within an hour than AUDIT_VIEWS_PER_HOUR."""
    if event.type != "object.viewed" or event.object_type not in CUSTOMERS or event.user_id is None:
        return None
    seen = _hour_before(event).filter(user_id=event.user_id, type="object.viewed", object_type=event.object_type)
    most = settings.AUDIT_VIEWS_PER_HOUR
    number = seen.order_by().values("object_id").distinct()[: most + 1].count()
    if number <= most:
        return None
    text = f"{event.username} looked at more than {most} customers within an hour."
    return Found(f"{event.user_id} {_of_hour(event)}", text)


@rule("failed_logins")
def failed_logins(event: Event) -> Found | None:
    """More logins failed from one address within an hour than AUDIT_FAILED_LOGINS_PER_HOUR."""
    if event.type != "login.failed":
        return None
    most = settings.AUDIT_FAILED_LOGINS_PER_HOUR
    failed = _hour_before(event).filter(type="login.failed", ip=event.ip)
    if failed.order_by()[: most + 1].count() <= most:
        return None
    return Found(f"{event.ip} {_of_hour(event)}", f"More than {most} logins failed from {event.ip} within an hour.")


@rule("outside_write")
def outside_write(event: Event) -> Found | None:
    """A captured row was written past the site; one alert an hour for each source and kind of row."""
    source = event.data.get("source")
    if not event.type.startswith("change.") or not source:
        return None
    text = f"{event.object_type} was written from outside of the site, by {source}."
    return Found(f"{source} {event.object_type} {_of_hour(event)}", text)


class Alerts:
    """The subscriber that asks all rules about every event."""

    name = "alerts"

    def wants(self, event: Event) -> bool:
        """Everything but its own."""
        return not event.type.startswith("alert.") and "database" not in event.data

    def deliver(self, event: Event) -> None:
        """Open the alerts that the rules ask for, each once."""
        for name, function in RULES.items():
            if found := function(event):
                open_alert(name, found, event)


def open_alert(name: str, found: Found, event: Event) -> Alert | None:
    """Open an alert and record it as an event; None where it is open or was looked at already."""
    about = {"text": found.text, "user_id": event.user_id, "username": event.username, "event_id": event.pk}
    alert, new = Alert.objects.get_or_create(rule=name, key=found.key[:200], defaults=about)
    if not new:
        return None
    record("alert.opened", obj=alert, data={"rule": name, "text": found.text}, using="default")
    return alert
