"""What commands on holds share: what is available before and after, and beside it what is held and the balance."""

from collections.abc import Sequence
from typing import Any

from backoffice.command import Line
from ledger.admin.commands.base import LedgerCommand
from ledger.admin.commands.wording import added_up
from ledger.models import Account, Action, Hold
from ledger.money import written


class HoldFigures(LedgerCommand):
    """A command that changes what is held, and so what is available."""

    measure = "Available"
    standing = "what is available is now"

    def stands(self, item: Any) -> str:
        """Return what is available."""
        account = self.account_of(item)
        return written(account.available, account.currency)

    def before_and_after(self, item: Any, action: Action) -> tuple[str, str, str]:
        """Return what was and is available."""
        return figures_of(action.balance - action.held, action.delta - action.held_delta, action.currency)

    def also(self, item: Any, first: Action, others: Sequence[Action]) -> tuple[Line, ...]:
        """Return, on the page of one object, what is held and the balance."""
        if not self.single:
            return ()
        free = (first.balance - first.held, first.delta - first.held_delta)
        rows = {"Available": free, "Held": (first.held, first.held_delta), "Balance": (first.balance, first.delta)}
        rows.pop(self.measure)
        figures = {name: figures_of(after, change, first.currency) for name, (after, change) in rows.items()}
        return tuple(Line(label=name, before=b, change=c, after=a) for name, (b, c, a) in figures.items())


def figures_of(after: Any, change: Any, currency: str) -> tuple[str, str, str]:
    """Return what was before, what changes and what stands after, in words."""
    return written(after - change, currency), written(change, currency) if change else "", written(after, currency)


class HoldCommand(HoldFigures):
    """A command that resolves holds."""

    aside_template = "console/aside_hold.html"
    objects: Sequence[Hold]

    def account_of(self, item: Hold) -> Account:
        """Return the account of the hold."""
        return item.account

    def label(self, item: Hold) -> str:
        """Name the account too."""
        return f"{item} · {item.account}"

    def total(self, items: Sequence[Hold], data: dict[str, Any]) -> str:
        """Return what is available again."""
        return added_up((hold.currency, hold.amount) for hold in items)

    def subject(self, data: dict[str, Any]) -> str:
        """Name hold and account."""
        [hold] = self.objects
        return f"hold {hold} of {hold.account}"
