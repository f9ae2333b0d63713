"""The scripts of a page: Django's, but for those that nothing here needs; on a list they run when the page stands.

What makes slugs of titles is half of the bytes of all of them, and no model here has any.
"""

from typing import Any

from django.forms import Media, Script

SLUGS = ("urlify.js", "prepopulate.js", "xregexp.js", "xregexp.min.js")


def without_slugs(media: Any) -> Media:
    """Leave out what makes slugs."""
    return Media(css=media._css, js=[script for script in media._js if not str(script).endswith(SLUGS)])


def deferred(media: Any) -> Media:
    """Have the scripts wait for the page, in their order: none of a list draws any of it."""
    scripts: Any = [Script(script, defer=True) if isinstance(script, str) else script for script in media._js]
    return Media(css=media._css, js=scripts)
