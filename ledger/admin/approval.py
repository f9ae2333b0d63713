"""Requests for approval in the console: the inbox, and the page on which one is decided.

Whoever decides needs `decide_approval` and the verb's own permission, sees the entity, and is not the maker. What concerns
a whole currency is shown to those who see all entities: it binds every one of them.
"""

from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.lookups import In
from django.http import HttpRequest
from django.utils.html import format_html

from backoffice.filters import EntityFilter, RequestedFilter
from backoffice.grants import Within, request_entities, sees_everything
from backoffice.inbox import inbox
from backoffice.request_admin import AskedByFilter, RequestAdmin, StateFilter, state_chip
from ledger.admin import decidable, deciding
from ledger.admin.filters import CurrencyFilter
from ledger.asking import VERBS
from ledger.choices import ApprovalKind, ApprovalState
from ledger.models import Approval


@admin.register(Approval)
class ApprovalAdmin(RequestAdmin):
    """What waits for another person, and what became of it."""

    decisions = deciding.DECISIONS
    page_template = "console/approval.html"

    list_display = ("what", "subject", "reason", "maker", "requested", "expires", state_chip)
    list_display_links = ("what",)
    list_filter = (StateFilter, AskedByFilter, "kind", CurrencyFilter, RequestedFilter, EntityFilter)
    more_columns = ("checker", "decided", "comment", "uid")
    list_select_related = ("account__user", "account__entity", "entity", "maker", "checker")
    ordering = ("-id",)
    entity_path = "entity"
    export_fields = (
        "uid", "kind", "account__uid", "entity", "currency", "amount", "reason", "maker", "requested", "expires", "state",
        "checker", "decided", "comment", "error_code", "error_text",
    )  # fmt: skip

    @admin.display(description="What")
    def what(self, approval: Approval) -> str:
        """Say what was asked for."""
        words, _, money = approval.deed.rpartition(f"{approval.currency} ")
        if not words:
            return money
        return format_html('{}<span class="amount">{} {}</span>', words, approval.currency, money)

    @admin.display(description="For")
    def subject(self, approval: Approval) -> str:
        """Say for whom."""
        return str(approval.account or approval.entity or f"All of {approval.currency}")

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show what belongs to entities of the reader, and what belongs to none to those who see all."""
        entities = request_entities(request)
        if entities is None:
            return queryset
        own = Q(Within(F("entity"), entities))
        return queryset.filter(own | Q(entity=None) if sees_everything(request) else own)

    def in_words(self, row: Approval) -> str:
        return row.deed

    def about(self, row: Approval) -> str:
        return self.subject(row)

    def decidable(self, request: HttpRequest, row: Approval) -> dict[str, Any]:
        action = row.action if row.state == ApprovalState.APPROVED else None
        return {"action": action, **decidable.context(request, row)}

    def own_to_decide(self, request: HttpRequest, pending: QuerySet[Any]) -> QuerySet[Any]:
        """Leave what this person may do himself."""
        may = request.user.has_perm
        verbs = [verb for verb in VERBS if may(f"ledger.{verb}")]
        kinds = [kind for kind in (ApprovalKind.LIMIT, ApprovalKind.CAP) if may(f"ledger.propose_{kind}")]
        mine = In(KT("asked__verb"), verbs) if verbs else Q(pk__in=())
        return pending.filter(Q(mine, kind=ApprovalKind.POSTING) | Q(kind__in=kinds))


admin.site.header_links.append(inbox(Approval, "Approvals", "ledger.decide_approval"))  # type: ignore[attr-defined]  # the console's own site
