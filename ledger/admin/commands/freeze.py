"""The Freeze page: nothing in, nothing out."""

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.base import AccountCommand
from ledger.admin.forms import ReasonForm
from ledger.choices import ActionType


class Freeze(AccountCommand):
    """Freeze each chosen account: `Account.freeze`."""

    name = "freeze"
    verb = "Freeze"
    past = "Frozen"
    help_text = "No money goes in or out until somebody unfreezes the account. The balance stays."
    dangerous = True
    undone_by = "unfreeze"
    guard = StaffGuard() & PermissionGuard("ledger.freeze")
    form_class = ReasonForm
    posting_type = ActionType.FROZEN
