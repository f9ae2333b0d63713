"""The forms of the ledger's commands: the shape of what is typed. Whether it may be is for the ledger to say."""

import re
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.command import CommandForm
from backoffice.moments import Moment
from backoffice.reason import MISSING, Prose
from ledger.admin.amounts import AmountField
from ledger.admin.telling import called, listed
from ledger.choices import ReferenceType
from ledger.models import Account, Action
from ledger.shape import LONGEST

ACCOUNT_SEARCH = "Search by a reference, a public id, a customer number, an e-mail address or how a name begins."
NEEDS_SCRIPT = "JavaScript is off in this browser: without it nothing can be searched for and chosen here."
CHOOSE_FOUND = "Choose an account from the list that the search shows."
COUNTERPARTY = Action._meta.get_field("counterparty")  # what the search of a receiving account is about


def reason(*, autofocus: bool = False) -> forms.CharField:
    """Return the field of the reason, the comment of an action: the ledger's callers may leave it out, the console not."""
    return Prose(
        max_length=LONGEST["comment"],
        label="Reason",
        help_text="It becomes part of the record.",
        error_messages={"required": MISSING},
        widget=forms.Textarea(attrs={"rows": 2, **({"autofocus": True} if autofocus else {})}),
    )


class LedgerForm(CommandForm):
    """A command on `objects`; `accounts` are those that its postings are on, one for each."""

    def __init__(self, data: Any = None, *, objects: Sequence[Any], accounts: Sequence[Account]) -> None:
        super().__init__(data)
        self.objects, self.accounts = objects, accounts


def mixing(accounts: Sequence[Account]) -> str:
    """Return the sentence that refuses accounts of several currencies, an amount being another thing in each; or nothing."""
    currencies = sorted({account.currency for account in accounts})
    return f"The selection mixes {listed(currencies)}: choose accounts of one currency." if currencies[1:] else ""


class AmountForm(LedgerForm):
    """How much, in the one currency of the accounts."""

    amount = AmountField()

    def __init__(self, data: Any = None, *, objects: Sequence[Any], accounts: Sequence[Account]) -> None:
        super().__init__(data, objects=objects, accounts=accounts)
        amount = cast("AmountField", self.fields["amount"])
        if accounts and not mixing(accounts):
            amount.label, amount.currency = f"Amount in {accounts[0].currency}", accounts[0].currency
        amount.widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        """Refuse a selection of several currencies."""
        if refusal := mixing(self.accounts):
            raise ValidationError(refusal)
        return self.cleaned_data


class MoneyForm(AmountForm):
    """How much, and where the other side of it can be found."""

    reference_type = forms.ChoiceField(choices=ReferenceType, initial=ReferenceType.NONE, label="Reference kind")
    reference = forms.CharField(
        required=False, max_length=LONGEST["reference"], help_text="How the bank, the cheque or the invoice calls it."
    )
    comment = reason()


class ReasonForm(LedgerForm):
    """Why."""

    comment = reason(autofocus=True)


class AccountField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    """A choice of one account."""

    def label_from_instance(self, obj: Account) -> str:
        """Tell accounts of the same name apart."""
        return called(obj)


class AccountSelect(AutocompleteSelect):
    """The search behind a choice of accounts, of those that go `beside` one; what cannot be a choice is shown as none."""

    beside: Account | None = None

    def get_url(self) -> str:
        """Say beside which account another is looked for."""
        url = super().get_url()
        return f"{url}?{urlencode({'beside': self.beside.pk})}" if self.beside else url

    def render(self, *args: Any, **how: Any) -> SafeString:
        """Say why there is nothing to choose, where no script can search."""
        return format_html('{}<noscript><p class="help">{}</p></noscript>', super().render(*args, **how), NEEDS_SCRIPT)

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """Look up only what can be the number of an account."""
        known = [one for one in value if re.fullmatch("[0-9]{1,18}", str(one))]
        return super().optgroups(name, known, attrs)


def search_accounts(
    field: Any, of: Any, accounts: QuerySet[Any], site: AdminSite, *, beside: Account | None = None
) -> None:
    """Let a field choose one of these accounts, searched as the list of accounts is; `of` is the model's field it fills."""
    field.queryset = accounts
    field.widget = AccountSelect(of, site, choices=field.choices, using=accounts.db)
    field.widget.beside = beside


class TransferForm(AmountForm):
    """Which account receives, and how much; `choose` is told which accounts the person sees."""

    to = AccountField(
        Account.objects.none(),
        label="To",
        help_text=ACCOUNT_SEARCH,
        error_messages={"invalid_choice": CHOOSE_FOUND},
    )
    comment = reason()
    field_order = ("key", "to", "amount", "comment")

    def choose(self, accounts: QuerySet[Any], site: AdminSite) -> None:
        """Offer of these accounts those of the currency but for the account itself, searched as the list of accounts is."""
        field = cast("AccountField", self.fields["to"])
        search_accounts(field, COUNTERPARTY, accounts, site, beside=self.accounts[0])
        self.fields["amount"].widget.attrs.pop("autofocus", None)
        field.widget.attrs["autofocus"] = True


class HoldForm(AmountForm):
    """How much is held, and until when."""

    expires = Moment(
        required=False,
        label="Expires",
        help_text="Then it is released by itself. Empty: it waits for somebody to capture or release it.",
    )
    comment = reason()


class CaptureForm(AmountForm):
    """How much of what is held is taken."""

    amount = AmountField(required=False)
    comment = reason()


class RefundForm(AmountForm):
    """How much goes back, and why."""

    comment = reason()
