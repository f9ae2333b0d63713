"""The table of a list, where Django's own tag would stand."""

from django.template import Library

from backoffice.admin import table

register = Library()
register.simple_tag(table.drawn, name="console_results")
