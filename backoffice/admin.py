"""The admin classes that every model of the console builds on, and the pages of people and entities.

Nothing can be deleted or changed unless a subclass says so, and every list names what it prefetches.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from backoffice.models import Entity, User
from backoffice.paging import EstimatingPaginator


class ConsoleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A list of 25, no count of the table, and the model's help above it."""

    list_per_page = 25
    list_max_show_all = 0
    show_full_result_count = False
    paginator = EstimatingPaginator
    save_on_top = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Return the rows with what `list_select_related` names, for single objects too."""
        queryset = super().get_queryset(request)
        related = self.list_select_related
        return queryset.select_related(*related) if isinstance(related, (list, tuple)) else queryset


class ReadOnlyAdmin(ConsoleAdmin):
    """What the console shows and never changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Entity)
class EntityAdmin(ConsoleAdmin):
    """Legal entities."""

    list_display = ("name", "code", "parent", "created")
    list_select_related = ("parent",)
    search_fields = ("code", "name")
    autocomplete_fields = ("parent",)
    fields = ("code", "name", "parent", "created")
    readonly_fields = ("created",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Customers and staff."""

    list_display = ("username", "last_name", "first_name", "email", "is_staff", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("username", "email", "last_name")
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "phone")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
