"""The pages of entities, and who works on them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from backoffice.admin.base import ConsoleAdmin
from backoffice.login.recent import asking_again
from backoffice.models import Entity, GroupGrant, PersonGrant


class GrantInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    """Grants as they stand; what is to change is asked for, and decided by somebody else: `backoffice.grant_pages`."""

    shown: str  # the field that says who works here, or where
    taken: str  # what the form that asks calls it
    extra = 0
    can_delete = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (self.shown, "change_it") if request.user.has_perm("backoffice.request_grant") else (self.shown,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(self.shown)

    @admin.display(description="")
    def change_it(self, grant: Any) -> str:
        """Lead to the form that asks to take it away."""
        page = reverse("console:backoffice_entity_rights", args=[grant.content_object_id])
        key = getattr(grant, f"{self.shown}_id")
        return format_html('<a href="{}?deed=take&amp;{}={}">Ask to take away</a>', page, self.taken, key)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GroupGrantInline(GrantInline):
    """Groups that work on the entity."""

    model = GroupGrant
    shown = taken = "group"


class PersonGrantInline(GrantInline):
    """People who work on the entity."""

    model = PersonGrant
    shown, taken = "user", "person"


@admin.register(Entity)
class EntityAdmin(ConsoleAdmin):
    """Legal entities, and who works on them."""

    entity_path = "pk"
    unrestricted = "backoffice.change_entity"
    list_display = ("name", "code", "parent", "created")
    list_select_related = ("parent",)
    search_fields = ("code", "name")  # there are few entities: a look at each is no burden
    autocomplete_fields = ("parent",)
    fields = ("code", "name", "parent", "created")
    readonly_fields = ("created",)
    inlines = (GroupGrantInline, PersonGrantInline)

    changeform_view = asking_again(ConsoleAdmin.changeform_view)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave an entity where it stands: moving it gives rights and changes limits, so it takes two people."""
        return (*self.readonly_fields, "parent") if obj else self.readonly_fields

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show nothing beside an entity that is not there yet."""
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
