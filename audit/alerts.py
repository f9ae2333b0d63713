"""Rules over events: what they find becomes an alert, once, and an event that subscribers follow.

A rule looks at one event at a time, in order, and may ask the store about others. It returns what it found with a key:
the same rule and key make one alert, however often an event is delivered. Register one's own with `rule`. The alert stands in
the event store and its event goes out from the ledger's outbox: two databases, so the alert is made first and notes when it
was told.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.models import Alert, Event
from audit.origin import is_outside
from audit.record import record
from backoffice.scope import acting

HOUR = timedelta(hours=1)
CUSTOMERS = ("backoffice.user", "ledger.account")


class Found(NamedTuple):
    """What a rule found: what makes it one alert, the sentence, and whether it is about several entities, not the event's."""

    key: str
    text: str
    of_several: bool = False


class Kind(NamedTuple):
    """What alerts of a rule are called, and whether they are about the object of their event."""

    called: str
    of_object: bool = False


Rule = Callable[[Event], Found | None]
RULES: dict[str, Rule] = {}
KINDS = {"verification": Kind("Verification with findings")}  # which audit_verify raises


def kind_of(name: str) -> Kind:
    """Return the kind of a rule's alerts, also of a rule that is no more."""
    return KINDS.get(name, Kind(name))


def rule(name: str, called: str = "", *, of_object: bool = False) -> Callable[[Rule], Rule]:
    """Register a rule under a name; `called` is what staff read, `of_object` whether the event's object is what it is about."""

    def add(function: Rule) -> Rule:
        RULES[name], KINDS[name] = function, Kind(called or name, of_object)
        return function

    return add


def _hour_before(event: Event) -> QuerySet[Event]:
    return Event.objects.filter(created__gt=event.created - HOUR, created__lte=event.created)


def _of_hour(event: Event) -> str:
    return f"{event.created:%Y-%m-%dT%H}"


def customers(rows: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return whom objects are about: a person and their account are one, which the event of the account's opening tells.

    Where that event was archived or erased, the account counts by itself. One query.
    """
    pairs = list(rows)
    people, accounts = ({key for kind, key in pairs if kind == each} for each in CUSTOMERS)
    opened = Event.objects.filter(type="change.created", object_type="ledger.account", object_id__in=accounts)
    owners = {key: owner for key, owner in opened.values_list("object_id", "data__new__user_id") if owner}
    found = {("backoffice.user", key) for key in people}
    for key in accounts:
        found.add(("backoffice.user", str(owners[key])) if key in owners else ("ledger.account", key))
    return found


@rule("many_views", "Many customers looked at")
def many_views(event: Event) -> Found | None:
    """One person looked at more different customers within an hour than AUDIT_VIEWS_PER_HOUR."""
    if event.type != "object.viewed" or event.object_type not in CUSTOMERS or event.user_id is None:
        return None
    seen = _hour_before(event).filter(user_id=event.user_id, type="object.viewed", object_type__in=CUSTOMERS)
    most = settings.AUDIT_VIEWS_PER_HOUR
    live = seen.exclude(data__has_key="database").order_by()
    rows = list(live.values_list("object_type", "object_id").distinct()[: len(CUSTOMERS) * most + 1])
    if len(rows) <= most or len(customers(rows)) <= most:
        return None
    text = f"{event.username} looked at more than {most} customers within an hour."
    of_several = len(live.values_list("entity_id", flat=True).distinct()[:2]) > 1
    return Found(f"{event.user_id} {_of_hour(event)}", text, of_several)


@rule("failed_logins", "Many logins failed")
def failed_logins(event: Event) -> Found | None:
    """More logins failed from one address within an hour than AUDIT_FAILED_LOGINS_PER_HOUR."""
    if event.type != "login.failed":
        return None
    most = settings.AUDIT_FAILED_LOGINS_PER_HOUR
    failed = _hour_before(event).filter(type="login.failed", ip=event.ip)
    if failed.order_by()[: most + 1].count() <= most:
        return None
    return Found(f"{event.ip} {_of_hour(event)}", f"More than {most} logins failed from {event.ip} within an hour.")


@rule("review_asked", "Review asked for", of_object=True)
def review_asked(event: Event) -> Found | None:
    """Somebody asked that an account be reviewed; its event leads to the account."""
    if event.type != "review.asked":
        return None
    return Found(str(event.pk), f"{event.username} asked that an account be reviewed: {event.reason}")


@rule("outside_write", "Written from outside", of_object=True)
def outside_write(event: Event) -> Found | None:
    """Something was written past the application, whatever it was; one alert an hour for each source, kind of row and entity."""
    source = event.data.get("source", "")
    if not is_outside(source):
        return None
    what = event.object_type or event.type
    if database := event.data.get("database"):
        what += f" of the {database}"
    text = f"{f'{what} {event.object_id}'.strip()} was written from outside of the site, by {source}."
    return Found(f"{source} {what} {event.entity_id or ''} {_of_hour(event)}", text)


class Alerts:
    """The subscriber that asks all rules about every event."""

    name = "alerts"

    def wants(self, event: Event) -> bool:
        """Everything of the ledger but its own; what comes from outside, whatever it is."""
        if is_outside(event.data.get("source", "")):
            return True
        return not event.type.startswith("alert.") and "database" not in event.data

    def deliver(self, event: Event) -> None:
        """Open the alerts that the rules ask for, each once; `tell` makes events of them."""
        for name, function in RULES.items():
            if found := function(event):
                about = {"text": found.text, "user_id": event.user_id, "username": event.username, "event_id": event.pk}
                about["entity_id"] = None if found.of_several else event.entity_id
                Alert.objects.get_or_create(rule=name, key=found.key[:200], defaults=about)


def tell() -> None:
    """Record each new alert as an event, at least once: what is not noted as told, for whatever reason, is told again."""
    for alert in Alert.objects.filter(told=None).order_by("id"):
        with acting(actor=None, request_id=f"alert {alert.pk}"):
            record("alert.opened", obj=alert, data={"rule": alert.rule, "text": alert.text}, using="default")
        Alert.objects.filter(pk=alert.pk).update(told=Now())
