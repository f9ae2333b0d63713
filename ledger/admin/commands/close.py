"""The Close page: the end of an account."""

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.base import AccountCommand
from ledger.admin.forms import ReasonForm
from ledger.choices import ActionType


class Close(AccountCommand):
    """Close each chosen account for good: `Account.close`."""

    name = "close"
    verb = "Close"
    past = "Closed"
    help_text = "An account is closed for good and only when it is empty. Its record stays."
    dangerous = True
    guard = StaffGuard() & PermissionGuard("ledger.close")
    form_class = ReasonForm
    posting_type = ActionType.CLOSED
