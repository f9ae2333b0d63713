"""The command pages of the ledger, in the order of their buttons."""

from ledger.admin.commands.base import AccountCommand, LedgerCommand
from ledger.admin.commands.capture import Capture
from ledger.admin.commands.close import Close
from ledger.admin.commands.deposit import Deposit
from ledger.admin.commands.freeze import Freeze
from ledger.admin.commands.hold import PlaceHold
from ledger.admin.commands.refund import Refund
from ledger.admin.commands.release import Release
from ledger.admin.commands.reverse import Reverse
from ledger.admin.commands.transfer import Transfer
from ledger.admin.commands.unfreeze import Unfreeze
from ledger.admin.commands.withdraw import Withdraw

ACCOUNT_COMMANDS: tuple[type[LedgerCommand], ...] = (Deposit, Withdraw, Transfer, PlaceHold, Freeze, Unfreeze, Close)
ACTION_COMMANDS: tuple[type[LedgerCommand], ...] = (Refund, Reverse)
HOLD_COMMANDS: tuple[type[LedgerCommand], ...] = (Capture, Release)

__all__ = ["ACCOUNT_COMMANDS", "ACTION_COMMANDS", "HOLD_COMMANDS", "AccountCommand", "LedgerCommand"]
