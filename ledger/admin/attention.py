"""What the account's page warns of: little left of a limit, unusual amounts, what waits, what was booked late.

An amount is unusual where it moved today and is more than twice the largest of the movements before today, as far as these are
known: among the latest 200 actions, and at least ten of them. One index range, whatever the account's size. A first salary is
unusual by that and a second one is not; a customer whose amounts differ wildly is never called unusual for it.
"""

from collections.abc import Iterator, Sequence

from django.utils import timezone
from django.utils.html import format_html

from ledger import reading
from ledger.admin.telling import link
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.money import written
from ledger.possible import Used

LOOKED_AT = 200  # actions among which what is usual is looked for
KNOWN = 10  # movements before today, with fewer of which nothing is usual
TIMES = 2


def warnings(account: Account, used: Sequence[Used], latest: Sequence[Action], waiting: int) -> list[str]:
    """Return what to look at, in sentences; `latest` are the actions on the page, `waiting` how many requests wait."""
    found = [f"Near a limit: {one.kind.label.lower()} {one}." for one in used if one.is_near]
    found += unusual(account)
    if waiting:
        said = "A request waits" if waiting == 1 else f"{waiting} requests wait"
        found.append(format_html('{} <a href="#waiting-heading">for approval</a>.', said))
    if late := sum(action.created < action.latest for action in latest):
        said = "One of the latest actions was" if late == 1 else f"{late} of the latest actions were"
        found.append(f"{said} booked for a time before another: back-dated, and marked below.")
    return found


def unusual(account: Account) -> Iterator[str]:
    """Tell the amounts of today that are far above what is usual. One query."""
    day, _ = reading.periods(timezone.now())
    if account.latest < day:  # nothing has moved today
        return
    recent = Action.objects.filter(account=account, version__gt=account.version - LOOKED_AT).exclude(delta=0)
    moved = list(recent.only("reference", "delta", "created", "type", "currency").order_by("-version"))
    before = [abs(action.delta) for action in moved if action.created < day]
    if len(before) < KNOWN:
        return
    for action in moved:
        if action.created >= day and abs(action.delta) > TIMES * max(before):
            yield format_html(
                "Unusual: {} {} today ({}), where the largest of the {} movements before was {}.",
                ActionType(action.type).label, written(abs(action.delta), account.currency), link(action, action.reference),
                len(before), written(max(before), account.currency),
            )  # fmt: skip
