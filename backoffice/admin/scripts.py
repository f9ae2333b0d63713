"""The scripts of a page: Django's, but for those that nothing here needs; on a list they run when the page stands.

What makes slugs of titles is half of the bytes of all of them, and no model here has any. What opens and closes windows
is most of the rest, with jQuery below it, and of lists those alone close any that are such a window themselves.
"""

from functools import lru_cache
from typing import Any

from django.forms import Media, Script
from django.utils.safestring import SafeString

SLUGS = ("urlify.js", "prepopulate.js", "xregexp.js", "xregexp.min.js")
WINDOWS = ("jquery.js", "jquery.min.js", "jquery.init.js", "core.js", "RelatedObjectLookups.js")


def without_slugs(media: Any) -> Media:
    """Leave out what makes slugs."""
    return _without(media, SLUGS)


def of_list(media: Any, *, is_popup: bool) -> dict[str, SafeString]:
    """Have the scripts wait for the page, in their order: none of a list draws any of it. Drawn once, as many lists share them."""
    css = tuple((medium, tuple(paths)) for medium, paths in media._css.items())
    kept: Any = media if is_popup else _without(media, WINDOWS)
    return _drawn(css, tuple(kept._js))


@lru_cache(maxsize=100)
def _drawn(css: tuple[tuple[str, tuple[Any, ...]], ...], js: tuple[Any, ...]) -> dict[str, SafeString]:
    scripts: Any = [Script(script, defer=True) if isinstance(script, str) else script for script in js]
    return {"css": Media(css=dict(css)).render(), "js": Media(js=scripts).render()}


def _without(media: Any, names: tuple[str, ...]) -> Media:
    return Media(css=media._css, js=[script for script in media._js if not str(script).endswith(names)])
