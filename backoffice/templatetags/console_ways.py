"""Where a page leads on to, for templates that no view of ours renders."""

from django.template import Library

from backoffice.coming_back import way_back

register = Library()
register.filter("way_back", way_back)
