"""What must never be recorded: passwords, tokens, session keys. Taken out of query strings by name and by value."""

import re
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.http import HttpRequest

NAMES = re.compile(
    r"pass|pwd|secret|token|csrf|session|cookie|otp|credential|api_?key|authorization|^key$", re.IGNORECASE
)
HIDDEN = "not shown"
SHORTEST = 8  # characters of a value that is looked for anywhere; shorter ones would be found in innocent words


def of_request(request: HttpRequest) -> set[str]:
    """Return the secrets that came with a request: its cookies, and whatever was sent under a telling name."""
    sent = [*request.GET.lists(), *(request.POST.lists() if request.method == "POST" else ())]
    found = {value for name, values in sent if NAMES.search(name) for value in values}
    cookies = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    found |= {request.COOKIES[name] for name in cookies if name in request.COOKIES}
    return {str(value) for value in found if len(str(value)) >= SHORTEST}


def without(text: str, secrets: set[str]) -> str:
    """Return a text in which the secrets themselves are not shown."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def query_of(request: HttpRequest) -> str:
    """Return the query string without secrets."""
    secrets = of_request(request)
    pairs = parse_qsl(request.GET.urlencode(), keep_blank_values=True)
    return urlencode(
        [(without(name, secrets), HIDDEN if NAMES.search(name) else without(value, secrets)) for name, value in pairs]
    )
