"""The choices of a list's filters: the markup of Django's `admin/filter.html`, whose variables take longer than all they say.

Filters that bring a template of their own are drawn by that.
"""

from html import escape
from typing import Any

from django.contrib.admin import ListFilter
from django.contrib.admin.templatetags.admin_list import admin_list_filter
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

FILTER = """<details data-filter-title="{title}" open>
<summary>{summary}</summary>
<ul>
{choices}</ul>
</details>"""
CHOICE = """<li{selected}><a href="{query}">{shown}</a></li>
"""


def drawn(cl: Any, spec: Any) -> SafeString:
    """Return one filter."""
    if spec.template != ListFilter.template:
        theirs: SafeString = admin_list_filter(cl, spec)
        return theirs
    choices = "".join([_choice(choice) for choice in spec.choices(cl)])
    summary = gettext(" By %(filter_title)s ") % {"filter_title": spec.title}
    shown = FILTER.format(title=escape(str(spec.title)), summary=escape(summary.strip()), choices=choices)
    return mark_safe(shown)  # noqa: S308  escaped piece by piece


def _choice(choice: dict[str, Any]) -> str:
    selected = ' class="selected"' if choice["selected"] else ""
    return CHOICE.format(selected=selected, query=escape(choice["query_string"]), shown=escape(str(choice["display"])))
