"""The Reverse page: an action is taken back as a whole."""

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.returns import ReturnCommand
from ledger.admin.forms import ReasonForm
from ledger.choices import ActionType


class Reverse(ReturnCommand):
    """Take each chosen action back, once; of a transfer both legs: `Action.reverse`."""

    name = "reverse"
    verb = "Reverse"
    past = "Reversed"
    help_text = (
        "The whole amount goes back by a posting in the other direction, once; a transfer goes back on both accounts."
    )
    guard = StaffGuard() & PermissionGuard("ledger.reverse")
    form_class = ReasonForm
    posting_type = ActionType.REVERSED
