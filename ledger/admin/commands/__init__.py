"""The command pages of the ledger, in the order of their buttons."""

from ledger.admin.commands.base import AccountCommand
from ledger.admin.commands.close import Close
from ledger.admin.commands.deposit import Deposit
from ledger.admin.commands.freeze import Freeze
from ledger.admin.commands.unfreeze import Unfreeze
from ledger.admin.commands.withdraw import Withdraw

ACCOUNT_COMMANDS: tuple[type[AccountCommand], ...] = (Deposit, Withdraw, Freeze, Unfreeze, Close)

__all__ = ["ACCOUNT_COMMANDS", "AccountCommand"]
