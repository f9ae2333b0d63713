"""The form of a limit where it is set at once."""

from copy import deepcopy
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib.postgres.forms import DateTimeRangeField, RangeWidget

from backoffice.databases import SANDBOX
from backoffice.moments import KeptMoment, Moment
from ledger.admin.commands.propose import NEEDS_SUBJECT
from ledger.models import Cap, Limit
from ledger.money import exponent


def _valid() -> RangeWidget:
    """Return two moments, each with its name."""
    both = RangeWidget(Moment.widget)
    both.widgets = [deepcopy(Moment.widget) for _ in both.widgets]  # of which Django makes one and the same
    for widget, name in zip(both.widgets, ("Valid from", "Valid until"), strict=True):
        widget.attrs["aria-label"] = name
    return both


class Validity(DateTimeRangeField):
    """From and until, each a moment as everywhere else; compared with what is there, not with what a browser says was."""

    def __init__(self, **how: Any) -> None:
        both = {"fields": [KeptMoment(required=False), KeptMoment(required=False)], "show_hidden_initial": False}
        super().__init__(**{**how, **both, "widget": _valid()})

    def keep(self, valid: Any) -> None:
        """Leave the bounds that nobody touches as they are."""
        for moment, bound in zip(cast("list[KeptMoment]", self.fields), (valid.lower, valid.upper), strict=True):
            moment.kept = bound


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A limit; one that binds every entity is for who works on all of them, as row-level security has it."""

    may_bind_all = False  # given by the page

    class Meta:
        model = Limit
        fields = ("kind", "currency", "entity", "account", "amount", "valid")
        field_classes = {"valid": Validity}

    def __init__(self, *args: Any, **how: Any) -> None:
        """Offer the currencies that are kept, and show the amount as one of its own is written. One query."""
        super().__init__(*args, **how)
        if "currency" not in self.fields:  # what can only be looked at has none
            return
        kept = Cap.objects.using(SANDBOX).values_list("currency", flat=True)
        self.fields["currency"].widget = forms.Select(choices=[("", "---------"), *((code, code) for code in kept)])
        self.fields["currency"].help_text = ""
        for name in ("entity", "account"):  # chosen here, and neither made nor changed on the way
            chosen: Any = self.fields[name].widget
            chosen.can_add_related = chosen.can_change_related = chosen.can_view_related = False
        if self.instance.pk:
            self._show(self.instance)

    def _show(self, limit: Limit) -> None:
        """Write the amount with the decimals of its currency, and leave the bounds as they are unless they are changed."""
        self.initial["amount"] = limit.amount.quantize(Decimal(1).scaleb(-exponent(limit.currency)))
        cast("Validity", self.fields["valid"]).keep(limit.valid)

    def clean(self) -> dict[str, Any]:
        """Refuse a limit for nobody in particular to who does not see everything."""
        data = super().clean() or {}
        if not (
            data.get("entity") or data.get("account") or self.may_bind_all or {"entity", "account"} & set(self.errors)
        ):
            raise forms.ValidationError(NEEDS_SUBJECT)
        return data
