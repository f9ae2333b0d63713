"""When the day and the month of a turnover begin: by the clock of the settings' time zone, also where it is set back or forward."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from backoffice.models import User
from ledger.errors import ExceedsLimit
from ledger.models import Account, Limit
from ledger.reading import periods
from tests.cast import OpenAccount
from tests.ledger.test_verify import tamper

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-01-31T22:59:59+00:00", "2026-01-31T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
        ("2026-01-31T23:00:00+00:00", "2026-02-01T00:00:00+01:00", "2026-02-01T00:00:00+01:00"),
        ("2026-03-29T12:00:00+00:00", "2026-03-29T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),  # set forward that day
        ("2026-03-30T12:00:00+00:00", "2026-03-30T00:00:00+02:00", "2026-03-01T00:00:00+01:00"),
        ("2026-06-30T21:59:59+00:00", "2026-06-30T00:00:00+02:00", "2026-06-01T00:00:00+02:00"),
        ("2026-10-25T12:00:00+00:00", "2026-10-25T00:00:00+02:00", "2026-10-01T00:00:00+02:00"),  # set back that day
    ],
)
def test_periods_begin_at_midnight_of_the_time_zone(now: str, day: str, month: str) -> None:
    with timezone.override(ZoneInfo("Europe/Prague")):
        found = periods(datetime.fromisoformat(now))
    assert [moment.isoformat() for moment in found] == [day, month]


@pytest.mark.parametrize(("kind", "counted"), [("daily_turnover", [40]), ("monthly_turnover", [40, 50])])
def test_turnover_counts_from_the_first_moment_of_its_period(
    committing: None, open_account: OpenAccount, agent: User, kind: str, counted: list[int]
) -> None:
    account = open_account("60")
    for amount in (50, 40):
        Account.deposit(uid=account.uid, amount=Decimal(amount), by=agent, asof=timezone.now())
    day = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    month = day.replace(day=1)
    yesterday = max(day - TICK, month)  # on the first of a month there is no yesterday in it
    for version, recorded in ((1, month - TICK), (2, month - TICK), (3, yesterday), (4, max(month, day))):
        tamper(
            "UPDATE ledger_action SET recorded = %s WHERE account_id = %s AND version = %s",
            recorded,
            account.pk,
            version,
        )
    used = sum(counted) if day > month else 90
    Limit.objects.create(kind=kind, currency="CZK", account=account, amount=Decimal(used + 10))
    with pytest.raises(ExceedsLimit):
        Account.deposit(uid=account.uid, amount=Decimal(11), by=agent, asof=timezone.now())
    Account.deposit(uid=account.uid, amount=Decimal(10), by=agent, asof=timezone.now())
