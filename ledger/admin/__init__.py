"""The ledger in the console: one module a model, one module a command page."""

from ledger.admin import dashboard  # noqa: F401  registers what the start page tells
from ledger.admin.account import AccountAdmin
from ledger.admin.action import ActionAdmin
from ledger.admin.approval import ApprovalAdmin
from ledger.admin.bounds import CapAdmin, LimitAdmin
from ledger.admin.finding import page as find_page
from ledger.admin.hold import HoldAdmin

__all__ = ["AccountAdmin", "ActionAdmin", "ApprovalAdmin", "CapAdmin", "HoldAdmin", "LimitAdmin", "find_page"]
