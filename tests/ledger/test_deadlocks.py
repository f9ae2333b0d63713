"""Transactions that wait for each other: who changes the ledger goes on, or is told to try again; nobody gets the database's error."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from backoffice import embedded
from backoffice.models import Entity, User
from ledger import errors
from ledger.management.commands.expire_due import Command
from ledger.models import Account, Approval, Hold, Limit
from tests.cast import OpenAccount

pytestmark = pytest.mark.usefixtures("committing")
WAITING = """
    SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()
"""
PATIENCE = 20  # seconds


@pytest.fixture
def lead(committing: None) -> User:
    return User.objects.create_user("lead", is_staff=True)


@pytest.fixture
def patient(committing: None) -> Iterator[psycopg.Connection]:
    """A transaction that never looks whether it waits in a circle, so that the other one is ended."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA, name)) as superuser:
        superuser.execute("SET deadlock_timeout = '60s'")
        superuser.execute("SET statement_timeout = '20s'")
        yield superuser
        superuser.rollback()


class Aside(threading.Thread):
    """Work on a connection of its own; `end` waits for it and returns what it returned, or raises what it raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.returned: object = None
        self.raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.returned = self.work()
        except BaseException as error:  # noqa: BLE001  of a thread: the test raises it
            self.raised = error
        finally:
            connections.close_all()

    def waits(self) -> None:
        """Return when somebody waits for a lock."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.is_alive():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_stat_clear_snapshot()")  # who is connected is else read once a transaction
                cursor.execute(WAITING)
                if cursor.fetchall() != [(0,)]:
                    return
            time.sleep(0.02)
        pytest.fail(f"Nobody waited: {self.raised}")

    def end(self) -> object:
        self.join(PATIENCE)
        if self.raised:
            raise self.raised
        assert not self.is_alive()
        return self.returned


def asked(nord: Entity, agent: User) -> Approval:
    Limit.objects.create(kind="max_deposit", currency="CZK", entity=nord, amount=Decimal(10))
    return Approval.request_limit(
        kind="max_deposit", currency="CZK", entity=nord, amount=Decimal(20), by=agent, asof=timezone.now(), reason="Why"
    )


def test_a_limit_is_approved_while_an_entity_is_added_below_it(nord: Entity, agent: User, lead: User) -> None:
    approval = asked(nord, agent)
    with transaction.atomic():
        Entity.objects.create(code="elsewhere", name="Elsewhere")
        approving = Aside(lambda: Approval.approve(uid=approval.uid, by=lead, asof=timezone.now()))
        approving.waits()
        below = Entity.objects.create(code="below", name="Below", parent=nord)
    approving.end()
    approval.refresh_from_db()
    assert approval.state == "approved"
    for limit in Limit.objects.filter(entity=nord):
        assert set(limit.branch or []) == {nord.pk, below.pk}


def test_an_approval_that_is_ended_in_a_deadlock_decides_nothing_and_can_be_tried_again(
    nord: Entity, agent: User, lead: User, patient: psycopg.Connection
) -> None:
    approval = asked(nord, agent)
    patient.execute("SELECT FROM ledger_limit WHERE entity_id = %s FOR UPDATE", [nord.pk])
    approving = Aside(lambda: Approval.approve(uid=approval.uid, by=lead, asof=timezone.now()))
    approving.waits()
    patient.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledger_branches', 0))")
    with pytest.raises(errors.Contended) as caught:
        approving.end()
    assert isinstance(caught.value.__cause__.__cause__, psycopg.errors.DeadlockDetected)  # type: ignore[union-attr]
    patient.rollback()
    approval.refresh_from_db()
    assert approval.state == "pending"
    Approval.approve(uid=approval.uid, by=lead, asof=timezone.now())


def test_a_posting_without_a_lock_that_is_ended_in_a_deadlock_is_posted_under_lock(
    open_account: OpenAccount, agent: User, patient: psycopg.Connection
) -> None:
    account = open_account("100")
    patient.execute("SELECT FROM ledger_headroom WHERE currency = 'CZK' FOR UPDATE")
    posting = Aside(lambda: Account.deposit(uid=account.uid, amount=Decimal(5), by=agent, asof=timezone.now()))
    posting.waits()
    # Tables are given in the order of asking; a row the second try might have first, and be ended in a deadlock again.
    patient.execute("LOCK TABLE ledger_account IN EXCLUSIVE MODE")
    patient.rollback()
    posting.end()
    account.refresh_from_db()
    assert (account.balance, account.version) == (105, 3)


@pytest.mark.parametrize("every", [None, 0.1])
def test_expiry_that_is_ended_in_a_deadlock_is_done_again(
    open_account: OpenAccount, agent: User, patient: psycopg.Connection, every: float | None
) -> None:
    accounts = [open_account("100") for _ in range(2)]
    now = timezone.now()
    for account in accounts:
        Hold.place(uid=account.uid, amount=Decimal(5), by=agent, asof=account.latest, expires=now)
    patient.execute("SELECT FROM ledger_account WHERE id = %s FOR UPDATE", [accounts[1].pk])

    begun = threading.Event()

    def meddle() -> None:
        begun.wait(PATIENCE)
        others.waits()
        patient.execute("SELECT FROM ledger_account WHERE id = %s FOR UPDATE", [accounts[0].pk])
        patient.rollback()
        until = time.monotonic() + PATIENCE
        while every and Hold.objects.filter(state="pending").exists() and time.monotonic() < until:
            time.sleep(0.05)
        command.stopped = bool(every)

    command, out, said = Command(stdout=io.StringIO(), stderr=io.StringIO()), io.StringIO(), io.StringIO()
    others = Aside(meddle)
    begun.set()
    call_command(command, json=True, every=every, stdout=out, stderr=said)
    others.end()
    assert json.loads(out.getvalue()) == {"holds": 2, "approvals": 0, "rights": 0}
    # Once or more: the round done again may take the first row before the one who waited for it is awake.
    assert set(said.getvalue().splitlines()) == {
        "Somebody changed the same at this very moment. Nothing has changed: try again."
    }
