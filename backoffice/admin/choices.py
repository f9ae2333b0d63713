"""The choices of a list's filters: the markup of `admin/filter.html`, whose variables take longer than all they say.

Filters that bring a template of their own are drawn by that; `draws_alike` says that one shows the same to all who see it, but
for what was asked for.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from typing import Any, cast

from django.contrib.admin import ChoicesFieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.templatetags.admin_list import admin_list_filter
from django.core.cache import caches
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

FILTER = """<details data-filter-title="{title}" open>
<summary>{summary}</summary>
<ul>
{choices}</ul>
</details>"""
CHOICE = """<li{selected}><a href="{query}">{shown}</a></li>
"""


def drawn(cl: Any, spec: Any) -> SafeString:
    """Return one filter. Of those that say so, what is drawn where nothing was typed is the same for all, and kept."""
    if spec.template != ListFilter.template:
        if cl.is_typed or not getattr(spec, "draws_alike", False):
            return admin_list_filter(cl, spec)
        return cast("SafeString", caches["pieces"].get_or_set(_key(cl, spec), lambda: admin_list_filter(cl, spec)))
    choices = "".join([_choice(choice) for choice in spec.choices(cl)])
    title = str(spec.title)
    shown = FILTER.format(title=escape(title), summary=escape(capfirst(title)), choices=choices)
    return mark_safe(shown)  # noqa: S308  escaped piece by piece


def offered(cl: Any, spec: Any) -> Iterator[str]:
    """Give the parameters of a filter that were asked for with what it offers by name, and with nothing else."""
    choices: Iterable[tuple[Any, Any]] = ()
    if isinstance(spec, SimpleListFilter):
        choices = spec.lookup_choices
    elif isinstance(spec, ChoicesFieldListFilter):
        choices = spec.field.flatchoices
    values = {str(value) for value, _ in choices}
    return (name for name in spec.expected_parameters() if values.issuperset(cl.filter_params.get(name, ())))


def _key(cl: Any, spec: Any) -> str:
    """Return what decides what is drawn, of fixed length: what was asked for of other filters is as long as one likes."""
    of = f"{cl.model_admin.admin_site.drawn_on()}:{cl.opts.label_lower}"
    asked = sha256(cl.get_query_string().encode()).hexdigest()
    return f"filter:{of}:{type(spec).__module__}:{type(spec).__qualname__}:{asked}"


def _choice(choice: dict[str, Any]) -> str:
    selected = ' class="selected"' if choice.get("selected") else ""
    return CHOICE.format(selected=selected, query=escape(choice["query_string"]), shown=escape(str(choice["display"])))
