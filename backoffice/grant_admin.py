"""Requests for rights in the console: the inbox, and the page on which one is decided.

Who decides has `decide_grant` and is neither the maker nor the person whom it is about.
"""

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path

from backoffice import deciding, grant_requests
from backoffice.filters import RequestedFilter
from backoffice.grant_pages import ASK, AskForEntity, AskForPerson, MoveEntity
from backoffice.grants import Within, request_entities
from backoffice.guards import Guard, PermissionGuard, StaffGuard
from backoffice.inbox import inbox
from backoffice.models import Entity, GrantRequest, User
from backoffice.models.user import MAY_BE_ONE
from backoffice.request_admin import AskedByFilter, RequestAdmin, StateFilter, state_chip
from backoffice.request_panels import own_panel, waiting_panel
from backoffice.rights import GrantRefused, StaleGrant, is_own, would

DECIDE = "backoffice.decide_grant"


class GrantDecision(deciding.Decision):
    """One way to decide."""

    guard: ClassVar[Guard] = StaffGuard() & PermissionGuard(DECIDE)
    stale = StaleGrant
    refusal = GrantRefused

    def who(self, comment: str) -> dict[str, Any]:
        """Return what each decision is given."""
        return {"by": cast("User", self.request.user), "comment": comment}


class Approve(GrantDecision):
    """Approve what the page showed."""

    name = "approve"

    def decide(self, row: GrantRequest, comment: str) -> GrantRequest:
        return grant_requests.approve(pk=row.pk, saw=self.saw(row), **self.who(comment))


class Reject(GrantDecision):
    """Turn it down, with a reason."""

    name = "reject"

    def decide(self, row: GrantRequest, comment: str) -> GrantRequest:
        return grant_requests.reject(pk=row.pk, **self.who(comment))


class Cancel(GrantDecision):
    """Take one's own request back."""

    name = "cancel"
    guard = ASK
    goes_on = False

    def decide(self, row: GrantRequest, comment: str) -> GrantRequest:
        return grant_requests.cancel(pk=row.pk, **self.who(comment))


@admin.register(GrantRequest)
class GrantRequestAdmin(RequestAdmin):
    """What waits for another person, and what became of it."""

    decisions = (Approve, Reject, Cancel)
    page_template = "console/grant_request.html"
    list_display = ("in_words", "reason", "maker", "requested", "expires", state_chip)
    list_filter = (StateFilter, AskedByFilter, RequestedFilter)
    more_columns = ("checker", "decided", "comment")
    list_select_related = ("entity", "parent", "group", "person", "maker", "checker")
    ordering = ("-id",)
    entity_path = "entity"
    export_fields = (
        "id", "give", "person", "group", "entity", "parent", "reason", "maker", "requested", "expires", "state", "checker", "decided",
        "comment",
    )  # fmt: skip

    @admin.display(description="What")
    def in_words(self, row: GrantRequest) -> str:
        return row.deed

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show what is about the reader's entities, or about groups; all of it to those who decide."""
        entities = None if request.user.has_perm(DECIDE) else request_entities(request)
        return queryset if entities is None else queryset.filter(Q(Within(F("entity"), entities)) | Q(entity=None))

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that ask; they are about an entity or a person, and the console's alone."""
        pages = []
        for model, view in ((Entity, AskForEntity), (Entity, MoveEntity), (User, AskForPerson)):
            page, name = view.as_view(model_admin=self.admin_site.get_model_admin(model)), model._meta.model_name
            route = f"{view.name}-of-{name}/<int:object_id>/"
            pages.append(path(route, page, name=f"backoffice_{name}_{view.name}"))
        return pages + super().get_urls()

    def decidable(self, request: HttpRequest, row: GrantRequest) -> dict[str, Any]:
        user = cast("User", request.user)
        return deciding.context(request, row, would=lambda: would(row), why_not=lambda: why_not(user, row))

    def own_to_decide(self, request: HttpRequest, pending: QuerySet[Any]) -> QuerySet[Any]:
        groups = request.user.groups.values("pk")
        return pending.exclude(person=request.user.pk).exclude(person=None, group__in=groups)


def why_not(user: User, asked: GrantRequest) -> str:
    """Return why this person cannot decide on a pending request, or nothing."""
    if not user.has_perm(DECIDE):
        return "Your groups do not let you decide on rights."
    if user.pk == asked.maker_id:
        return "You asked for this yourself, so somebody else has to decide."
    if is_own(asked, user):
        return "This is about your own rights, so somebody else has to decide."
    return MAY_BE_ONE if user.may_be(asked.maker) else ""


admin.site.header_links.append(inbox(GrantRequest, "Rights", DECIDE))  # type: ignore[attr-defined]  # the console's own site
waiting_panel(GrantRequest, "Rights to decide on", DECIDE)
own_panel(GrantRequest, "Rights that you asked for", "backoffice.request_grant")
