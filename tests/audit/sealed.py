"""A sealed store for tests, and the hands of a superuser who wants to change it."""

import json
import os
import time
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from audit import relay
from audit.keys import signing_key
from audit.verification import Finding
from audit.verification import verify as verify_store
from audit.verification.trust import Trust
from backoffice import embedded
from backoffice.databases import as_relay
from backoffice.models import Entity


def superuser(alias: str) -> psycopg.Connection:
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES[alias]["NAME"])
    return psycopg.connect(url, autocommit=True)


def make_events(number: int) -> None:
    """Leave so many rows in the outbox: one for each entity, whatever way capture takes for many."""
    for _ in range(number):
        Entity.objects.create(code=f"e{os.urandom(6).hex()}", name="N")


def wait_until_due(alias: str = "default") -> None:
    """Other tests use the same server: while a transaction of theirs is older than ours, nothing is due."""
    until = time.monotonic() + 30
    with connections[alias].cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT FROM audit_outbox WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())")
            if not cursor.rowcount:
                return
            time.sleep(0.05)


def relay_batch(alias: str = "default", most: int = 2_000) -> int:
    with as_relay(alias, "audit"):
        return relay.relay_batch(alias, signing_key(), most)


def seal_events(*sizes: int) -> None:
    """Make a block of each size."""
    for size in sizes:
        make_events(size)
        wait_until_due()
        assert relay_batch() == size


def tamper(*statements: str) -> list[tuple[Any, ...]]:
    """Run statements past every trigger, as a superuser can; return the rows of the last."""
    with superuser("audit") as session:
        session.execute("SET session_replication_role = replica")
        found = [session.execute(statement) for statement in statements][-1]
        return found.fetchall() if found.description else []


def verify(heads: list[dict[str, Any]] | None = None) -> list[Finding]:
    from audit.trusted import trusted_keys  # noqa: PLC0415  the files are those of the test that runs

    with as_relay("audit"):
        return verify_store(Trust(trusted_keys(), heads or [])).findings


def kinds(found: list[Finding]) -> list[tuple[int | None, str | None, str]]:
    return [(one.block, one.event, one.kind) for one in found]


def as_json(text: str) -> dict[str, Any]:
    return dict(json.loads(text))
