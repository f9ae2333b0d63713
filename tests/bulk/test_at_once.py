"""Runs under real concurrency: one confirmation counts, workers share a run, and what is killed is gone on with."""

import threading
import time
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse

from backoffice import embedded
from backoffice.models import User
from bulk import worker
from bulk.models import Run
from ledger.admin.commands import several
from ledger.models import Account
from ledger.verification import verify
from tests.bulk.conftest import choose_all, permit, preview, sent
from tests.cast import OpenAccount
from tests.ledger.test_concurrency import at_once

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def accounts(committing: None, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> list[Account]:
    monkeypatch.setattr(several, "AT_ONCE", 1)
    monkeypatch.setattr(worker, "PORTION", 2)
    return [open_account("5") for _ in range(9)]


def confirmation(agent: User) -> tuple[Client, str, dict[str, str]]:
    """Return what the confirmation of a deposit to all accounts would send."""
    permit(agent, "deposit")
    console = Client()
    console.force_login(agent)
    url = choose_all(console, "deposit")
    return console, url, sent(preview(console, url, amount="10"))


def balances() -> list[Decimal]:
    return list(Account.objects.order_by("pk").values_list("balance", flat=True))


def test_many_confirmations_at_once_are_one_run_and_many_workers_do_each_row_once(
    accounts: list[Account], agent: User
) -> None:
    console, url, fields = confirmation(agent)
    led: list[str] = []
    cookies = console.cookies

    def confirm(_: int) -> None:
        browser = Client()
        browser.cookies = cookies
        led.append(browser.post(url, fields).headers["Location"])

    assert at_once(confirm, 4) == {"ok": 4}
    run = Run.objects.get()
    assert led == [reverse("console:bulk_run_change", args=[run.pk])] * 4
    assert (run.state, run.total, run.rows.count()) == ("running", 9, 9)

    def work(_: int) -> None:
        until = time.monotonic() + 120
        while Run.objects.filter(state="running").exists() and time.monotonic() < until:
            worker.go_on()

    assert at_once(work, 3) == {"ok": 3}
    run.refresh_from_db()
    assert (run.state, run.posted, run.refused, run.problem) == ("done", 9, 0, "")
    assert balances() == [15] * 9
    assert verify().findings == []


def test_a_killed_worker_leaves_nothing_half_done_and_the_next_one_goes_on(
    accounts: list[Account], agent: User
) -> None:
    console, url, fields = confirmation(agent)
    console.post(url, fields)
    assert worker.go_on()
    raised: list[Any] = []

    def work() -> None:
        try:
            worker.go_on()
        except Exception as error:  # noqa: BLE001  of a thread: the test looks at it
            raised.append(type(error).__name__)
        finally:
            connections.close_all()

    killing = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    with transaction.atomic():
        Account.objects.select_for_update(of=("self",)).get(pk=accounts[3].pk)  # the second of the portion to come
        thread = threading.Thread(target=work)
        thread.start()
        with psycopg.connect(killing, autocommit=True) as superuser:
            waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            until = time.monotonic() + 120
            while not superuser.execute(f"SELECT {waiting}").rowcount and time.monotonic() < until:
                time.sleep(0.02)
            assert superuser.execute(f"SELECT pg_terminate_backend(pid) {waiting}").rowcount == 1
        thread.join(30)
    assert raised == ["OperationalError"]
    run = Run.objects.get()
    assert (run.state, run.settled, run.tries) == ("running", 2, 0)
    assert balances() == [15, 15, *[5] * 7]
    while worker.go_on():
        pass
    run.refresh_from_db()
    assert (run.state, run.posted) == ("done", 9)
    assert balances() == [15] * 9
    assert verify().findings == []
