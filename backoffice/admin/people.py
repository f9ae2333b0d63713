"""The pages of people: customers and staff."""

from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from audit.history import Line, Until, link_lines
from audit.moment import is_past
from backoffice import people
from backoffice.admin.base import ConsoleAdmin
from backoffice.admin.person_form import PersonForm
from backoffice.filters import EntityFilter
from backoffice.grants import Within, request_entities
from backoffice.login.invited import invite
from backoffice.login.recent import asking_again
from backoffice.models import User
from backoffice.models.voiding import AnyOf


@admin.register(User)
class UserAdmin(ConsoleAdmin):
    """Customers and staff. Nobody types a password for another: who is made staff gets a link to set one.

    Who may change people can neither make superusers nor touch one, hands out no single permission, and makes others
    staff only with `assign_roles`, never himself. Groups are given and taken by request: `backoffice.grant_pages`.
    """

    entity_path = "entity"
    form = PersonForm
    invites = True  # whether people can log in here, and are sent links
    list_display = ("username", "last_name", "first_name", "email", "is_staff", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active", EntityFilter)
    more_columns = ("phone", "date_joined", "last_login")
    list_select_related = ()
    search_fields = ("username",)  # shows the box; get_search_results does not use it
    search_help_text = "An e-mail address, a user name, or how the first or last name begins."
    finds_by_today = True
    ordering = ("-id",)
    rights = ("is_staff", "is_superuser", "groups", "user_permissions")
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "has_password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "phone")}),
        ("What they may do", {"fields": ("is_active", *rights, "own_entities")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username",)}),
        ("Person", {"fields": ("first_name", "last_name", "email", "phone")}),
        ("What they may do", {"fields": ("is_staff",)}),
    )

    changeform_view = asking_again(ConsoleAdmin.changeform_view)

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Show customers of the reader's entities; staff, and people without an account, to who may see staff."""
        entities = request_entities(request)
        if entities is None:
            return queryset
        if is_past(request):  # a person's versions do not say it, and accounts of others are not shown
            own, staff = Q(Within(F("account__entity"), entities)), Q(is_staff=True)
        else:
            own, staff = Q(Within(F("entity"), entities)), Q(entity=None) | Q(is_staff=True)
        return queryset.filter(own | staff if request.user.has_perm("backoffice.view_staff") else own)

    def shows_all(self, request: HttpRequest) -> bool:
        """Whether the person sees every customer, and staff."""
        return request.user.has_perm("backoffice.view_staff") and super().shows_all(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the command that sends a link."""
        if not self.invites:
            return super().get_urls()
        from backoffice.login.invite import Invite  # noqa: PLC0415  which is made of pages that stand on these

        page = Invite.as_view(model_admin=self)
        return [path(f"<int:object_id>/{Invite.name}/", page, name="backoffice_user_invite"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the person with the way to the link, where one can be sent."""
        from backoffice.login.invite import Invite  # noqa: PLC0415  as above

        person = self.get_object(request, object_id) if self.invites and request.method == "GET" else None
        if person is not None and Invite.offered(request, person, self):
            page = reverse("console:backoffice_user_invite", args=[person.pk])
            extra_context = {"invite_url": page, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Send a link to who begins to work here, or has got another address, which ended the password."""
        super().save_model(request, obj, form, change)
        if self.invites and obj.pk != request.user.pk and {"email", "is_staff", "is_active"} & set(form.changed_data):
            obj.refresh_from_db(fields=["password"])
            if obj.is_staff and obj.is_active and not obj.has_usable_password():
                level, text = invite(request, obj)
                self.message_user(request, text, level)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let no list be narrowed by what a password is kept as."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find people through indexes."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(AnyOf(F("pk"), people.matching(search_term, using=queryset.db, others=True))), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave to superusers what would let anybody become one; groups are read, whoever reads."""
        fixed = ("has_password", "last_login", "date_joined", "groups", "own_entities")
        if request.user.is_superuser:
            return fixed
        others = request.user.has_perm("backoffice.assign_roles") and (obj is None or obj.pk != request.user.pk)
        return (*fixed, "is_superuser", "user_permissions", *(() if others else ("is_staff",)))

    def other_history(self, request: HttpRequest, obj: Any, until: Until) -> list[Line]:
        """Tell of the groups and permissions that the person was given and lost."""
        groups = link_lines(User.groups.through.history, "user", "group", obj, until)  # type: ignore[attr-defined]  # captured
        rights = link_lines(User.user_permissions.through.history, "user", "permission", obj, until)  # type: ignore[attr-defined]  # as above
        return [*groups, *rights]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask of a new person what they are; show who only looks nothing of a password, and of a customer who they are."""
        if obj is None:
            return self.and_why(request, obj, self.add_fieldsets)
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return fieldsets
        works_here = obj.is_staff or obj.entity_id is None
        return ((None, {"fields": ("username",)}), *list(fieldsets)[1 : None if works_here else 2])

    @admin.display(description="Password", boolean=True)
    def has_password(self, obj: User) -> bool:
        """Whether the person has set one."""
        return obj.has_usable_password()

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
