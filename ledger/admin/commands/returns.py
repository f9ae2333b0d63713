"""What reversal and refund share: the actions, what they would give back, and the other account of a transfer."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from django.db.models import Sum

from backoffice.command import Line
from ledger.admin.commands.base import LedgerCommand
from ledger.admin.commands.money import balances
from ledger.admin.commands.transfer import two_sided
from ledger.admin.commands.wording import added_up
from ledger.admin.telling import called
from ledger.errors import LedgerError
from ledger.models import Account, Action
from ledger.money import written
from ledger.posting import Posting
from ledger.returning import ReturnRequest, returning


def returned(action: Action) -> Decimal:
    """Return how much of an action went back so far. One query."""
    so_far: Decimal | None = action.returns.aggregate(sum=Sum("delta"))["sum"]
    return abs(so_far or Decimal(0))


class ReturnCommand(LedgerCommand):
    """A command that takes actions back."""

    aside_template = "console/aside_action.html"
    standing = "the balance is now"
    preposition = "of"
    dangerous = True
    objects: Sequence[Action]

    def account_of(self, item: Action) -> Account:
        """Return the account of the action."""
        return item.account

    def label(self, item: Action) -> str:
        """Name the account and what is taken back."""
        return f"{item.get_type_display()} {item} · {item.account}"

    def subject(self, data: dict[str, Any]) -> str:
        """Name the action, its amount and its account."""
        [action] = self.objects
        amount = written(abs(action.delta), action.currency)
        return f"{action.get_type_display()} {action}, {amount} on {action.account}"

    def postings(self, data: dict[str, Any]) -> list[Posting | LedgerError]:
        """Return a posting for each action."""
        requests = cast(
            "list[ReturnRequest]",
            [{"uid": item.uid, "comment": data["comment"], **self.common(item, data)} for item in self.objects],
        )
        postings = returning(Action, requests, amount=data.get("amount"), using=self.model_admin.using)
        self.others = self._others([posting.counter for posting in postings if posting.counter])
        return [*postings]

    def _others(self, counters: Sequence[Action]) -> dict[int, Account]:
        """Return the other accounts of transfers that the person sees. One query where there are any."""
        accounts = self.model_admin.admin_site.get_model_admin(Account).get_queryset(self.request)
        return dict(accounts.in_bulk([counter.account_id for counter in counters])) if counters else {}

    def stands(self, item: Any) -> str:
        """Return the balance."""
        return written(item.account.balance, item.currency)

    def before_and_after(self, item: Action, action: Action) -> tuple[str, str, str]:
        """Return the balances."""
        return balances(action)

    def total(self, items: Sequence[Action], data: dict[str, Any]) -> str:
        """Return what goes back: from the accounts what had come in, to them what had gone out."""
        return added_up((action.currency, -action.delta) for action in items)

    def also(self, item: Action, first: Action, others: Sequence[Action]) -> tuple[Line, ...]:
        """Return the other account of a transfer."""
        known = [(self.others[action.account_id], action) for action in others]
        return tuple(two_sided(called(account), self.page_of(account), action) for account, action in known)
