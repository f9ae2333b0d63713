"""The admin classes that every model of the console builds on, and the pages of people and entities.

Nothing can be deleted or changed unless a subclass says so, and every list names what it prefetches.
"""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import F, Model, QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest

from audit.history import HistoryPages, Line, link_lines
from backoffice import people
from backoffice.exporting import ExportMixin
from backoffice.grants import request_entities
from backoffice.models import Entity, GroupGrant, PersonGrant, User
from backoffice.models.voiding import AnyOf
from backoffice.paging import MOST, AtLeast, CappedPaginator
from backoffice.roles import ROLES


class ConsoleList(ChangeList):
    """A list that says what it did not show, or could not find."""

    @property
    def advice(self) -> str:
        """Return what helps the reader on, or nothing."""
        if not self.result_count and self.query:
            return cast("ConsoleAdmin", self.model_admin).search_advice(self.query)
        if isinstance(self.result_count, AtLeast):
            return f"The pages hold the first {MOST:,}. Search, filter or sort the other way to see the others."
        return ""


class ConsoleAdmin(HistoryPages, ExportMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A list of 25, no count of the table, the model's help above it, and downloads of what it shows.

    `entity_path` leads from a row to its entity and is what narrows the list, every page and every command to the
    entities that the person works on; None declares that the rows belong to no entity. Who has `unrestricted` sees all
    rows, whatever the grants.
    """

    entity_path: str | None = None
    unrestricted: str = ""
    using = "default"

    list_per_page = 25
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # a facet counts the whole table for each of its values
    paginator = CappedPaginator
    save_on_top = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Return the rows with what `list_select_related` names, for single objects too."""
        queryset = self.within_grants(request, super().get_queryset(request))
        related = self.list_select_related
        return queryset.select_related(*related) if isinstance(related, (list, tuple)) else queryset

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Leave out what belongs to entities that the person does not work on."""
        if self.entity_path is None or (self.unrestricted and request.user.has_perm(self.unrestricted)):
            return queryset
        entities = request_entities(request)
        return queryset if entities is None else queryset.filter(AnyOf(F(self.entity_path), entities))

    def get_field_queryset(
        self, db: str | None, db_field: "RelatedField[Any, Any]", request: HttpRequest
    ) -> QuerySet[Any] | None:
        """Let a form point only at what its reader can see."""
        other = self.admin_site._registry.get(db_field.remote_field.model)
        if isinstance(other, ConsoleAdmin):
            return other.get_queryset(request).using(db)
        return super().get_field_queryset(db, db_field, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ConsoleList

    def autocomplete_text(self, obj: Any) -> str:
        """Return what an object is called where it is chosen from others."""
        return str(obj)

    def search_advice(self, typed: str) -> str:
        """Return what to try when a search found nothing, in a sentence."""
        return "Check the spelling, or look for less of it."


class ReadOnlyAdmin(ConsoleAdmin):
    """What the console shows and never changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GrantInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    """Who works on the entity: given and taken, never changed."""

    extra = 0
    exclude = ("permission",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GroupGrantInline(GrantInline):
    """Groups that work on the entity."""

    model = GroupGrant

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("group")


class PersonGrantInline(GrantInline):
    """People who work on the entity."""

    model = PersonGrant
    autocomplete_fields = ("user",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Customers and staff.

    Who may change people can neither make superusers nor touch one, hands out no single permission, and puts people into
    groups only with `assign_roles`, never himself.
    """

    entity_path = "account__entity"
    unrestricted = "backoffice.view_staff"
    list_display = ("username", "last_name", "first_name", "email", "is_staff", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active")
    list_select_related = ()
    search_fields = ("username",)  # shows the box; get_search_results does not use it
    search_help_text = "An e-mail address, a user name, or how the first or last name begins."
    ordering = ("-id",)
    rights = ("is_staff", "is_superuser", "groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "phone")}),
        ("What they may do", {"fields": ("is_active", *rights)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find people through indexes."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(
            people.begins_with("username", search_term.strip()) | people.matching(search_term)
        ), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave to superusers what would let anybody become one; nobody else gives himself a role."""
        fixed = ("last_login", "date_joined")
        if request.user.is_superuser:
            return fixed
        roles = request.user.has_perm("backoffice.assign_roles") and obj is not None and obj.pk != request.user.pk
        return (*fixed, "is_superuser", "user_permissions", *(() if roles else ("is_staff", "groups")))

    def other_history(self, request: HttpRequest, obj: Any) -> list[Line]:
        """Tell of the groups and permissions that the person was given and lost."""
        groups = link_lines(User.groups.through.history, "user", "group", obj)  # type: ignore[attr-defined]  # captured
        rights = link_lines(User.user_permissions.through.history, "user", "permission", obj)  # type: ignore[attr-defined]  # as above
        return [*groups, *rights]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show nothing of a password to those who only look."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return ((None, {"fields": ("username",)}), *list(fieldsets)[1:])

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody but superusers touch one: a new password or address would be theirs."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ConsoleAdmin):
    """Groups: the roles are read here and written in `backoffice.roles`; a group of one's own is a superuser's to make."""

    list_display = ("name",)
    list_select_related = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and (obj is None or obj.name not in ROLES)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
