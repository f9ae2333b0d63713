"""The forms of the ledger's commands: the shape of what is typed. Whether it may be is for the ledger to say."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from backoffice.command import CommandForm
from ledger.choices import ReferenceType
from ledger.models import Account
from ledger.money import AMOUNT
from ledger.shape import LONGEST


class AmountField(forms.CharField):
    """An amount as people type it: spaces do not matter, the decimal point is a point."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "amount"})

    def clean(self, value: Any) -> Decimal:
        """Return the number; signs, commas and letters get a sentence."""
        typed = "".join(str(super().clean(value)).split())
        if "," in typed:
            raise ValidationError("Write the amount with a point and without thousands separators, such as 1234.50.")
        if not AMOUNT.fullmatch(typed):
            raise ValidationError("Write the amount as a number, such as 1234.50.")
        return Decimal(typed)


class AccountsForm(CommandForm):
    """A command on accounts of one currency."""

    def __init__(self, data: Any = None, *, accounts: Sequence[Account]) -> None:
        super().__init__(data)
        self.accounts = accounts


class MoneyForm(AccountsForm):
    """How much, and where the other side of it can be found."""

    amount = AmountField()
    reference_type = forms.ChoiceField(choices=ReferenceType, initial=ReferenceType.NONE, label="Reference kind")
    reference = forms.CharField(
        required=False, max_length=LONGEST["reference"], help_text="How the bank, the cheque or the invoice calls it."
    )
    comment = forms.CharField(
        required=False, max_length=LONGEST["comment"], widget=forms.Textarea(attrs={"rows": 2}), label="Reason"
    )

    def __init__(self, data: Any = None, *, accounts: Sequence[Account]) -> None:
        super().__init__(data, accounts=accounts)
        self.fields["amount"].label = f"Amount in {accounts[0].currency}" if accounts else "Amount"
        self.fields["amount"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        """Refuse a selection of several currencies: an amount means something else in each."""
        currencies = sorted({account.currency for account in self.accounts})
        if len(currencies) > 1:
            raise ValidationError(f"The selection mixes {' and '.join(currencies)}: choose accounts of one currency.")
        return self.cleaned_data


class ReasonForm(AccountsForm):
    """Why."""

    comment = forms.CharField(
        max_length=LONGEST["comment"],
        label="Reason",
        help_text="It becomes part of the record.",
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
    )
