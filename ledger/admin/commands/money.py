"""What deposit and withdrawal share: an amount, and a balance before and after."""

from ledger.admin.commands.base import AccountCommand
from ledger.admin.forms import MoneyForm
from ledger.models import Account
from ledger.money import written
from ledger.posting import Outcome


class MoneyCommand(AccountCommand):
    """A command that moves money."""

    form_class = MoneyForm

    def before_and_after(self, account: Account, outcome: Outcome) -> tuple[str, str, str]:
        """Return the balances."""
        _, action = outcome.unwrap()
        before, currency = action.balance - action.delta, account.currency
        return written(before, currency), written(action.delta, currency), written(action.balance, currency)
