"""How accounts stood at a moment: what their last action until then, by the time it was recorded, left behind."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from ledger.models.action import Action

if TYPE_CHECKING:
    from ledger.models.account import Account


def stand(accounts: Sequence["Account"], moment: datetime, using: str) -> None:
    """Fill in what the historical rows leave to the actions. One query for all accounts."""
    last = (
        Action.objects.using(using)
        .filter(account__in=[account.pk for account in accounts], recorded__lte=moment)
        .order_by("account_id", "-version")
        .distinct("account_id")
    )
    left = {action.account_id: action for action in last}
    for account in accounts:
        action = left.get(account.pk)
        account.balance, account.version = (action.balance, action.version) if action else (Decimal(0), 0)
        account.held, account.turnover = (action.held, action.turnover) if action else (Decimal(0), Decimal(0))
        account.modified = action.created if action else account.created
        account.latest = action.latest if action else account.created
        account.status = action.status if action else account.status
