"""How fast the ledger posts, with every rule, history and event on, beside what the machine can do without them.

References: pgbench running the bare UPDATE and INSERT of one posting (the limit), the way of the article that the
rules come from (lock, check, save, SUM over all accounts for the cap), and COPY into the real table with its indexes and
foreign keys but without its guards. After each of our runs the account's balances are compared with their actions.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from uuid import UUID

import django
import psycopg
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.models import Sum
from django.utils import timezone

from backoffice import embedded
from bench.report import Row

ACCOUNTS = 10_000
ROUNDS = 3
SECONDS = 3
LIMIT = """
\\set account random(1, 10000)
BEGIN;
UPDATE bare_account SET balance = balance + 1, version = version + 1 WHERE id = :account;
INSERT INTO bare_action (account_id, delta, balance, version, created) VALUES (:account, 1, 1, 1, now());
COMMIT;
"""
BARE = """
    CREATE TABLE bare_account (id int PRIMARY KEY, balance numeric(19, 4), version int);
    CREATE TABLE bare_action (id bigserial PRIMARY KEY, account_id int, delta numeric(19, 4), balance numeric(19, 4),
                              version int, created timestamptz);
    INSERT INTO bare_account SELECT n, 0, 0 FROM generate_series(1, 10000) n;
"""


def rows() -> Iterator[Row]:
    """Measure all questions."""
    uids = prepare()
    for clients, aim in ((1, "at least 0.35"), (16, "at least 0.2")):
        ours, limit = interleaved(partial(posted_by, uids, clients), partial(bare, clients))
        yield Row(
            f"one posting, {clients} clients",
            "Account.deposit",
            "pgbench bare update and insert (limit)",
            "postings/s",
            ours,
            limit,
            aim,
        )
    ours, article = interleaved(partial(posted_by, uids, 1), partial(article_way, uids))
    yield Row(
        "one posting, 1 clients",
        "Account.deposit",
        "the article's way, its statements in plain psycopg",
        "postings/s",
        ours,
        article,
        "at least 4",
    )
    for size, aim in ((100, "at least 0.2"), (10_000, "at least 0.35")):
        ours, copy = interleaved(partial(batch, uids, size), partial(copied, size))
        yield Row(f"batch of {size:,}", "Account.post_batch", "COPY into the real table", "postings/s", ours, copy, aim)
    check()


def interleaved(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    """Measure in turns and return both medians."""
    measured = [(ours(), theirs()) for _ in range(ROUNDS)]
    return median(pair[0] for pair in measured), median(pair[1] for pair in measured)


def prepare() -> list[UUID]:
    """Open the accounts, and make the bare tables that pgbench works on."""
    from backoffice.models import Entity, User  # noqa: PLC0415  Django is ready only now
    from ledger.models import Account  # noqa: PLC0415
    from ledger.opening import Opening, open_accounts  # noqa: PLC0415

    entity, staff = Entity.objects.create(code="bench", name="Bench"), User.objects.create(username="staff")
    people = User.objects.bulk_create([User(username=f"customer{n}") for n in range(ACCOUNTS)])
    now = timezone.now()
    opened = open_accounts(Account, [Opening(person, entity, "CZK", staff, now) for person in people])
    with psycopg.connect(superuser(), autocommit=True) as session:
        session.execute(BARE)
        session.execute("ANALYZE")
    return [outcome.unwrap()[0].uid for outcome in opened]


def superuser() -> str:
    """Return the superuser's URL of the ledger's database."""
    return embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])


def posted_by(uids: list[UUID], clients: int) -> float:
    """Return the postings a second of so many client processes, each on a connection of its own."""
    connections.close_all()
    with ProcessPoolExecutor(clients, mp_context=get_context("spawn"), initializer=django.setup) as pool:
        list(pool.map(post_for, [(uids, 0.2)] * clients))  # connect and prepare first
        started = time.perf_counter()
        done = sum(pool.map(post_for, [(uids, float(SECONDS))] * clients))
        return done / (time.perf_counter() - started)


def post_for(work: tuple[list[UUID], float]) -> int:
    """Deposit in turn for so many seconds; return how many."""
    from backoffice.models import User  # noqa: PLC0415  in a process of its own
    from ledger.models import Account  # noqa: PLC0415

    uids, seconds = work
    staff, done, until = User.objects.get(username="staff"), 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        uid = uids[hash((time.perf_counter_ns(), done)) % len(uids)]
        Account.deposit(uid=uid, amount=Decimal(1), by=staff, asof=timezone.now())
        done += 1
    return done


def bare(clients: int) -> float:
    """Return pgbench's transactions a second for the bare UPDATE and INSERT."""
    script = settings.BACKOFFICE_DATA / "limit.sql"
    script.write_text(LIMIT)
    command: list[str | Path] = [
        embedded.program("pgbench"),
        "-n",
        "-M",
        "prepared",
        "-f",
        script,
        "-c",
        str(clients),
        "-j",
        "2",
        "-T",
        str(SECONDS),
        superuser(),
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  the wheel's own program
    found = re.search(r"tps = ([\d.]+)", said)
    if not found:
        raise RuntimeError(f"pgbench said no rate: {said}")
    return float(found[1])


def article_way(uids: list[UUID]) -> float:
    """Return the postings a second of the plain ORM way, on the bare tables: lock, SUM for the cap, save, insert."""
    done, until = 0, time.perf_counter() + SECONDS
    with psycopg.connect(superuser()) as session:
        while time.perf_counter() < until:
            account = hash((time.perf_counter_ns(), done)) % len(uids) + 1
            article_deposit(session, account)
            done += 1
    return done / SECONDS


def article_deposit(session: psycopg.Connection, account: int) -> None:
    """Deposit as the article does, in its four statements; psycopg instead of the ORM flatters it."""
    with session.transaction():
        found = session.execute(
            "SELECT balance, version FROM bare_account WHERE id = %s FOR UPDATE", [account]
        ).fetchone()
        total = session.execute("SELECT sum(balance) FROM bare_account").fetchone()
        if not found or not total or total[0] > 10**12:
            raise RuntimeError("The bare accounts are gone.")
        balance, number = found[0] + 1, found[1] + 1
        session.execute("UPDATE bare_account SET balance = %s, version = %s WHERE id = %s", [balance, number, account])
        session.execute(
            "INSERT INTO bare_action (account_id, delta, balance, version, created) VALUES (%s, 1, %s, %s, now())",
            [account, balance, number],
        )


def batch(uids: list[UUID], size: int) -> float:
    """Return the postings a second of batches of one size."""
    from backoffice.models import User  # noqa: PLC0415  Django is ready only now
    from ledger.choices import ActionType  # noqa: PLC0415
    from ledger.models import Account  # noqa: PLC0415
    from ledger.posting import Posting  # noqa: PLC0415

    staff, times, now = User.objects.get(username="staff"), max(1, 5_000 // size), timezone.now()
    asked = [
        Posting(type=ActionType.DEPOSITED, uid=uids[n % len(uids)], by=staff, asof=now, amount=Decimal(1))
        for n in range(size)
    ]
    started = time.perf_counter()
    for _ in range(times):
        Account.post_batch(asked)
    return size * times / (time.perf_counter() - started)


def copied(size: int) -> float:
    """Return the rows a second of COPY into ledger_action, guards off, indexes and foreign keys on; then take them back."""
    columns = "account_id, entity_id, currency, type, delta, balance, status, version, created, reference_type, external_reference, comment, by_id"
    with psycopg.connect(superuser()) as session:
        session.execute("ALTER TABLE ledger_action DISABLE TRIGGER USER")
        made = session.execute(
            "SELECT account_id, entity_id, currency, 'deposited', 1, 1, 'open', 1000000 + version, created, 'none', '', '', by_id "
            "FROM ledger_action ORDER BY id LIMIT %s", [size],
        ).fetchall()  # fmt: skip
        started = time.perf_counter()
        with session.cursor().copy(f"COPY ledger_action ({columns}) FROM STDIN") as copy:
            for row in made:
                copy.write_row(row)
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        took = time.perf_counter() - started
        session.rollback()
    return size / took


def check() -> None:
    """Refuse the figures where the books do not agree."""
    from ledger.models import Account, Action  # noqa: PLC0415  Django is ready only now

    with transaction.atomic():
        balances = Account.objects.aggregate(total=Sum("balance"))["total"]
        deltas = Action.objects.aggregate(total=Sum("delta"))["total"]
    if balances != deltas or connection.vendor != "postgresql":
        raise RuntimeError(f"The books do not agree: {balances} in accounts, {deltas} in actions.")
