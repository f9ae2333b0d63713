"""The ledger's models. Their classmethods are the only door to money."""

from ledger.models.account import Account
from ledger.models.action import Action
from ledger.models.approval import Approval
from ledger.models.cap import Cap, Headroom
from ledger.models.hold import Hold
from ledger.models.limit import Limit
from ledger.models.note import Mention, Note
from ledger.models.refusal import Refusal

__all__ = ["Account", "Action", "Approval", "Cap", "Headroom", "Hold", "Limit", "Mention", "Note", "Refusal"]
