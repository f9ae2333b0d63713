"""Bulk runs of 10,000 deposits by their worker, beside the same deposits one by one, and one plain SQL statement for all.

What the worker does counts, and the making of the run's rows, which the confirmation does; the preview does not. One run is
on as many accounts as it has rows, each once.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from backoffice.models import Entity
from backoffice.scope import acting
from bench import server
from bench.arms import Clients, measure
from bench.host import Operation
from bench.posting import bare, ours, world
from bench.report import Row as Measure

SIZE = 10_000
QUESTION = f"bulk run of {SIZE:,} deposits"
SUBJECT = "Run and its worker"
ONE_BY_ONE = "Account.deposit, one by one"
PLAIN = "one UPDATE and INSERT of all, plain SQL (limit)"
NOTE = "200 rows a transaction, each row with its result, as the person who confirmed"
# Rights take two people, whom nobody here is.
PROMOTE = "UPDATE backoffice_user SET is_superuser = true, is_staff = true WHERE username = 'staff'"
STATEMENT = """
    WITH moved AS (
        UPDATE bare_account SET balance = balance + 1, version = version + 1 WHERE id = ANY (%s) RETURNING id, balance, version)
    INSERT INTO bare_action (account_id, delta, balance, version, created) SELECT id, 1, balance, version, now() FROM moved
"""


def rows() -> Iterator[Measure]:
    """Measure the three in one interleaved run, one client each."""
    with world.filled("runs") as database:
        with server.session(database) as s:
            s.execute("SET session_replication_role = replica")
            s.execute(PROMOTE)
        bare.limit(database, 1, SIZE)  # makes its tables
        with server.session(database) as s:
            s.execute("GRANT ALL ON bare_account, bare_action TO PUBLIC")
        arms = {
            "run": Clients("bench.posting.runs:by_worker", 1, database),
            "single": Clients("bench.posting.ours:deposit", 1, database),
            "plain": Clients("bench.posting.runs:plain", 1, database),
        }
        with world.checked(database, [arms["run"], arms["single"]]):
            found = measure(arms)
        bare.check(database)
        for reference, theirs, aim, note in (
            (ONE_BY_ONE, "single", "at least 1", NOTE),
            (PLAIN, "plain", "", bare.NOTE),
        ):
            yield Measure.of(
                question=QUESTION,
                subject=SUBJECT,
                reference=reference,
                ours=found["run"],
                theirs=found[theirs],
                aim=aim,
                note=note,
            )


def by_worker() -> Operation:
    """Make a run on SIZE accounts, and have the worker do it."""
    from bulk import worker  # noqa: PLC0415  Django is ready only now
    from bulk.models import Row, Run  # noqa: PLC0415  as above
    from ledger.models import Account  # noqa: PLC0415  as above

    ours.see_everything()
    staff, entity = ours.staff_member(), Entity.objects.get()
    accounts = list(Account.objects.order_by("id").values_list("id", flat=True)[:SIZE])
    about: dict[str, Any] = {
        "command": "deposit", "what": "Deposit CZK 1.00", "subject": "account", "selection": "all", "reason": "Bonus",
        "asked": {"amount": "1", "reference_type": "none", "comment": "Bonus", "key": str(UUID(int=1))},
        "request_id": "bench", "entities": [entity.pk], "total": SIZE,
    }  # fmt: skip

    def operation() -> int:
        with acting(actor=staff.pk, request_id="bench"):
            run = Run.objects.create(by=staff, **about)
            made = [Row(run=run, object_id=key, account_id=key, entity_id=entity.pk) for key in accounts]
            Row.objects.bulk_create(made, batch_size=2_000)
        while worked := worker.go_on():
            if worked[1]:
                raise RuntimeError(worked[1])
        run.refresh_from_db()
        if run.posted != SIZE:
            raise RuntimeError(f"The run posted {run.posted} of {SIZE}: {run.rows.exclude(text='').first()!r}")
        return SIZE

    return operation


def plain() -> Operation:
    """Move SIZE accounts and write as many actions, by one statement that checks nothing."""
    accounts = list(range(1, SIZE + 1))

    def operation() -> int:
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT, [accounts])
            return int(cursor.rowcount)

    return operation
