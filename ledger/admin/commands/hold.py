"""The Hold page: money stays on the account and cannot be spent."""

from typing import Any

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.held import HoldFigures
from ledger.admin.commands.money import MoneyCommand
from ledger.admin.forms import HoldForm
from ledger.choices import ActionType
from ledger.holding import placing
from ledger.models import Account
from ledger.posting import Posting


class PlaceHold(HoldFigures, MoneyCommand):
    """Hold an amount on each chosen account: `Hold.place`."""

    name = "hold"
    verb = "Hold"
    past = "Held"
    help_text = (
        "Somebody has a claim on the money: it stays in the balance and cannot be spent until the hold is captured or "
        "released."
    )
    guard = StaffGuard() & PermissionGuard("ledger.hold")
    form_class = HoldForm
    posting_type = ActionType.HELD
    kind = "hold"
    preposition = "on"

    def posting(self, item: Account, data: dict[str, Any]) -> Posting:
        """Return the posting. Raises InvalidMoment where the end is before the beginning."""
        asked = {"amount": data["amount"], "expires": data["expires"], "comment": data["comment"]}
        return placing({"uid": item.uid, **self.common(item, data), **asked})  # type: ignore[typeddict-item]  # built here
