"""The table of a list: what Django's own tag makes of it, cell for cell, worked out once a column and not once a cell.

The markup is that of Django's `admin/change_list_results.html`, whose tags and variables take longer than the cells. What a
column is, who makes its cells and how they are shown is the same in every row; so is where a row leads, but for its key.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import display_for_field, display_for_value, label_for_field, lookup_field
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db.models import CharField, DateField, DateTimeField, ForeignKey, Model, TextField, TimeField, URLField
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language, gettext

from backoffice.arrangement import name_of
from backoffice.said import shortened

if TYPE_CHECKING:
    from backoffice.admin.lists import ConsoleList

SELECT = "action_checkbox"
TABLE = """<div class="results{wide}">
<table id="result_list">
<thead>
<tr>{head}</tr>
</thead>
<tbody>
{body}</tbody>
</table>
</div>"""
HEAD = """
<th scope="col" class="{kind}{sorted}"><div class="text">{shown}</div><div class="clear"></div></th>"""


class OneLine(str):
    """What is not broken into lines, whatever column it stands in: a moment."""

    __slots__ = ()


class Column(NamedTuple):
    """How a column's cells are made."""

    open: str  # the tag with its class
    shown: Callable[[Model], Any]
    leads: bool
    tag: str


def drawn(cl: "ConsoleList") -> SafeString:
    """Return the table of a page; nothing where it has no rows."""
    body = "".join(f"<tr>{row}</tr>\n" for row in rows(cl))
    head = "".join(heads(cl)) if body else ""
    wide = " wide" if _widened(cl) else ""
    return mark_safe(TABLE.format(head=head, body=body, wide=wide) if body else "")  # noqa: S308  escaped piece by piece


def _widened(cl: "ConsoleList") -> bool:
    """Whether columns were chosen that the list does not have by itself, and that a window may not hold."""
    own = {SELECT, *map(name_of, cl.model_admin.list_display)}
    return any(name_of(column) not in own for column in cl.list_display)


def heads(cl: "ConsoleList") -> Iterator[str]:
    """Give the heads of the columns, with links where the list can be sorted by them."""
    for column in cl.list_display:
        name = name_of(column)
        if name == SELECT:
            label = escape(gettext("Select all objects on this page for an action"))
            shown = f'<span><input type="checkbox" id="action-toggle" aria-label="{label}"></span>'
            yield HEAD.format(kind="action-checkbox-column", sorted="", shown=shown)
            continue
        text = escaped(capfirst(str(label_for_field(column, cl.model, model_admin=cl.model_admin))))
        if name in cl.sortable:
            yield _sortable(cl, name, text)
        else:
            yield HEAD.format(kind=f"column-{escape(name)}", sorted="", shown=f"<span>{text}</span>")


def _sortable(cl: "ConsoleList", name: str, text: str) -> str:
    """Return the head of a column that sorts: another click turns the list round."""
    now = cl.order.names()[0]
    is_sorted = now.removeprefix("-") == cl.sortable[name]
    up = is_sorted and not now.startswith("-")
    way = "ascending" if up else "descending"
    state = f' sorted {way}" aria-sort="{way}' if is_sorted else ""
    turned = escape(cl.get_query_string({ORDER_VAR: f"-{name}" if up else name}))
    return HEAD.format(kind=f"sortable column-{escape(name)}", sorted=state, shown=f'<a href="{turned}">{text}</a>')


def rows(cl: "ConsoleList") -> Iterator[str]:
    """Give the cells of each row."""
    columns, suffix = list(_columns(cl)), ""
    for number, row in enumerate(cl.result_list):
        page = cl.url_for_result(row)
        if cl.moment is not None:
            page = _kept(cl, page)
        else:
            suffix = suffix if number else _kept(cl, page).removeprefix(page)
            page += suffix
        yield "".join([_cell(cl, column, row, page) for column in columns])


def _kept(cl: "ConsoleList", page: str) -> str:
    """Return the address with the list's search and filters, to come back to them."""
    return add_preserved_filters({"preserved_filters": cl.preserved_filters, "opts": cl.opts}, page)


def _cell(cl: "ConsoleList", column: Column, row: Model, page: str) -> str:
    made = column.shown(row)
    opened = column.open.replace('">', ' nowrap">', 1) if isinstance(made, OneLine) else column.open
    shown = escaped(made)
    if column.leads:
        opener = f' data-popup-opener="{escaped(_chosen(cl, row))}"' if cl.is_popup else ""
        shown = f'<a href="{escaped(page)}"{opener}>{shown}</a>'
    return f"{opened}{shown}</{column.tag}>"


def escaped(made: Any) -> str:
    """Return what `conditional_escape` does, which asks at each cell whether it is a text to come."""
    told = getattr(made, "__html__", None)
    return str(told()) if told else escape(str(made))


def _chosen(cl: "ConsoleList", row: Any) -> Any:
    return row.serializable_value(str(cl.to_field) if cl.to_field else cl.pk_attname)


def _columns(cl: "ConsoleList") -> Iterator[Column]:
    first = True
    for column in cl.list_display:
        links = cl.list_display_links
        leads = links is not None and (column in links if links else first and column != SELECT)
        tag = "th" if leads and first else "td"
        first = first and not leads
        shown, nowrap = _maker(cl, column)
        kind = "action-checkbox" if column == SELECT else f"field-{name_of(column)}"
        scope = ' class="{}{}"'.format(kind, " nowrap" if nowrap else "")
        yield Column(f"<{tag}{scope}>", shown, leads, tag)


def _maker(cl: "ConsoleList", column: Any) -> tuple[Callable[[Any], Any], bool]:
    """Return what makes a column's cells, and whether they are kept on one line."""
    admin, empty = cl.model_admin, cl.model_admin.get_empty_value_display()
    if column == SELECT:
        return _boxes(), False
    field = _field(cl, column)
    if field is not None:
        return _of_field(field, empty), isinstance(field, DateField | TimeField | ForeignKey)
    if callable(column):
        return _of_function(column, column, empty), False
    method = getattr(admin, column, None) if column != "__str__" else None
    if method is not None:
        return _of_function(method, method, empty), False

    def found(row: Model) -> Any:
        try:
            _, attribute, value = lookup_field(column, row, admin)
        except ObjectDoesNotExist:
            return empty
        return display_for_value(value, empty, getattr(attribute, "boolean", False))

    return found, False


def _boxes() -> Callable[[Model], SafeString]:
    """Return what makes Django's box to choose a row with, as a widget's template would."""
    start = f'<input type="checkbox" name="{ACTION_CHECKBOX_NAME}" value="'
    end, label = '" class="action-select" aria-label="{}">', gettext("Select this object for an action - {}")
    return lambda row: mark_safe(f"{start}{escape(str(row.pk))}{end.format(escape(label.format(row)))}")  # noqa: S308  escaped


def _field(cl: "ConsoleList", column: Any) -> Any:
    """Return the concrete field that a column shows, if it is one."""
    if not isinstance(column, str):
        return None
    try:
        field: Any = cl.lookup_opts.get_field(column)
    except FieldDoesNotExist:
        return None
    return (
        field if field.concrete and not field.many_to_many and not field.auto_created and field.name == column else None
    )


def _of_field(field: Any, empty: str) -> Callable[[Any], Any]:
    name = field.name
    if isinstance(field, ForeignKey):
        return lambda row: empty if getattr(row, name) is None else str(getattr(row, name))
    if isinstance(field, DateTimeField):
        said = _moments()
        return lambda row: empty if getattr(row, name) is None else said(getattr(row, name))
    if isinstance(field, CharField | TextField) and not field.flatchoices and not isinstance(field, URLField):
        return lambda row: shortened(getattr(row, name)) or empty
    return lambda row: display_for_field(getattr(row, name), field, empty, avoid_link=True)


def _of_function(function: Callable[[Any], Any], attribute: Any, empty: str) -> Callable[[Any], Any]:
    empty, boolean = getattr(attribute, "empty_value_display", empty), getattr(attribute, "boolean", False)
    said = _moments()

    def shown(row: Model) -> Any:
        try:
            value = function(row)
        except ObjectDoesNotExist:
            return empty
        if isinstance(value, str) and not boolean:
            return value if value.strip() else empty
        if isinstance(value, datetime):
            return OneLine(said(value))
        text = display_for_value(value, empty, boolean)
        return OneLine(text) if isinstance(value, date | time) else text

    return shown


def _moments() -> Callable[[datetime], str]:
    """Return what spells moments as Django's lists do, in the zone and the language of the page."""
    zone, language = get_current_timezone(), get_language()
    return lambda moment: _said(local := moment.astimezone(zone), local.tzname(), language)


# Pages are turned and loaded again, and to spell a moment takes longer than all else of its cell.
@lru_cache(maxsize=10_000)
def _said(local: datetime, zone: str | None, language: str | None) -> str:
    """Spell a moment; those of two zones are equal, and spelt differently."""
    return date_format(local, "DATETIME_FORMAT")
