"""Requests for approval in the console: the inbox, and the page on which one is decided.

Whoever decides needs `decide_approval` and the verb's own permission, sees the entity, and is not the maker. What concerns
a whole currency is shown to those who see all entities: it binds every one of them.
"""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.admin import ReadOnlyAdmin
from backoffice.grants import request_entities, sees_everything
from backoffice.models import User
from backoffice.models.voiding import AnyOf
from backoffice.site import HeaderLink
from ledger.admin import decidable, deciding
from ledger.admin.filters import AskedByFilter, CurrencyFilter, StateFilter
from ledger.admin.telling import deed
from ledger.asking import VERBS
from ledger.choices import ApprovalKind, ApprovalState
from ledger.models import Approval

MANY = 100  # from here on the header counts no further


@admin.display(description="State", ordering="state")
def state_chip(approval: Approval) -> str:
    """Show the state as a chip."""
    return format_html('<span class="chip chip-{}">{}</span>', approval.state, approval.get_state_display())


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    """What waits for another person, and what became of it."""

    list_display = ("what", "subject", "reason", "maker", "requested", "expires", state_chip)
    list_display_links = ("what",)
    list_filter = (StateFilter, AskedByFilter, "kind", CurrencyFilter)
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
        words, _, money = deed(approval).rpartition(f"{approval.currency} ")
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
        own = Q(AnyOf(F("entity"), entities))
        return queryset.filter(own | Q(entity=None) if sees_everything(request) else own)

    def get_urls(self) -> list[URLPattern]:
        """Add the three decisions."""
        decisions = [
            path(f"<int:object_id>/{view.name}/", view.as_view(model_admin=self), name=f"ledger_approval_{view.name}")
            for view in deciding.DECISIONS
        ]
        return decisions + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the request as it was asked and as it stands."""
        approval = self.get_object(request, unquote(object_id))
        if approval is None:
            return super().change_view(request, object_id, form_url, extra_context)
        if request.method != "GET" or not self.has_view_permission(request, approval):
            raise PermissionDenied
        return self.page(request, cast("Approval", approval))

    def page(self, request: HttpRequest, approval: Approval, **more: Any) -> HttpResponse:
        """Return the page of a request; `more` is what was typed and what is wrong with it."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": approval,
            "title": deed(approval),
            "chip": state_chip(approval),
            "has_view_permission": True,
            "action": approval.action if approval.state == ApprovalState.APPROVED else None,
            **decidable.context(request, approval),
            **more,
        }
        return TemplateResponse(request, "console/approval.html", context)

    def waiting(self, request: HttpRequest) -> QuerySet[Approval]:
        """Return what this person can decide, what was asked first at the top."""
        may = request.user.has_perm
        verbs = [verb for verb in VERBS if may(f"ledger.{verb}")]
        kinds = [kind for kind in (ApprovalKind.LIMIT, ApprovalKind.CAP) if may(f"ledger.propose_{kind}")]
        mine = Q(maker=cast("User", request.user))
        pending = self.get_queryset(request).filter(state=ApprovalState.PENDING, expires__gt=timezone.now())
        able = Q(kind=ApprovalKind.POSTING, asked__verb__in=verbs) | Q(kind__in=kinds)
        return cast("QuerySet[Approval]", pending.filter(able).exclude(mine).order_by("id"))


def waiting_link(request: HttpRequest) -> HeaderLink | None:
    """Return the way to what waits for this person, for the header. One query for those who may decide, else none."""
    if not request.user.has_perm("ledger.decide_approval"):
        return None
    model_admin = cast("ApprovalAdmin", admin.site.get_model_admin(Approval))
    count = len(model_admin.waiting(request).order_by().values_list("pk", flat=True)[:MANY])
    said = f"{MANY - 1}+" if count == MANY else str(count)
    page = reverse("console:ledger_approval_changelist")
    return HeaderLink(f"Approvals: {said}" if count else "Approvals", f"{page}?by=others", bool(count))


admin.site.header_links.append(waiting_link)  # type: ignore[attr-defined]  # the console's own site
