"""What deposit and withdrawal share: an amount, and a balance before and after."""

from typing import Any

from django.utils.functional import lazy

from backoffice.command import CommandForm
from ledger.admin.commands.base import AccountCommand
from ledger.admin.forms import MoneyForm
from ledger.choices import ActionType
from ledger.models import Account
from ledger.money import written
from ledger.possible import what_is_possible
from ledger.posting import Outcome


class MoneyCommand(AccountCommand):
    """A command that moves money."""

    form_class = MoneyForm

    def make_form(self, data: Any = None) -> CommandForm:
        """Say at the amount, on one account's page, what is possible now; asked for when the form is shown."""
        form = super().make_form(data)
        if "object_id" in self.kwargs:
            form.fields["amount"].help_text = lazy(self._possible, str)()
        return form

    def _possible(self) -> str:
        [account] = self.objects
        possible = what_is_possible(account, using=account._state.db or "default")
        return str(possible.deposit if self.posting_type == ActionType.DEPOSITED else possible.withdraw)

    def before_and_after(self, account: Account, outcome: Outcome) -> tuple[str, str, str]:
        """Return the balances."""
        _, action = outcome.unwrap()
        before, currency = action.balance - action.delta, account.currency
        return written(before, currency), written(action.delta, currency), written(action.balance, currency)
