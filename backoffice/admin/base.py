"""The admin classes that every model of the console builds on.

Nothing can be deleted or changed unless a subclass says so, no form changes anything without a reason, and every list
names what it prefetches.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import flatten_fieldsets, label_for_field, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest
from django.db.models import F, Model, QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.asof import has_past
from audit.history import HistoryPages
from audit.moment import NAME as AS_OF
from audit.moment import MomentFilter, is_past
from audit.names import fits
from audit.subject import MISSING, note_entity
from backoffice import arrangement, reason
from backoffice.admin.lists import ConsoleList
from backoffice.admin.lookups import field_of, lets_through, takes
from backoffice.admin.scripts import of_list, without_slugs
from backoffice.exporting import ExportMixin
from backoffice.grants import Within, request_entities, sees_everything
from backoffice.paging import CappedPaginator
from backoffice.stale import StaleForms

if TYPE_CHECKING:
    from django.db.models.fields.related import RelatedField


class ConsoleAdmin(StaleForms, HistoryPages, ExportMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A list of 25 by keys, no count of the table, the model's help above it, and downloads of what it shows.

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

    list_related: tuple[str, ...] | None = None  # what rows of the list need, where a page needs more
    finds_by_today = False  # whether a search in a list of the past looks for what is said today
    list_prefetch_related: tuple[str, ...] = ()  # what few rows have, asked for beside them where any has it
    list_needs: tuple[str, ...] = ()  # what its columns read of others, beside what these are called by
    order_told = ""  # what is to know of the order of the list, in a sentence
    more_columns: tuple[str, ...] = ()  # that a reader can choose beside those of the list
    list_per_page = 25
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # a facet counts the whole table for each of its values
    paginator = CappedPaginator
    save_on_top = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Return the rows with what `list_select_related` and `list_prefetch_related` name, for single objects too."""
        queryset = self.within_grants(request, super().get_queryset(request))
        related = self.list_select_related
        queryset = queryset.select_related(*related) if isinstance(related, (list, tuple)) else queryset
        return queryset.prefetch_related(*self.list_prefetch_related)

    def within_grants(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Leave out what belongs to entities that the person does not work on."""
        if self.entity_path is None or (self.unrestricted and request.user.has_perm(self.unrestricted)):
            return queryset
        entities = request_entities(request)
        return queryset if entities is None else queryset.filter(Within(F(self.entity_path), entities))

    def shows_all(self, request: HttpRequest) -> bool:
        """Whether the person sees every row there is, so that statistics of the table tell of nothing hidden."""
        return sees_everything(request)

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
        """Refuse what no list is narrowed by; go back to the plain list where a value is none of the field's."""
        field, how = field_of(self.model, lookup)
        if field is not None and not lets_through(field, how):
            return False
        if not super().lookup_allowed(lookup, value, request):
            return False
        if field is not None and not takes(field, how, value):
            raise IncorrectLookupParameters(f"{value} is no value of {lookup}.")
        return True

    def every_column(self, request: HttpRequest) -> tuple[Any, ...]:
        """Return the columns that the list can show."""
        return (*self.list_display, *self.more_columns)

    def fixed_columns(self, request: HttpRequest) -> Any:
        """Return the columns that lead on to a row's page, which no list is without."""
        return self.list_display_links or self.list_display[:1]

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns that the reader chose, or those of the list."""
        chosen = arrangement.of(request, self).columns
        if not chosen:
            return self.list_display
        return arrangement.arranged(self.every_column(request), self.fixed_columns(request), chosen)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, opened with the reader's own view; say so where nothing is known of a moment that is asked for."""
        opens = arrangement.of(request, self).opens
        if opens and not request.GET and request.method == "GET":
            return HttpResponseRedirect(f"?{arrangement.address(opens)}")
        if is_past(request) and not has_past(self.model):
            text = f"No list of {self.opts.verbose_name_plural} is kept as of a moment."
            self.message_user(request, text, messages.ERROR)
            query = request.GET.copy()
            del query[AS_OF]
            return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")
        response = super().changelist_view(request, {**self.arranged(request), **(extra_context or {})})
        context = getattr(response, "context_data", None) or {}
        if "cl" in context:  # else it is the page of an action
            context["media"] = of_list(context["media"], is_popup=context["is_popup"])
        return response

    @property
    def media(self) -> Media:
        """Django's scripts but for those of slugs."""
        return without_slugs(super().media)

    def arranged(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the list shows of views and columns."""
        if not getattr(self.admin_site, "keeps_views", False):
            return {}
        found = arrangement.of(request, self)
        shown = [arrangement.name_of(column) for column in self.get_list_display(request)]
        every = arrangement.arranged(
            self.every_column(request), (), [*shown, *map(arrangement.name_of, self.every_column(request))]
        )
        fixed = {arrangement.name_of(column) for column in self.fixed_columns(request)}
        names = [(arrangement.name_of(column), label_for_field(column, self.model, self)) for column in every]
        return {
            "arrangement": found,
            "columns": [(name, label, name in shown) for name, label in names if name not in fixed],
        }

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

    def kept(self, request: HttpRequest, page: str) -> str:
        """Return a page's address with the search and the filters of the list that this one was reached from."""
        return add_preserved_filters({**self.kept_context(request), "opts": self.opts}, page)

    def kept_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the same for the links and, as fields, for the forms by GET of a page of its own."""
        kept = self.get_preserved_filters(request)
        return {"preserved_filters": kept, "kept_fields": parse_qsl(kept)}

    def label(self, obj: Any) -> str:
        """Return what an object is called in titles, in the trail above a page, and by the record."""
        return str(obj)

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
