"""The Withdraw page: money goes out."""

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.money import MoneyCommand
from ledger.choices import ActionType


class Withdraw(MoneyCommand):
    """Take an amount from each chosen account: `Account.withdraw`."""

    name = "withdraw"
    verb = "Withdraw"
    past = "Withdrawn"
    help_text = "Money is paid out to the customer. The balance shrinks at once and never goes below zero."
    guard = StaffGuard() & PermissionGuard("ledger.withdraw")
    posting_type = ActionType.WITHDRAWN
    kind = "withdraw"
    preposition = "from"
