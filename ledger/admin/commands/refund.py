"""The Refund page: a part of an action goes back."""

from typing import Any

from backoffice.command import CommandForm
from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.returns import ReturnCommand, returned
from ledger.admin.forms import RefundForm
from ledger.choices import ActionType
from ledger.money import written


class Refund(ReturnCommand):
    """Give back a part of an action, never more in all than it was: `Action.refund`."""

    name = "refund"
    verb = "Refund"
    past = "Refunded"
    help_text = "A part of the amount goes back. All refunds of an action together are never more than it was."
    guard = StaffGuard() & PermissionGuard("ledger.refund")
    form_class = RefundForm
    posting_type = ActionType.REFUNDED
    bulk = False

    def make_form(self, data: Any = None) -> CommandForm:
        """Say how much can still go back."""
        form = super().make_form(data)
        [action] = self.objects
        whole = abs(action.delta)
        left = written(whole - returned(action), action.currency)
        form.fields["amount"].help_text = f"{left} of {written(whole, action.currency)} can go back."
        return form
