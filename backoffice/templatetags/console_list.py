"""The table of a list, where Django's own tag would stand."""

from typing import Any

from django.contrib.admin.templatetags.base import InclusionAdminNode
from django.template import Library
from django.template.base import Parser, Token

from backoffice.admin import table

register = Library()


def console_results(cl: Any) -> dict[str, Any]:
    """Return what Django's template of the table takes."""
    return {
        "cl": cl,
        "result_headers": list(table.headers(cl)),
        "num_sorted_fields": 0,
        "results": list(table.rows(cl)),
    }


@register.tag(name="console_results")
def console_results_tag(parser: Parser, token: Token) -> Any:
    """Show the table by Django's template, or by that of the model."""
    node: Any = InclusionAdminNode  # the stubs know an earlier Django's
    return node(parser, token, func=console_results, template_name="change_list_results.html", takes_context=False)
