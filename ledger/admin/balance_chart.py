"""The balance of an account over the last ninety days, drawn from at most forty of its actions.

Versions have no gap and their business times never fall, so the first action of the period is found by bisection and the
others are every so manieth version from there to the last: forty looks into one index, whether the account has ten actions or
a million. What was booked back-dated counts from when it was booked, as the running balance does.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connections
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from backoffice import charts
from ledger.models import Account
from ledger.money import written

DAYS = timedelta(days=90)
STEPS = 40
SAMPLED = """
    WITH period AS MATERIALIZED (
        SELECT greatest(ledger_version_at(%s::bigint, %s::timestamptz, true, %s::int), 1) AS first, %s::int AS last),
    sampled AS MATERIALIZED (
        SELECT DISTINCT (first + (last - first) * n / %s::bigint)::int AS version
        FROM period CROSS JOIN generate_series(0, %s::bigint) n)
    SELECT a.version, a.latest, a.balance FROM sampled s CROSS JOIN LATERAL (
        SELECT version, latest, balance FROM ledger_action WHERE account_id = %s::bigint AND version = s.version OFFSET 0) a
    ORDER BY a.version
"""  # materialised, because the planner would bisect anew for each of the steps


def balance_chart(account: Account, now: datetime) -> SafeString:
    """Return the chart with the table behind it; nothing where nothing was there all the time. One query."""
    since = now - DAYS
    rows = _sampled(account, since) if account.version > 1 else []
    if not any(balance for _, _, balance in rows):
        return SafeString()
    points = [_point(account, max(latest, since), balance) for _, latest, balance in rows]
    actions = rows[-1][0] - rows[0][0] + 1
    text = f"Balance after {f'{len(rows)} of its {actions:,} actions' if actions > len(rows) else 'each action'}."
    return charts.line(
        "balance-chart", "Balance in the last 90 days", text, points, until=(now, "now"), headings=("Since", "Balance")
    )


def _sampled(account: Account, since: datetime) -> list[tuple[int, datetime, Decimal]]:
    last, pk = account.version, account.pk
    with connections[account._state.db or "default"].cursor() as cursor:
        cursor.execute(SAMPLED, [pk, since, last, last, STEPS, STEPS, pk])
        found: list[tuple[int, datetime, Decimal]] = cursor.fetchall()
    return found


def _point(account: Account, at: datetime, balance: Decimal) -> charts.Point:
    when = date_format(timezone.localtime(at), "j M Y, H:i")
    return charts.Point(at, balance, when, written(balance, account.currency))
