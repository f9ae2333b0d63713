"""The form of a limit where it is set at once."""

from typing import Any

from django import forms

from ledger.admin.commands.propose import NEEDS_SUBJECT
from ledger.models import Limit


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A limit; one that binds every entity is for who works on all of them, as row-level security has it."""

    may_bind_all = False  # given by the page

    class Meta:
        model = Limit
        fields = ("kind", "currency", "entity", "account", "amount", "valid")

    def clean(self) -> dict[str, Any]:
        """Refuse a limit for nobody in particular to who does not see everything."""
        data = super().clean() or {}
        if not (
            data.get("entity") or data.get("account") or self.may_bind_all or {"entity", "account"} & set(self.errors)
        ):
            raise forms.ValidationError(NEEDS_SUBJECT)
        return data
