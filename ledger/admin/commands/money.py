"""What commands that move money share: an amount, what is possible now, and a balance before and after."""

from typing import Any, ClassVar

from django.utils.functional import cached_property, lazy
from django.utils.text import capfirst

from backoffice.command import CommandForm
from ledger.admin.commands.alike import done_alike, in_words
from ledger.admin.commands.base import AccountCommand
from ledger.admin.forms import LedgerForm, MoneyForm, mixing
from ledger.models import Account, Action
from ledger.money import written
from ledger.possible import Range, what_is_possible


def balances(action: Action) -> tuple[str, str, str]:
    """Return the balance before an action, what it changes, and the balance after it."""
    before, currency = action.balance - action.delta, action.currency
    return written(before, currency), written(action.delta, currency), written(action.balance, currency)


class MoneyCommand(AccountCommand):
    """A command that moves an amount that is typed."""

    form_class: ClassVar[type[LedgerForm]] = MoneyForm
    standing = "the balance is now"
    repeats = True
    kind: ClassVar[str]  # the field of `Possible` that says how much

    def make_form(self, data: Any = None) -> CommandForm:
        """Say at the amount, on one account's page, what is possible now; asked for when the form is shown."""
        form = super().make_form(data)
        if self.single:
            form.fields["amount"].help_text = lazy(self.possible, str)(form)
        return form

    def obstacle(self) -> str:
        """Say so where one amount cannot be of all of them, and on one account's page where none is possible."""
        if not self.single:
            return mixing(self.objects) or super().obstacle()
        return capfirst(self.now.obstacle)

    def binding(self, form: CommandForm) -> str:
        """Say in the preview what is possible too."""
        return self.possible(form)

    def alike(self, form: CommandForm) -> str:
        """Say so where the same was done on the one account a short while ago, or under the same reference."""
        site = self.model_admin.admin_site
        actions = site.get_model_admin(Action)
        if not self.single or not actions.has_view_permission(self.request):
            return ""
        rows = actions.get_queryset(self.request)
        found = done_alike(rows, self.objects[0], self.posting_type, form.cleaned_data)
        return in_words(found, self.past, site) if found else ""

    def possible(self, form: CommandForm) -> str:
        """Return what is possible now, in a sentence."""
        return str(self.now)

    @cached_property
    def now(self) -> Range:
        """What is possible now on the one account; asked once, as the form and what stands in its place both say it."""
        [account] = self.objects
        found: Range = getattr(what_is_possible(account, using=self.model_admin.using), self.kind)
        return found

    def stands(self, item: Any) -> str:
        """Return the balance."""
        return written(item.balance, item.currency)

    def before_and_after(self, item: Account, action: Action) -> tuple[str, str, str]:
        """Return the balances."""
        return balances(action)
