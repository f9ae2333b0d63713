"""Limits and caps in the console."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet, Sum
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime

from backoffice.admin import ConsoleAdmin, ReadOnlyAdmin
from backoffice.grants import request_entities
from backoffice.models.voiding import AnyOf
from ledger.admin.filters import CurrencyFilter
from ledger.models import Cap, Limit
from ledger.models.limit import always
from ledger.money import written


class NarrowLimitForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A limit of some entity or account, not of a whole currency."""

    def clean(self) -> dict[str, Any]:
        """Refuse a limit that would bind entities that its author does not work on."""
        data = super().clean() or self.cleaned_data
        if not (data.get("entity") or data.get("account") or {"entity", "account"} & set(self.errors)):
            raise ValidationError(
                "Choose an entity or an account: a limit for all entities is for those who see all of them."
            )
        return data


@admin.register(Limit)
class LimitAdmin(ConsoleAdmin):
    """What is the least and the most, for whom, and when."""

    list_display = ("kind", "currency", "entity", "account", "amount_written", "valid_written")
    list_filter = ("kind", CurrencyFilter)
    list_select_related = ("entity", "account__user", "account__entity")
    autocomplete_fields = ("entity",)
    raw_id_fields = ("account",)
    ordering = ("currency", "kind", "id")
    entity_path = "entity"

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show what binds the reader's accounts: limits of the whole currency, of their entities and of them."""
        entities = request_entities(request)
        if entities is None:
            return queryset
        return queryset.filter(
            Q(entity=None, account=None) | AnyOf(F("entity"), entities) | AnyOf(F("account__entity"), entities)
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave a limit of a whole currency to those who see all entities: it binds every one of them."""
        if isinstance(obj, Limit) and not (obj.entity_id or obj.account_id) and request_entities(request) is not None:
            return False
        return bool(super().has_change_permission(request, obj))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **how: Any) -> Any:
        """Demand an entity or an account of those who do not see all entities."""
        form = super().get_form(request, obj, change, **how)
        return form if request_entities(request) is None else type("NarrowLimitForm", (NarrowLimitForm, form), {})

    @admin.display(description="Amount", ordering="amount")
    def amount_written(self, limit: Limit) -> str:
        """Show the amount in its currency."""
        return format_html('<span class="amount">{}</span>', written(limit.amount, limit.currency))

    @admin.display(description="Valid")
    def valid_written(self, limit: Limit) -> str:
        """Show since when and until when, where there is a beginning or an end that matters."""
        since = (
            None
            if limit.valid.lower in {None, always().lower}
            else date_format(localtime(limit.valid.lower), "DATETIME_FORMAT")
        )
        until = limit.valid.upper and date_format(localtime(limit.valid.upper), "DATETIME_FORMAT")
        return " ".join(filter(None, [since and f"since {since}", until and f"until {until}"])) or "always"


@admin.register(Cap)
class CapAdmin(ReadOnlyAdmin):
    """What all balances of a currency may come to, and what is left of it."""

    list_display = ("currency", "ceiling_written", "left_written")
    list_select_related = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Sum up the slots in the database."""
        return super().get_queryset(request).annotate(remaining=Sum("slots__remaining"))

    @admin.display(description="Cap", ordering="ceiling")
    def ceiling_written(self, cap: Cap) -> str:
        """Show the cap."""
        return format_html('<span class="amount">{}</span>', written(cap.ceiling, cap.currency))

    @admin.display(description="Left")
    def left_written(self, cap: Any) -> str:
        """Show what all accounts together can still take in."""
        return format_html('<span class="amount">{}</span>', written(cap.remaining, cap.currency))
