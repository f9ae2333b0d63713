"""expire_due: releases what is due, once or until stopped."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as site
from django.core.management import CommandError
from django.utils import timezone
from pytest_django import Settings

from audit.models import Outbox
from backoffice.models import User
from backoffice.models.user import SYSTEM
from ledger.errors import LedgerError
from ledger.models import Account, Approval, Hold
from tests.audit.test_relay import addresses
from tests.cast import LONG_AGO, OpenAccount
from tests.ledger.test_verify import tamper
from tests.scope import call_command

ASOF = LONG_AGO + timedelta(days=2)


def place(account: Account, agent: User, *, days: int) -> Hold:
    expires = timezone.now() + timedelta(days=days)
    return Hold.place(uid=account.uid, amount=Decimal(5), by=agent, asof=ASOF, expires=expires)[0]


def run(**options: object) -> dict[str, int]:
    out = io.StringIO()
    call_command("expire_due", json=True, stdout=out, **options)
    found: dict[str, int] = json.loads(out.getvalue())
    return found


@pytest.mark.django_db
def test_command_releases_what_is_due_and_says_how_many(account: Account, agent: User) -> None:
    later, due = place(account, agent, days=1), place(account, agent, days=-1)
    assert run() == {"holds": 1, "approvals": 0, "rights": 0}
    assert run() == {"holds": 0, "approvals": 0, "rights": 0}
    assert [Hold.objects.get(pk=hold.pk).state for hold in (due, later)] == ["expired", "pending"]


@pytest.mark.django_db
def test_command_ends_requests_for_approval_that_nobody_decided(
    account: Account, agent: User, settings: Settings
) -> None:
    asked: Any = {"currency": "CZK", "by": agent, "reason": "Why"}
    Approval.request_cap(
        **asked, ceiling=Decimal(10**6), asof=timezone.now() - timedelta(days=settings.APPROVAL_DAYS + 1)
    )
    Approval.request_cap(**asked, ceiling=Decimal(10**7), asof=timezone.now())
    assert run() == {"holds": 0, "approvals": 1, "rights": 0}
    assert list(Approval.objects.order_by("id").values_list("state", flat=True)) == ["expired", "pending"]
    event = Outbox.objects.get(type="approval.expired")
    assert (event.user_id, event.username) == (SYSTEM, "system")


@pytest.mark.django_db
@pytest.mark.parametrize("every", [0.0, -1.0, float("nan")])
def test_impossible_pause_is_misuse(every: float) -> None:
    with pytest.raises(CommandError) as refusal:
        run(every=every)
    assert refusal.value.returncode == 2


@pytest.mark.usefixtures("committing")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("created = now()", "cannot be released: The account exists since"),  # a rule refuses the one
        (
            "version = 1",
            "cannot be released: The account changed outside the ledger",
        ),  # and a guard all of the statement
    ],
)
def test_a_hold_that_cannot_be_released_is_told_and_hinders_no_other(
    open_account: OpenAccount, agent: User, change: str, said: str
) -> None:
    bad, good = (place(open_account("100"), agent, days=-1) for _ in range(2))
    tamper(f"UPDATE ledger_account SET {change} WHERE id = %s", bad.account_id)  # noqa: S608  from the line above
    out, err = io.StringIO(), io.StringIO()
    call_command("expire_due", json=True, stdout=out, stderr=err)
    assert json.loads(out.getvalue()) == {"holds": 1, "approvals": 0, "rights": 0}
    assert [Hold.objects.get(pk=hold.pk).state for hold in (bad, good)] == ["pending", "expired"]
    assert err.getvalue().startswith(f"Hold {bad.uid} {said}")
    with pytest.raises(LedgerError):
        Hold.release_expired(now=timezone.now())


@pytest.mark.usefixtures("committing")
def test_command_goes_on_until_it_is_stopped(account: Account, agent: User) -> None:
    hold = place(account, agent, days=-1)
    environment = {**os.environ, **addresses(), "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    command = [sys.executable, "manage.py", "expire_due", "--every", "0.2", "--json"]
    with subprocess.Popen(command, cwd=site.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while Hold.objects.get(pk=hold.pk).state == "pending" and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert Hold.objects.get(pk=hold.pk).state == "expired"
    assert (process.returncode, json.loads(said)) == (0, {"holds": 1, "approvals": 0, "rights": 0})
