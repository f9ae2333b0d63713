"""The pages of people: customers and staff."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern

from audit.history import Line, Until, link_lines
from audit.moment import is_past
from backoffice import people, reason
from backoffice.admin.base import ConsoleAdmin
from backoffice.admin.person_form import PersonForm
from backoffice.filters import EntityFilter
from backoffice.grants import request_entities
from backoffice.guards import ModelGuard
from backoffice.login.recent import asking_again
from backoffice.models import User
from backoffice.models.voiding import AnyOf
from backoffice.views import guarded


class PasswordForm(reason.PasswordReason, AdminPasswordChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Another person's new password, and why."""


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[type-arg, misc]  # generic in the stubs only; get_form is narrower there
    """Customers and staff.

    Who may change people can neither make superusers nor touch one, hands out no single permission, and makes others
    staff only with `assign_roles`, never himself. Groups are given and taken by request: `backoffice.grant_pages`.
    """

    entity_path = "entity"
    form = PersonForm
    change_password_form = PasswordForm
    change_user_password_template = "console/change_password.html"  # noqa: S105  a template
    list_display = ("username", "last_name", "first_name", "email", "is_staff", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active", EntityFilter)
    more_columns = ("phone", "date_joined", "last_login")
    list_select_related = ()
    search_fields = ("username",)  # shows the box; get_search_results does not use it
    search_help_text = "An e-mail address, a user name, or how the first or last name begins."
    finds_by_today = True
    ordering = ("-id",)
    rights = ("is_staff", "is_superuser", "groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "phone")}),
        ("What they may do", {"fields": ("is_active", *rights, "own_entities")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    changeform_view = asking_again(ConsoleAdmin.changeform_view)
    user_change_password = asking_again(DjangoUserAdmin.user_change_password)

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show customers of the reader's entities; staff, and people without an account, to who may see staff."""
        entities = request_entities(request)
        if entities is None:
            return queryset
        if is_past(request):  # a person's versions do not say it, and accounts of others are not shown
            own, staff = Q(AnyOf(F("account__entity"), entities)), Q(is_staff=True)
        else:
            own, staff = Q(AnyOf(F("entity"), entities)), Q(entity=None) | Q(is_staff=True)
        return queryset.filter(own | staff if request.user.has_perm("backoffice.view_staff") else own)

    def shows_all(self, request: HttpRequest) -> bool:
        """Whether the person sees every customer, and staff."""
        return request.user.has_perm("backoffice.view_staff") and super().shows_all(request)

    def get_urls(self) -> list[URLPattern]:
        """Say who gets to the page of a password, which Django's own class does not tell."""
        pages: list[URLPattern] = super().get_urls()
        for page in pages:
            if page.name == "auth_user_password_change":
                page.callback = guarded(ModelGuard(self, "change"))(page.callback)
        return pages

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find people through indexes."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(AnyOf(F("pk"), people.matching(search_term, using=queryset.db, others=True))), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave to superusers what would let anybody become one; groups are read, whoever reads."""
        fixed = ("last_login", "date_joined", "groups", "own_entities")
        if request.user.is_superuser:
            return fixed
        others = request.user.has_perm("backoffice.assign_roles") and obj is not None and obj.pk != request.user.pk
        return (*fixed, "is_superuser", "user_permissions", *(() if others else ("is_staff",)))

    def other_history(self, request: HttpRequest, obj: Any, until: Until) -> list[Line]:
        """Tell of the groups and permissions that the person was given and lost."""
        groups = link_lines(User.groups.through.history, "user", "group", obj, until)  # type: ignore[attr-defined]  # captured
        rights = link_lines(User.user_permissions.through.history, "user", "permission", obj, until)  # type: ignore[attr-defined]  # as above
        return [*groups, *rights]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show nothing of a password to those who only look."""
        fieldsets = self.and_why(request, obj, super().get_fieldsets(request, obj))
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return ((None, {"fields": ("username",)}), *list(fieldsets)[1:])

    @admin.display(description="Entities of their own")
    def own_entities(self, obj: User) -> str:
        """Name the entities that were granted to this very person, beside those of the groups. One query."""
        names = obj.grants.order_by("content_object__name").values_list("content_object__name", flat=True)
        return ", ".join(names) or "None beside those of the groups"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody but superusers touch one: a new password or address would be theirs."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
