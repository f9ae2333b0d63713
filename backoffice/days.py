"""Days as people choose them: of the site's zone, the last one included; what ends with a day ends at the midnight after it."""

from datetime import date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.moment import EARLIEST as EARLIEST_YEAR

EARLIEST, LATEST = date(EARLIEST_YEAR, 1, 1), date(2999, 12, 31)  # what is counted from these stays in the calendar
DAY = timedelta(days=1)


def midnight(day: date) -> datetime:
    """Return the moment at which a day begins, in the zone of the site."""
    return timezone.make_aware(datetime.combine(day, time.min))


def check_days(since: date | None, until: date | None) -> None:
    """Refuse what ends before it begins, or is of no year that a ledger has.

    Raises:
        ValidationError: with a sentence for who typed it.
    """
    if since and until and until < since:
        raise ValidationError("The last day is before the first one.")
    if any(day and not EARLIEST <= day <= LATEST for day in (since, until)):
        raise ValidationError(f"Choose days from {EARLIEST.year} to {LATEST.year}.")
