"""When the day and the month of a turnover begin: by the clock of the settings' time zone, also where it is set back or forward."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.reading import periods


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
