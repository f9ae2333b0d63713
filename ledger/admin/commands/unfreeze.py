"""The Unfreeze page: business as usual again."""

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.base import AccountCommand
from ledger.admin.forms import ReasonForm
from ledger.choices import ActionType


class Unfreeze(AccountCommand):
    """Open each chosen frozen account again: `Account.unfreeze`."""

    name = "unfreeze"
    verb = "Unfreeze"
    past = "Unfrozen"
    undone_by = "freeze"
    help_text = "Money can go in and out again."
    guard = StaffGuard() & PermissionGuard("ledger.unfreeze")
    form_class = ReasonForm
    posting_type = ActionType.UNFROZEN
