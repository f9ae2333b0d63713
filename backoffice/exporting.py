"""Every list as a file: what the list shows for its search and filters is what is downloaded, as CSV or XLSX.

Invariants:
- Who may view a list may download it, and nobody else; the rows come from the list's own queryset.
- The columns are those of the list, or `export_fields`; a field that a list does not show is not in its file.
- At most as many rows as CAPS says. A longer list is refused with a sentence, never cut.
- The file is whole before it is sent: a failure is an error page, not half a file.
- It is sent as an attachment, which is what the audit records as `export.downloaded`, with the list's filters.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from babel.numbers import get_currency_precision
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field as ModelField
from django.db.models import ForeignKey, Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import strip_tags
from import_export.fields import Field
from import_export.resources import Resource
from import_export.widgets import Widget

from backoffice.guards import PersonGuard
from backoffice.models import User
from backoffice.sheets import FORMATS, Row, SheetFormat, number
from backoffice.views import guarded

CAPS = {"csv": 100_000, "xlsx": 20_000}  # rows that one request should write; a workbook takes five times as long
IN_MEMORY = 5 * 1024 * 1024  # bytes of a file before it goes to disk


@dataclass(frozen=True, repr=False)
class ListGuard(PersonGuard):
    """Passes staff who may view the list of this ModelAdmin."""

    model_admin: Any

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return user.is_staff and bool(self.model_admin.has_view_or_change_permission(request))

    def __repr__(self) -> str:
        return f"ListGuard({type(self.model_admin).__name__})"


class ValueWidget(Widget):  # type: ignore[misc]  # the library has no types
    """Leaves a value what it is: each format writes it in its own way."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return value.all() if hasattr(value, "all") else value


class ListResource(Resource):  # type: ignore[misc]  # the library has no types
    """The columns of a list as django-import-export's resource."""

    def __init__(self, columns: dict[str, str | Callable[[Any], Any]]) -> None:
        super().__init__()
        self.fields = {
            name: Field(column_name=name, dehydrate_method=source)
            if callable(source)
            else Field(attribute=source, column_name=name, widget=ValueWidget())
            for name, source in columns.items()
        }

    def rows(self, queryset: QuerySet[Any]) -> Iterator[list[Any]]:
        """Give the cells of each row."""
        fields = self.get_export_fields()
        for row in self.iter_queryset(queryset):
            places = get_currency_precision(row.currency) if hasattr(row, "currency") else 0
            yield [_cell(self.export_field(field, row), places) for field in fields]


def _cell(value: Any, places: int) -> Any:
    return number(value, places) if isinstance(value, Decimal) else value


class ExportMixin:
    """Two downloads for a ModelAdmin: `export/csv/` and `export/xlsx/` below its list."""

    # Paths such as "account__uid"; empty: the columns of the list.
    export_fields: Sequence[str] = ()

    def get_urls(self: Any) -> list[URLPattern]:
        """Put the downloads before the admin's own pages, of which one takes any path."""
        downloads = [self.export_url(kind) for kind in FORMATS.values()]
        return [*downloads, *super().get_urls()]  # type: ignore[misc]  # of ModelAdmin, beside which this is mixed in

    def export_url(self: Any, kind: SheetFormat) -> URLPattern:
        """Return one download behind its guard; `model_admin` on a view says what it is about, as on the admin's own."""
        opts, view = self.model._meta, partial(self.export_view, kind=kind)
        page: Any = guarded(ListGuard(self))(self.admin_site.admin_view(view))
        page.model_admin = self
        name = f"{opts.app_label}_{opts.model_name}_export_{kind.name}"
        url: URLPattern = path(f"export/{kind.name}/", page, name=name)
        return url

    def export_columns(self: Any, request: HttpRequest) -> dict[str, str | Callable[[Any], Any]]:
        """Return name and source of each column: a path through the row, or a function of it."""
        if self.export_fields:
            return {name.replace("__", "_"): name for name in self.export_fields}
        return dict(_column(self, name) for name in self.get_list_display(request))

    def export_view(self: Any, request: HttpRequest, *, kind: SheetFormat) -> HttpResponseBase:
        """Send the list as a file, or go back to it with a sentence."""
        opts = self.model._meta
        page = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist", current_app=self.admin_site.name)
        try:
            queryset = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{page}?e=1")
        most = CAPS[kind.name]
        if queryset[: most + 1].count() > most:
            sentence = f"A {kind.label} file holds {most:,} rows at most and this list is longer: filter it first."
            messages.error(request, sentence)
            return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}" if request.GET else page)
        columns = self.export_columns(request)
        resource = ListResource(columns)
        name = f"{opts.verbose_name_plural}-{timezone.localtime():%Y-%m-%d-%H%M}".replace(" ", "-")
        return attachment(kind, name, list(columns), resource.rows(_with_related(queryset, columns)))


def attachment(kind: SheetFormat, name: str, header: Row, rows: Iterable[Row]) -> FileResponse:
    """Return a table as a file to download; `name` is without its ending."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))
        kind.write(file, header, rows)
        file.seek(0)
        stack.pop_all()  # it is the response's now, which closes it
    return FileResponse(file, as_attachment=True, filename=f"{name}.{kind.name}", content_type=kind.content_type)


def _column(model_admin: Any, name: Any) -> tuple[str, str | Callable[[Any], Any]]:
    """Return name and source of a column of the list: a field where there is one behind it, else what is shown."""
    if name == "__str__":
        return str(model_admin.opts.model_name), str
    if isinstance(name, str) and _field(model_admin.model, name):
        return name.replace("__", "_"), name
    function = name if callable(name) else getattr(model_admin, name, None)
    ordering = getattr(function, "admin_order_field", None)
    if isinstance(ordering, str) and _field(model_admin.model, ordering.lstrip("-")):
        field = ordering.lstrip("-")
        return field.replace("__", "_"), field
    label = name if isinstance(name, str) else name.__name__
    if function is None:  # an attribute or method of the model
        return label, lambda row: _shown(getattr(row, label))
    return label, lambda row: _text(function(row))


def _shown(value: Any) -> Any:
    return _text(value() if callable(value) else value)


def _text(value: Any) -> Any:
    """Return what a column shows without its markup; numbers and moments stay what they are."""
    return strip_tags(value) if isinstance(value, str) else value


def _field(model: type[Model], lookup: str) -> ModelField[Any, Any] | None:
    """Return the concrete field at the end of a path, if it is one."""
    field: Any = None
    for part in lookup.split("__"):
        try:
            field = (field.related_model if field else model)._meta.get_field(part)
        except (FieldDoesNotExist, AttributeError):
            return None
    return field if getattr(field, "concrete", False) and not field.many_to_many else None


def _with_related(queryset: QuerySet[Any], columns: dict[str, str | Callable[[Any], Any]]) -> QuerySet[Any]:
    """Fetch along with the rows what the columns reach."""
    related = set()
    for source in columns.values():
        if isinstance(source, str):
            field = _field(queryset.model, source)
            reached = source if isinstance(field, ForeignKey) else source.rpartition("__")[0]
            related |= {reached} - {""}
    return queryset.select_related(*related) if related else queryset
