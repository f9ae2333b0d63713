"""What django-axes is told: who is counted, from where, and what a locked-out person gets to see.

A second factor that was wrong counts like a wrong password. Settings name the functions here.
"""

import hashlib
import hmac
from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from backoffice.middleware import address_of
from backoffice.models import User

TOO_MANY = 429  # HTTP's own number
NAMELESS = "a name that nobody has"


class LockoutBackend(AxesStandaloneBackend):  # type: ignore[misc]  # the library ships no types
    """Refuses who is locked out before any password is looked at."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Look whether this name may try; a command that asks without a request is not at the door."""
        if request is not None:
            super().authenticate(request, **credentials)


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the name that failures are counted under: the user's own, or a code of what was typed. One query."""
    tried = str((credentials or {}).get("username") or request.POST.get("username", "")).replace("\0", "")
    if User.all_objects_including_void().using("default").filter(username=tried).exists():
        return tried
    code = hmac.new(settings.SECRET_KEY.encode(), f"counted name {tried}".encode(), hashlib.sha256)
    return f"{NAMELESS}, {code.hexdigest()[:12]}"


def counted_address(request: HttpRequest) -> str | None:
    """Return the address that a try came from."""
    return address_of(request) or None


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """Return the page that a locked-out person gets, whatever else would have been the answer."""
    return render(request, "login/locked_out.html", {"minutes": settings.LOGIN_LOCKED_MINUTES}, status=TOO_MANY)


def may_try(request: HttpRequest, user: User) -> bool:
    """Whether this person may try a second factor now; if not, the answer becomes the page that says so."""
    if AxesProxyHandler.is_allowed(request, {"username": user.get_username()}):
        return True
    request.axes_locked_out = True  # type: ignore[attr-defined]  # for the middleware of axes
    return False


def count_failure(request: HttpRequest, user: User) -> None:
    """Count a second factor that was wrong."""
    AxesProxyHandler.user_login_failed(sender=User, credentials={"username": user.get_username()}, request=request)


def lift(username: str) -> None:
    """Forget the failures of a name, from wherever."""
    AxesProxyHandler.reset_attempts(username=username)
