"""The forms on which a limit, its change or its end, or another cap is proposed: shape only."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.db.models import QuerySet

from backoffice.command import CommandForm
from backoffice.models import Entity
from backoffice.moments import Moment
from backoffice.reason import Prose
from ledger.admin.amounts import AmountField
from ledger.admin.forms import ACCOUNT_SEARCH, CHOOSE_FOUND, AccountField, search_accounts
from ledger.choices import LimitKind
from ledger.models import Account, Limit
from ledger.shape import LONGEST


class ProposalForm(CommandForm):
    """What every proposal has: an amount and why."""

    why = "reason"
    amount = AmountField()
    reason = Prose(
        max_length=LONGEST["comment"], widget=forms.Textarea(attrs={"rows": 2}), help_text="For whoever decides on it."
    )


class ChangeForm(ProposalForm):
    """A limit of a subject that is given."""

    valid_from = Moment(required=False, label="From", help_text="Empty: from its approval on.")
    valid_until = Moment(
        required=False, label="Until", help_text="Empty: without end. After it, the limit before comes back."
    )
    field_order: Iterable[str] = ("amount", "valid_from", "valid_until", "reason")


class NewForm(ChangeForm):
    """A limit of any subject that the reader sees."""

    kind = forms.ChoiceField(choices=LimitKind)
    currency = forms.ChoiceField(required=False, help_text="Empty: that of the account.")
    entity = forms.ModelChoiceField(Entity.objects.none(), required=False, help_text="Empty: not for one entity.")
    account = AccountField(
        Account.objects.none(),
        required=False,
        help_text=f"Empty: not for one account. {ACCOUNT_SEARCH}",
        error_messages={"invalid_choice": CHOOSE_FOUND},
    )
    field_order = ("kind", "currency", "entity", "account", *ChangeForm.field_order)

    def choose(
        self, *, currencies: Iterable[str], entities: QuerySet[Entity], accounts: QuerySet[Any], site: AdminSite
    ) -> None:
        """Offer these subjects; the account is searched as the list of accounts is."""
        fields: dict[str, Any] = self.fields
        kept = set(currencies)
        fields["currency"].choices = [("", "As the account"), *((name, name) for name in sorted(kept))]
        if (currency := self.data.get("currency")) in kept:
            fields["amount"].currency = str(currency)
        fields["entity"].queryset = entities
        search_accounts(fields["account"], Limit._meta.get_field("account"), accounts, site)

    def clean(self) -> dict[str, Any]:
        """Take the currency of the account, where there is one; without one, ask for it."""
        data = self.cleaned_data
        account, currency = data.get("account"), data.get("currency")
        if account and not currency:
            data["currency"] = account.currency
        elif not currency and "currency" not in self.errors and "account" not in self.errors:
            self.add_error("currency", "Choose the currency that the limit is in.")
        return data


class EndForm(CommandForm):
    """The end of a limit."""

    why = "reason"
    valid_from = Moment(required=False, label="Ends", help_text="Empty: with its approval.")
    reason = ProposalForm.base_fields["reason"]
    field_order = ("valid_from", "reason")
