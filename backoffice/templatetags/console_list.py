"""The table and the filters of a list, where Django's own tags would stand."""

from django.template import Library

from backoffice.admin import choices, table

register = Library()
register.simple_tag(table.drawn, name="console_results")
register.simple_tag(choices.drawn, name="console_filter")
