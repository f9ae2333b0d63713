"""Limits and caps in the console."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import DecimalField, F, Q, QuerySet, Sum, Value
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.timezone import localtime

from backoffice.admin import ReadOnlyAdmin
from backoffice.filters import EntityFilter
from backoffice.grants import Meeting, Within, request_entities, sees_everything
from backoffice.said import Figure
from ledger.admin.commands.proposal import Proposal, within_reach
from ledger.admin.commands.propose import ChangeLimit, EndLimit, ProposeCap, ProposeLimit
from ledger.admin.filters import AccountFilter, CurrencyFilter
from ledger.models import Cap, Limit
from ledger.models.limit import always
from ledger.money import written


class ProposalAdmin(ReadOnlyAdmin):
    """The ways to the pages on which a change is proposed: on the list where there is no row, and on a row's page."""

    proposals: ClassVar[dict[str, type[Proposal]]]  # by the name of the URL
    key: ClassVar[str] = "int"  # the converter of the key in their addresses
    change_form_template = "console/bound.html"
    change_list_template = "console/bounds.html"

    def get_urls(self) -> list[URLPattern]:
        """Add them."""
        pages = []
        for name, page in self.proposals.items():
            route = page.name if name.endswith("new") else f"<{self.key}:object_id>/{page.name}/"
            pages.append(path(route.rstrip("/") + "/", page.as_view(model_admin=self), name=name))
        return pages + super().get_urls()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show a row as the list does, with amounts and times in words, where nothing can be typed."""
        read = obj is not None and not self.has_change_permission(request, obj)
        return self.list_display if read else super().get_fields(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer what has no row yet."""
        offered = [(n, p) for n, p in self.proposals.items() if n.endswith("new") and p.guard.allows(request)]
        return super().changelist_view(request, {"proposals": offered, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer what can become of the row."""
        row = self.get_object(request, unquote(object_id))
        may = row is not None and within_reach(request, row)
        offered = [
            (n, p) for n, p in self.proposals.items() if may and not n.endswith("new") and p.guard.allows(request)
        ]
        called = {"subtitle": self.label(row)} if row is not None else {}
        more = {"proposals": offered, **called, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, more)


@admin.register(Limit)
class LimitAdmin(ProposalAdmin):
    """What is the least and the most, for whom, and when. Changes are proposed, and decided by somebody else."""

    proposals = {
        "ledger_limit_propose_new": ProposeLimit,
        "ledger_limit_propose": ChangeLimit,
        "ledger_limit_end": EndLimit,
    }

    list_display = ("kind", "currency", "entity", "account", "amount_written", "valid_told")
    list_filter = ("kind", CurrencyFilter, EntityFilter, AccountFilter)
    list_select_related = ("entity", "account__user", "account__entity")
    ordering = ("currency", "kind", "id")
    entity_path = "entity"

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show what binds the reader's accounts: limits of them, of their entities and those above, of the whole currency."""
        entities = request_entities(request)
        if entities is None:
            return queryset
        return queryset.filter(
            Q(entity=None, account=None) | Meeting(F("branch"), entities) | Within(F("account__entity"), entities)
        )

    def label(self, obj: Limit) -> str:
        """Say for whom."""
        return f"{obj} · {obj.account or obj.entity or 'every account'}"

    @admin.display(description="Amount", ordering="amount")
    def amount_written(self, limit: Limit) -> str:
        """Show the amount in its currency."""
        return Figure(written(limit.amount, limit.currency))

    @admin.display(description="Valid")
    def valid_told(self, limit: Limit) -> str:
        """Show since when and until when, where there is a beginning or an end that matters."""
        since = (
            None
            if limit.valid.lower in {None, always().lower}
            else date_format(localtime(limit.valid.lower), "DATETIME_FORMAT")
        )
        until = limit.valid.upper and date_format(localtime(limit.valid.upper), "DATETIME_FORMAT")
        return " ".join(filter(None, [since and f"since {since}", until and f"until {until}"])) or "always"


@admin.register(Cap)
class CapAdmin(ProposalAdmin):
    """What all balances of a currency may come to, and what is left of it."""

    proposals = {"ledger_cap_propose": ProposeCap}
    key = "slug"

    list_display = ("currency", "ceiling_written", "left_written")
    list_select_related = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Sum up the slots in the database, for who sees every entity: what is left tells what all balances come to."""
        left = Sum("slots__remaining") if sees_everything(request) else Value(None, DecimalField())
        return super().get_queryset(request).annotate(remaining=left)

    @admin.display(description="Cap", ordering="ceiling")
    def ceiling_written(self, cap: Cap) -> str:
        """Show the cap."""
        return Figure(written(cap.ceiling, cap.currency))

    @admin.display(description="Left")
    def left_written(self, cap: Any) -> str:
        """Show what all accounts together can still take in."""
        if cap.remaining is None:
            return "Told to who works on every entity"
        return Figure(written(cap.remaining, cap.currency))
