"""The databases of the questions, copies of the one that `migrate` made, and the check of their books afterwards."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from psycopg import sql

from bench import server
from bench.arms import Clients
from bench.posting import load

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "10000"))
MANY = int(os.environ.get("BENCH_MANY_ACCOUNTS", "1000000"))
LARGE = int(os.environ.get("BENCH_LARGE", "10000000"))
CEILING = Decimal(900_000_000_000_000)
BOOKS = sql.SQL("""
    SELECT (SELECT sum(balance) FROM ledger_account), (SELECT sum(delta) FROM ledger_action),
           (SELECT sum(version) FROM ledger_account), (SELECT count(*) FROM ledger_action)
""")


GRANT = """
    INSERT INTO backoffice_persongrant (user_id, entity_id, permission_id)
    SELECT u.id, e.id, p.id FROM backoffice_user u, backoffice_entity e, auth_permission p
    WHERE u.username = '{who}' AND p.codename = 'work_on_entity' AND e.code {which}
"""


def prepare() -> None:
    """Have the ledger write the rows that `load` copies: one account with its opening and one deposit."""
    from backoffice.models import Entity, User  # noqa: PLC0415  Django is ready only now
    from backoffice.scope import acting  # noqa: PLC0415
    from ledger.models import Account, Cap  # noqa: PLC0415

    begun = datetime(2020, 1, 1, tzinfo=UTC)
    with acting(actor=None, request_id="bench"):
        Cap.set(currency="CZK", ceiling=CEILING)
        entity, staff = Entity.objects.create(code="bench", name="Bench"), User.objects.create(username="staff")
        person = User.objects.create(username="customer")
        account, _ = Account.create(user=person, entity=entity, currency="CZK", by=staff, asof=begun)
    with acting(actor=None, request_id="bench"):
        Account.deposit(uid=account.uid, amount=Decimal(load.AMOUNT), by=staff, asof=begun)


@contextmanager
def filled(
    name: str,
    accounts: int = ACCOUNTS,
    actions: int = 2,
    *,
    before: Sequence[str] = (),
    people: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """Make a ledger with so many accounts, of so many actions each, for the block; `people` as for `load.fill`.

    `before`: statements of the superuser, triggers off, that make what accounts are to belong to.
    """
    server.create(name, template=server.ledger())
    try:
        started = time.perf_counter()
        with server.session(name) as session:
            session.execute("SET session_replication_role = replica")
            for statement in before:
                session.execute(statement)
        load.fill(name, accounts, actions, people)
        took = time.perf_counter() - started
        sys.stderr.write(f"{name}: {accounts:,} accounts of {actions:,} actions each, filled in {took:.0f} s\n")
        yield name
    finally:
        server.drop(name)


@contextmanager
def checked(database: str, arms: Sequence[Clients], legs: Sequence[int] = (), *, cap: bool = True) -> Iterator[None]:
    """Refuse the figures of the block where the books do not agree with each other and with what the clients say.

    `legs`: how many actions one operation of each arm makes; 1 without it. `cap`: whether this ledger keeps the cap.
    """
    before = _counted(database)
    yield
    made = sum(arm.done * each for arm, each in zip(arms, legs or [1] * len(arms), strict=True))
    after = _counted(database)
    if after - before != made or any(arm.refused for arm in arms):
        raise RuntimeError(f"{database} holds {after - before} new actions, and the clients made {made}.")
    _verify(database, cap=cap)


def _counted(database: str) -> int:
    balances, deltas, versions, actions = server.one(database, BOOKS)
    if balances != deltas or versions != actions:
        raise RuntimeError(f"{database}: {balances} in accounts, {deltas} in actions; {versions} versions, {actions}.")
    return int(str(actions))


def _verify(database: str, *, cap: bool) -> None:
    """Recompute the whole ledger by its own command; without the cap, its findings name no account."""
    from ledger.verification import verify  # noqa: PLC0415  Django is ready only now

    with server.working_in(database):
        findings = [finding for finding in verify().findings if cap or finding.account]
    if findings:
        raise RuntimeError(f"{database}: {len(findings)} findings, such as {findings[0]}.")
