"""The ledger's models. Their classmethods are the only door to money."""

from ledger.models.account import Account
from ledger.models.action import Action
from ledger.models.cap import Cap, Headroom
from ledger.models.limit import Limit
from ledger.models.refusal import Refusal

__all__ = ["Account", "Action", "Cap", "Headroom", "Limit", "Refusal"]
