"""Every list as a file: what the list shows for its search and filters is what is downloaded, as CSV or XLSX.

Invariants:
- Who may view a list may download it, and nobody else; the rows come from the list's own queryset.
- The columns are `export_fields`, or those that the list has of its own accord: what else reads a file finds it the same
  whoever fetches it, whichever columns they chose to look at.
- At most as many rows as CAPS says, and of a search all that it means. A longer list is refused with a sentence, never cut.
- Rows are read and written as they come, BLOCK at a time: memory does not grow with them.
- The file is whole before it is sent: a failure is an error page, not half a file.
- It is sent as an attachment, which is what the audit records as `export.downloaded`, with the list's filters.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DecimalField, ForeignKey, Model, QuerySet
from django.db.models import Field as ModelField
from django.http import FileResponse, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import strip_tags

from audit.asof import PastQuery
from backoffice.guards import ModelGuard
from backoffice.said import exponent
from backoffice.sheets import FORMATS, Row, SheetFormat, number
from backoffice.views import guarded

CAPS = {"csv": 100_000, "xlsx": 20_000}  # rows that one request should write; a workbook takes five times as long
KNOWN = 20_000  # names of what rows point at that are kept at a time
BLOCK = 2_000  # rows that are read at a time
Columns = dict[str, str | Callable[[Any], Any]]
IN_MEMORY = 5 * 1024 * 1024  # bytes of a file before it goes to disk


def rows_of(queryset: QuerySet[Any], columns: Columns) -> Iterator[list[Any]]:
    """Give the cells of each row as the database gives the rows, a block of BLOCK at a time.

    Where every column is a field, no instance is made of a row: that takes several times as long as all else together.
    """
    fields = {name: _field(queryset.model, source) for name, source in columns.items() if isinstance(source, str)}
    if len(fields) == len(columns) and all(fields.values()) and not isinstance(queryset.query, PastQuery):
        yield from _rows_of_values(queryset, columns, cast("dict[str, ModelField[Any, Any]]", fields))
        return
    cells = [_cell_of(source) for source in columns.values()]
    for row in _with_related(queryset, columns).iterator(chunk_size=BLOCK):
        places = exponent(row.currency) if hasattr(row, "currency") else 0
        yield [_cell(cell(row), places) for cell in cells]


def batched(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Give an iterator's items in lists."""
    while block := list(islice(rows, size)):
        yield block


def _cell_of(source: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function that reads a column; a path ends where it leads to nothing."""
    if callable(source):
        return source
    parts = source.split("__")

    def cell(row: Any) -> Any:
        for part in parts:
            row = getattr(row, part)
            if row is None:
                return None
        return row.all() if hasattr(row, "all") else row

    return cell


def _rows_of_values(
    queryset: QuerySet[Any], columns: Columns, fields: dict[str, ModelField[Any, Any]]
) -> Iterator[list[Any]]:
    """Give the cells of each row from values alone; what relations point at is named a block at a time."""
    paths = [str(source) for source in columns.values()]
    pointing = [(n, field) for n, field in enumerate(fields.values()) if isinstance(field, ForeignKey)]
    own = [*paths, "currency"] if _field(queryset.model, "currency") else paths
    amounts = [n for n, field in enumerate(fields.values()) if isinstance(field, DecimalField)]
    names: dict[int, dict[Any, str]] = {n: {} for n, _ in pointing}
    for block in batched(queryset.values_list(*own).iterator(chunk_size=BLOCK), BLOCK):
        for n, field in pointing:
            _learn(names[n], field, {row[n] for row in block}, queryset.db)
        for values in block:
            row = list(values[: len(paths)])
            for n, called in names.items():
                row[n] = called.get(row[n])
            places = exponent(values[-1]) if len(own) > len(paths) else 0
            for n in amounts:
                row[n] = _cell(row[n], places)
            yield row


def _learn(known: dict[Any, str], field: Any, keys: set[Any], using: str) -> None:
    """Look up what the rows are called that a block points at and that are not known yet. One query, or none."""
    if missing := keys - known.keys() - {None}:
        if len(known) > KNOWN:
            known.clear()
            missing = keys - {None}
        to = field.target_field.attname
        others = field.related_model._base_manager.using(using).filter(**{f"{to}__in": missing})
        known.update((getattr(row, to), str(row)) for row in others)


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
        page: Any = guarded(ModelGuard(self))(self.admin_site.admin_view(view))
        page.model_admin = self
        name = f"{opts.app_label}_{opts.model_name}_export_{kind.name}"
        url: URLPattern = path(f"export/{kind.name}/", page, name=name)
        return url

    def export_columns(self: Any, request: HttpRequest) -> Columns:
        """Return name and source of each column: a path through the row, or a function of it."""
        if self.export_fields:
            return {name.replace("__", "_"): name for name in self.export_fields}
        return dict(_column(self, name) for name in self.list_display)

    def export_view(self: Any, request: HttpRequest, *, kind: SheetFormat) -> HttpResponseBase:
        """Send the list as a file, or go back to it with a sentence."""
        opts = self.model._meta
        page = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist", current_app=self.admin_site.name)
        try:
            request.is_for_a_file = True  # type: ignore[attr-defined]  # ours: `admin.lists` reads no page then
            listed = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{page}?e=1")
        queryset, most = listed.queryset, CAPS[kind.name]
        sentence = listed.unseen
        if not sentence and queryset[: most + 1].count() > most:
            sentence = f"A {kind.label} file holds {most:,} rows at most and this list is longer: filter it first."
        if sentence:
            messages.error(request, sentence)
            return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}" if request.GET else page)
        columns = self.export_columns(request)
        name = f"{opts.verbose_name_plural}-{timezone.localtime():%Y-%m-%d-%H%M}".replace(" ", "-")
        return attachment(kind, name, list(columns), rows_of(queryset, columns))


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


def _with_related(queryset: QuerySet[Any], columns: Columns) -> QuerySet[Any]:
    """Fetch along with the rows what the columns reach."""
    related = set()
    for source in columns.values():
        if isinstance(source, str):
            field = _field(queryset.model, source)
            reached = source if isinstance(field, ForeignKey) else source.rpartition("__")[0]
            related |= {reached} - {""}
    return queryset.select_related(*related) if related else queryset
