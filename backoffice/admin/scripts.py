"""The scripts of a page: Django's, but for those that nothing here needs; on a list they run when the page stands.

What makes slugs of titles is half of the bytes of all of them, and no model here has any.
"""

from functools import lru_cache
from typing import Any

from django.forms import Media, Script
from django.utils.safestring import SafeString

SLUGS = ("urlify.js", "prepopulate.js", "xregexp.js", "xregexp.min.js")


def without_slugs(media: Any) -> Media:
    """Leave out what makes slugs."""
    return Media(css=media._css, js=[script for script in media._js if not str(script).endswith(SLUGS)])


def deferred(media: Any) -> dict[str, SafeString]:
    """Have the scripts of a list wait for the page, in their order: none draws any of it. Drawn once, as all lists share them."""
    css = tuple((medium, tuple(paths)) for medium, paths in media._css.items())
    return _drawn(css, tuple(media._js))


@lru_cache(maxsize=100)
def _drawn(css: tuple[tuple[str, tuple[Any, ...]], ...], js: tuple[Any, ...]) -> dict[str, SafeString]:
    scripts: Any = [Script(script, defer=True) if isinstance(script, str) else script for script in js]
    return {"css": Media(css=dict(css)).render(), "js": Media(js=scripts).render()}
