"""The Release page: nobody has a claim any more."""

from typing import Any

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.held import HoldCommand
from ledger.admin.forms import ReasonForm
from ledger.choices import ActionType
from ledger.models import Hold
from ledger.posting import Posting


class Release(HoldCommand):
    """Hold the amount of each chosen hold no more: `Hold.release`."""

    name = "release"
    verb = "Release"
    past = "Released"
    help_text = "Nobody has a claim any more: the customer can spend the money again."
    guard = StaffGuard() & PermissionGuard("ledger.hold")
    form_class = ReasonForm
    posting_type = ActionType.RELEASED

    def posting(self, item: Hold, data: dict[str, Any]) -> Posting:
        """Return the posting."""
        keywords = {"comment": data["comment"], "hold": item}
        return Posting(type=self.posting_type, uid=item.account.uid, **self.common(item, data), **keywords)
