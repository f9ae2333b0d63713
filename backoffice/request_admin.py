"""What lists and pages of requests share that one person makes and another decides: `backoffice.deciding` has the decisions.

A model of requests has `maker`, `checker`, `state` (one of its `State`), `requested`, `expires`, and `was_shown`.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from backoffice.admin import ReadOnlyAdmin
from backoffice.deciding import PENDING, Decision
from backoffice.said import chip
from backoffice.waiting import following

FOR_ME = "decide"  # as the list is asked for what the reader can decide


class StateFilter(admin.SimpleListFilter):
    """By state; what waits where nothing is chosen."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all states but the one shown by itself."""
        return [choice for choice in model_admin.model.State.choices if choice[0] != PENDING] + [("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """Call what is shown by itself by its name."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "Pending"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        return queryset if self.value() == "all" else queryset.filter(state=self.value() or PENDING)


class AskedByFilter(admin.SimpleListFilter):
    """By who asked: the reader, or somebody else; and of that, what the reader can decide now."""

    title = "asked by"
    parameter_name = "by"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self._inbox = model_admin
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the three."""
        return [("others", "Others"), (FOR_ME, "Others, mine to decide"), ("me", "Me")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        mine = {"maker_id": request.user.pk}
        if self.value() == FOR_ME:
            rows: QuerySet[Any] = self._inbox.decidable_of(request, queryset)
            return rows
        return {"me": queryset.filter(**mine), "others": queryset.exclude(**mine)}.get(self.value() or "", queryset)


@admin.display(description="State", ordering="state")
def state_chip(row: Any) -> str:
    """Show the state as a chip."""
    return chip(row.state, row.get_state_display())


class RequestAdmin(ReadOnlyAdmin):
    """The inbox, and the page on which a request is decided."""

    decisions: ClassVar[tuple[type[Decision], ...]]
    page_template: ClassVar[str]

    def get_urls(self) -> list[URLPattern]:
        """Add the decisions."""
        model = f"{self.opts.app_label}_{self.opts.model_name}"
        decisions = [
            path(f"<int:object_id>/{view.name}/", view.as_view(model_admin=self), name=f"{model}_{view.name}")
            for view in self.decisions
        ]
        return decisions + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the request as it was asked and as it stands."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return super().change_view(request, object_id, form_url, extra_context)
        if request.method != "GET" or not self.has_view_permission(request, row):
            raise PermissionDenied
        return self.page(request, row)

    def page(self, request: HttpRequest, row: Any, **more: Any) -> HttpResponse:
        """Return the page of a request; `more` is what was typed and what is wrong with it."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "label": self.label(row),
            "title": self.in_words(row),
            "chip": state_chip(row),
            "has_view_permission": True,
            "preserved_filters": self.get_preserved_filters(request),
            "next_url": following(request, self, row),
            **self.decidable(request, row),
            **more,
        }
        return TemplateResponse(request, self.page_template, context)

    def in_words(self, row: Any) -> str:
        """Return what was asked for, in words."""
        raise NotImplementedError

    def label(self, obj: Any) -> str:
        """Say what, and for whom."""
        return " · ".join(filter(None, (self.in_words(obj), self.about(obj))))

    def about(self, row: Any) -> str:
        """Return for whom or what it was asked, where the words do not say it."""
        return ""

    def decidable(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the page shows of then and now, and what this person may do: `deciding.context`."""
        raise NotImplementedError

    def own_to_decide(self, request: HttpRequest, pending: QuerySet[Any]) -> QuerySet[Any]:
        """Leave of what others asked for what this person may decide."""
        raise NotImplementedError

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what this person can decide, what was asked first at the top."""
        return self.decidable_of(request, self.get_queryset(request)).order_by("id")

    def decidable_of(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Leave what this person can decide now, by the database's clock: what asks for it is kept, `backoffice.inbox`."""
        return self.own_to_decide(request, rows.filter(~Q(maker=request.user.pk), state=PENDING, expires__gt=Now()))
