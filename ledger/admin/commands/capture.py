"""The Capture page: the claim is due, and what is held is taken."""

from decimal import Decimal
from typing import Any

from backoffice.command import CommandForm
from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.held import HoldCommand, figures_of
from ledger.admin.forms import CaptureForm
from ledger.choices import ActionType
from ledger.models import Action, Hold
from ledger.money import written
from ledger.posting import Posting


class Capture(HoldCommand):
    """Take all of a hold or a part of it, which releases the rest: `Hold.capture`."""

    name = "capture"
    verb = "Capture"
    past = "Captured"
    help_text = "The claim is due: the money is taken from the account. What is not taken is free again."
    guard = StaffGuard() & PermissionGuard("ledger.hold")
    form_class = CaptureForm
    posting_type = ActionType.CAPTURED
    preposition = "of"
    measure = "Balance"  # what is taken comes out of it
    standing = "the balance is now"
    bulk = False

    def stands(self, item: Any) -> str:
        """Return the balance."""
        return written(item.account.balance, item.currency)

    def before_and_after(self, item: Any, action: Action) -> tuple[str, str, str]:
        """Return the balances."""
        return figures_of(action.balance, action.delta, action.currency)

    def make_form(self, data: Any = None) -> CommandForm:
        """Say what an empty field means."""
        form = super().make_form(data)
        [hold] = self.objects
        form.fields["amount"].help_text = f"Empty: all of it, {written(hold.amount, hold.currency)}."
        return form

    def posting(self, item: Hold, data: dict[str, Any]) -> Posting:
        """Return the posting."""
        keywords = {"amount": self.amount(data), "comment": data["comment"], "hold": item}
        return Posting(type=self.posting_type, uid=item.account.uid, **self.common(item, data), **keywords)

    def amount(self, data: dict[str, Any]) -> Decimal:
        """Return what is typed, or all of it."""
        typed: Decimal | None = data.get("amount")
        return self.objects[0].amount if typed is None else typed

    def what_is_done(self, data: dict[str, Any]) -> str:
        return super().what_is_done({"amount": self.amount(data)})

    def _preposition(self, data: dict[str, Any]) -> str:
        return super()._preposition({"amount": self.amount(data)})
