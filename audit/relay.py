"""The way from the outboxes to the event store.

Rows whose transaction is older than every running one are taken and locked, added to the event store (the same id twice
is added once), and only then forgotten. Stopped at any point, the next run goes on from there: nothing is lost and nothing
doubled. Any number of relays may run; each takes rows that no other holds.
"""

import json
from collections.abc import Callable, Iterator

from django.db import connections, transaction

from audit.models import Event
from backoffice.databases import EVENT_STORE, LEDGERS

BATCH = 50  # rows; one may stand for all actions of a batch of postings
COLUMNS = ", ".join(str(field.column) for field in Event._meta.concrete_fields)
# Who acts without saying a name gets the one he has at this moment. What is not of `default` says so in its data.
TAKE = """
    SELECT array_agg(DISTINCT t.id::text), jsonb_agg(to_jsonb(o) || jsonb_build_object(
        'username', coalesce(nullif(o.username, ''), u.username, ''),
        'data', o.data || %s::jsonb)) FILTER (WHERE o.id IS NOT NULL)::text
    FROM audit_take(%s) t LEFT JOIN LATERAL audit_written_out(t) o ON true
    LEFT JOIN backoffice_user u ON u.id = o.user_id AND o.username = ''
"""
KEEP = f"""
    INSERT INTO audit_event ({COLUMNS})
    SELECT {COLUMNS} FROM jsonb_populate_recordset(NULL::audit_event, %s::jsonb)
    ON CONFLICT (id) DO NOTHING
"""  # noqa: S608  built of the model's columns
FORGET = "SELECT audit_forget(%s::uuid[])"


def relay_batch(alias: str, most: int = BATCH) -> int:
    """Move up to `most` events from the outbox of one database; return how many were taken."""
    with transaction.atomic(using=alias), connections[alias].cursor() as outbox:
        origin = {} if alias == "default" else {"database": alias}
        outbox.execute(TAKE, [json.dumps(origin), most])
        ids, events = outbox.fetchone()
        if not ids:
            return 0
        with transaction.atomic(using=EVENT_STORE), connections[EVENT_STORE].cursor() as store:
            store.execute(KEEP, [events])
        outbox.execute(FORGET, [ids])
        return len(ids)


def relay(stopped: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, int]]:
    """Move all that is due, batch by batch; yield the database and the number of each."""
    for alias in LEDGERS:
        while not stopped() and (taken := relay_batch(alias)):
            yield alias, taken


def waiting() -> int:
    """Return how many events are on their way."""
    total = 0
    for alias in LEDGERS:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit_outbox")
            total += cursor.fetchone()[0]
    return total
