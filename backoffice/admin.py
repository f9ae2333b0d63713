"""The admin classes that every model of the console builds on, and the pages of people and entities.

Nothing can be deleted or changed unless a subclass says so, no form changes anything without a reason, and every list
names what it prefetches.
"""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import BadRequest, FieldDoesNotExist, FieldError
from django.db.models import BinaryField, F, JSONField, Model, Q, QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from audit.asof import has_past
from audit.history import HistoryPages, Line, Until, link_lines
from audit.moment import NAME as AS_OF
from audit.moment import MomentFilter, is_past, moment_of, page_then, problem_of
from audit.names import fits
from audit.subject import MISSING, note_entity
from backoffice import people, reason
from backoffice.exporting import ExportMixin
from backoffice.grants import request_entities
from backoffice.guards import ModelGuard
from backoffice.login.recent import asking_again
from backoffice.models import Entity, GroupGrant, PersonGrant, User
from backoffice.models.voiding import AnyOf
from backoffice.paging import MOST, AtLeast, CappedPaginator
from backoffice.roles import ROLES
from backoffice.views import guarded

BLUNT = {
    "in",
    "range",
    "regex",
    "iregex",
}  # lookups that an address can make the database fail or toil with; no filter has them


class ConsoleList(ChangeList):
    """A list that says what it did not show, or could not find, and can be of a moment of the past."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Go back to the plain list where the past cannot be sorted or filtered as asked."""
        try:
            return super().get_queryset(request, exclude_parameters)
        except FieldError as error:
            raise IncorrectLookupParameters(error) from error

    @property
    def moment(self) -> Any:
        """The moment that the list is of, or None for today."""
        return moment_of(self)

    @property
    def problem(self) -> str:
        """Why nothing is shown of what was asked for, or nothing."""
        return problem_of(self)

    def url_for_result(self, result: Model) -> str:
        """Lead from a row of the past to its history at that moment."""
        if self.moment is None:
            return super().url_for_result(result)
        return page_then(self, result, self.params[AS_OF])

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
    missing_advice = (
        "Nothing is ever deleted here: the number is wrong, or it belongs to an entity that you do not work on. "
        "The attempt is recorded."
    )

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

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the object, read once for a page that is only looked at; its entity is kept for the record."""
        if "\0" in object_id:  # `_00` in an address; no text of PostgreSQL holds one
            return None
        kept: dict[Any, Any] = request.__dict__.setdefault("_objects", {}) if request.method == "GET" else {}
        key = (self.opts.label_lower, object_id, from_field)
        if key not in kept:
            kept[key] = super().get_object(request, object_id, from_field)
            if kept[key] is not None and self.entity_path == "entity":
                note_entity(request, kept[key])
        return kept[key]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Say what is true, and leave a mark by which the attempt is recorded: `audit.middleware`."""
        setattr(request, MISSING, True)
        text = f"There is no {opts.verbose_name} “{unquote(object_id)}” that you may see. {self.missing_advice}"
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:index", current_app=self.admin_site.name))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ConsoleList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse filters that look into documents, which hold what their readers may not see, and those of BLUNT."""
        if lookup.rpartition("__")[2] in BLUNT:
            return False
        try:
            field = self.opts.get_field(lookup.partition("__")[0])
        except FieldDoesNotExist:
            field = None
        return not isinstance(field, JSONField | BinaryField | ArrayField) and super().lookup_allowed(
            lookup, value, request
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; say so where it is asked for as of a moment of which nothing is known."""
        if is_past(request) and not has_past(self.model):
            text = f"No list of {self.opts.verbose_name_plural} is kept as of a moment."
            self.message_user(request, text, messages.ERROR)
            query = request.GET.copy()
            del query[AS_OF]
            return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")
        return super().changelist_view(request, extra_context)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer a moment of the past where it is known."""
        filters = super().get_list_filter(request)
        return (MomentFilter, *filters) if has_past(self.model) else filters

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer nothing to do with rows of the past; what deletes asks for a reason."""
        if is_past(request):
            return {}
        actions: dict[str, Any] = dict(super().get_actions(request))
        if "delete_selected" in actions:
            delete, *told = actions["delete_selected"]
            actions["delete_selected"] = (self._with_reason(delete), *told)
        return actions

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:  # type: ignore[override]  # the stubs know a later Django
        """Refuse a selection of what can be no key of a row, which Django would ask the database for."""
        if not all(fits(self.model, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest(f"Choose {self.opts.verbose_name_plural} from their list.")
        return super().response_action(request, queryset)

    def _with_reason(self, delete: Any) -> Any:
        def delete_selected(model_admin: Any, request: HttpRequest, queryset: Any) -> Any:
            return reason.asking_why(request, lambda: delete(model_admin, request, queryset), using=self.using)

        return delete_selected

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete with a reason only."""
        return reason.asking_why(
            request, lambda: super(ConsoleAdmin, self).delete_view(request, object_id, extra_context), using=self.using
        )

    def asks_why(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the form that the person gets can change anything."""
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **how: Any) -> Any:
        """Ask why; `fields=None` is how Django asks for the model's own fields, of which that is none."""
        named = how["fields"] if "fields" in how else flatten_fieldsets(self.get_fieldsets(request, obj))
        how["fields"] = named and [name for name in named if name != reason.NAME]
        form = super().get_form(request, obj, change, **how)
        return reason.with_reason(form) if self.asks_why(request, obj) and named is not None else form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask why at the end of what can be changed."""
        fieldsets = super().get_fieldsets(request, obj)
        return self.and_why(request, obj, fieldsets)

    def and_why(self, request: HttpRequest, obj: Any, fieldsets: Any) -> Any:
        """Put the reason behind the other fields, once."""
        if not self.asks_why(request, obj) or reason.NAME in flatten_fieldsets(fieldsets):
            return fieldsets
        return (*fieldsets, ("Why", {"fields": (reason.NAME,)}))

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Say why before anything is written."""
        reason.give_reason(form.cleaned_data[reason.NAME], using=self.using)
        return super().save_form(request, form, change)

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

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show nothing beside an entity that is not there yet."""
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PasswordForm(reason.PasswordReason, AdminPasswordChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Another person's new password, and why."""


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[type-arg, misc]  # generic in the stubs only; get_form is narrower there
    """Customers and staff.

    Who may change people can neither make superusers nor touch one, hands out no single permission, and makes others
    staff only with `assign_roles`, never himself. Groups are given and taken by request: `backoffice.grant_pages`.
    """

    entity_path = "entity"
    change_password_form = PasswordForm
    change_user_password_template = "console/change_password.html"  # noqa: S105  a template
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
        return queryset.filter(
            people.begins_with("username", search_term.strip()) | people.matching(search_term)
        ), False

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
