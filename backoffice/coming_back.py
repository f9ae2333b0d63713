"""Where somebody goes on after a login that came between."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def way_back(request: HttpRequest) -> str:
    """Return what was asked for; where something was sent, the page it was sent from: not every address shows one.

    The site's referrer policy names pages to the site itself and to nobody else; what any other says is left alone.
    """
    return (request.method == "POST" and _sent_from(request)) or request.get_full_path()


def _sent_from(request: HttpRequest) -> str:
    """Return the page of this site that a browser says it comes from, without the site; nothing for any other."""
    referrer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referrer, request.get_host(), request.is_secure()):
        return ""
    page = urlsplit(referrer)._replace(scheme="", netloc="").geturl()
    return page if url_has_allowed_host_and_scheme(page, None) else ""
