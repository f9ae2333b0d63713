"""Bringing events to subscribers: at least once, in order, each at its own pace.

A subscriber's cursor moves on after the event was taken, so a process that is killed in between delivers it again. What a
subscriber raises is tried again after longer and longer pauses; the events behind it wait. After ATTEMPTS tries the event
becomes a dead letter, and the subscriber goes on. A new subscriber begins with what arrives from then on.

Callers connect as the relay (`backoffice.databases.as_relay`): the site moves no cursor, and the database lets none go back.

Locks: a session lock of PostgreSQL for each subscriber, no transaction: any number of processes may run, one of them at a
time serves a subscriber, and nothing holds up the relay while the other side takes its time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from audit.feed import Place, after, latest
from audit.models import Cursor, DeadLetter, Event
from audit.subscribers import Subscriber
from backoffice.databases import EVENT_STORE

BATCH = 200
ATTEMPTS = 6
FIRST_PAUSE, LONGEST_PAUSE = 2, 900  # seconds: 2, 8, 32, 128, 512
LONGEST_ERROR = 1000


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Say whether this process serves the subscriber for now; the lock ends with the block or the session."""
    with connections[EVENT_STORE].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"audit_subscriber:{name}"])
        [mine] = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"audit_subscriber:{name}"])


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many failures."""
    return timedelta(seconds=min(FIRST_PAUSE * 4 ** (attempts - 1), LONGEST_PAUSE))


def serve(subscriber: Subscriber) -> int:
    """Deliver what is due to one subscriber; return how many events it was brought past."""
    with alone(subscriber.name) as mine:
        if not mine:
            return 0
        start = latest()
        cursor, new = Cursor.objects.get_or_create(subscriber=subscriber.name, defaults=start._asdict())
        if new:
            return 0
        _try_again(subscriber)
        if cursor.retry_at and cursor.retry_at > timezone.now():
            return 0
        return _go_on(subscriber, cursor)


def _go_on(subscriber: Subscriber, cursor: Cursor) -> int:
    done = 0
    for place, event in after(Place(cursor.block, cursor.position), BATCH):
        if subscriber.wants(event) and not _delivered(subscriber, cursor, event):
            break
        done += 1
        cursor.block, cursor.position = place
        if subscriber.wants(event):
            _settle(cursor)
    if done:
        _settle(cursor)
    return done


def _settle(cursor: Cursor) -> None:
    cursor.attempts, cursor.retry_at, cursor.error = 0, None, ""
    cursor.save()


def _delivered(subscriber: Subscriber, cursor: Cursor, event: Event) -> bool:
    """Deliver one event, or keep why not; True where the subscriber goes on, with it or without it."""
    try:
        subscriber.deliver(event)
    except Exception as error:  # noqa: BLE001  whatever a subscriber raises is kept and tried again
        cursor.attempts += 1
        cursor.error = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        if cursor.attempts >= ATTEMPTS:
            _give_up(cursor, event)
            return True
        cursor.retry_at = timezone.now() + pause(cursor.attempts)
        cursor.save()
        return False
    return True


def _give_up(cursor: Cursor, event: Event) -> None:
    given_up = {"type": event.type, "attempts": cursor.attempts, "error": cursor.error}
    DeadLetter.objects.get_or_create(subscriber=cursor.subscriber, event_id=event.pk, defaults=given_up)


def _try_again(subscriber: Subscriber) -> None:
    """Deliver dead letters that somebody put back, once each: what fails again is given up again."""
    for letter in DeadLetter.objects.filter(subscriber=subscriber.name, state=DeadLetter.State.WAITING).order_by("id"):
        letter.attempts += 1
        try:
            subscriber.deliver(Event.objects.get(pk=letter.event_id))
            letter.state = DeadLetter.State.DELIVERED
        except Exception as error:  # noqa: BLE001  as above
            letter.state, letter.error = DeadLetter.State.GIVEN_UP, f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        letter.modified = timezone.now()
        letter.save()
