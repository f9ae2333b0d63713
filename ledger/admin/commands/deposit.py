"""The Deposit page: money comes in."""

from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.money import MoneyCommand
from ledger.choices import ActionType


class Deposit(MoneyCommand):
    """Add an amount to each chosen account: `Account.deposit`."""

    name = "deposit"
    verb = "Deposit"
    past = "Deposited"
    help_text = (
        "Money has come in for the customer. The balance grows at once, and the record keeps who did it and why."
    )
    guard = StaffGuard() & PermissionGuard("ledger.deposit")
    posting_type = ActionType.DEPOSITED
    kind = "deposit"
