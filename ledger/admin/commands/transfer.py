"""The Transfer page: money goes from one account to another of the same currency."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from backoffice.command import CommandForm, Line
from backoffice.guards import PermissionGuard, StaffGuard
from ledger.admin.commands.money import MoneyCommand, balances
from ledger.admin.forms import TransferForm
from ledger.admin.telling import called
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.possible import what_can_be_transferred
from ledger.posting import Posting
from ledger.rules import RECEIVING


class Transfer(MoneyCommand):
    """Move an amount from the account to another that the person sees: `Account.transfer`."""

    name = "transfer"
    verb = "Transfer"
    past = "Transferred"
    help_text = "Both accounts change at once, or neither does. They have to be of one currency; nothing is converted."
    guard = StaffGuard() & PermissionGuard("ledger.transfer")
    form_class = TransferForm
    posting_type = ActionType.TRANSFERRED_OUT
    kind = "transfer"
    preposition = "from"
    aside_template = "console/aside_transfer.html"
    bulk = False
    to: Account  # which receives, once it is chosen

    def make_form(self, data: Any = None) -> CommandForm:
        """Offer the accounts that the person sees."""
        form = cast("TransferForm", super().make_form(data))
        form.choose(self.model_admin.get_queryset(self.request), self.model_admin.admin_site)
        return form

    def possible(self, form: CommandForm) -> str:
        """Return what is possible now, also by the account that receives, once it is chosen."""
        [account] = self.objects
        to = getattr(form, "cleaned_data", {}).get("to")
        if to and to != account and to.currency == account.currency:
            return str(what_can_be_transferred(account, to, using=self.model_admin.using))
        return super().possible(form)

    def posting(self, item: Account, data: dict[str, Any]) -> Posting:
        """Return the posting, which the ledger makes two legs of."""
        self.to = data["to"]
        keywords = {"amount": data["amount"], "comment": data["comment"], "to": self.to.uid}
        return Posting(type=self.posting_type, uid=item.uid, **self.common(item, data), **keywords)

    def explained(self, form: CommandForm, lines: Sequence[Line], then: dict[str, Any] | None = None) -> CommandForm:
        """Name the receiving account where it is the one that refuses; not in the record, which others read."""
        return super().explained(form, [self._named(line) for line in lines], then)

    def _named(self, line: Line) -> Line:
        which = f"{RECEIVING} account"
        if which not in line.error:
            return line
        named = line.error.replace(which, f"{which} ({called(self.to)})", 1)
        return replace(line, error=named, error_field=line.error_field or "to")

    def also(self, item: Account, first: Action, others: Sequence[Action]) -> tuple[Line, ...]:
        """Return the receiving account, told from others of the same name."""
        return tuple(two_sided(called(self.to), self.page_of(self.to), action) for action in others)

    def subject(self, data: dict[str, Any]) -> str:
        """Name both accounts."""
        return f"{self.objects[0]} to {data['to']}"


def two_sided(label: str, url: str, action: Action) -> Line:
    """Return the row of the other leg."""
    before, change, after = balances(action)
    return Line(label=label, url=url, before=before, change=change, after=after)
