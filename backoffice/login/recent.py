"""Logging in again before what is dangerous: a stolen, open session alone approves nothing and makes nobody more.

`RecentLoginGuard` passes who gave a password or a second factor within LOGIN_AGAIN_MINUTES. A form is shown with that much
time left to fill it in, so what was typed is not lost: sending it has twice the time. Who is refused by it is not answered
with 403 but led to the page that asks, and back (`backoffice.login.middleware`). A view says `asks_again = True`; pages of
Django's admin are decorated with `asking_again`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from backoffice.databases import SANDBOX, worked_on
from backoffice.guards import PersonGuard
from backoffice.models import User

ASK_AGAIN = "login_ask_again"  # set on a request that a recent login would have let in
READING = ("GET", "HEAD", "OPTIONS")


def is_recent(request: HttpRequest) -> bool:
    """Whether the person has logged in, or logged in again, a short while ago; for a POST, twice that while."""
    moments = [record["at"] for record in get_authentication_records(request, request.user)]
    minutes = settings.LOGIN_AGAIN_MINUTES * (1 if request.method in READING else 2)
    return bool(moments) and time.time() - max(moments) < minutes * 60


@dataclass(frozen=True, repr=False)
class RecentLoginGuard(PersonGuard):
    """Passes who logged in a short while ago; anybody in the sandbox, where nothing is real.

    Put it behind the guards that say who may at all: `StaffGuard() & PermissionGuard("…") & RecentLoginGuard()`.
    """

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        if worked_on() == SANDBOX or is_recent(request):
            return True
        setattr(request, ASK_AGAIN, True)
        return False


def asking_again(view: Callable[..., HttpResponseBase]) -> Callable[..., Any]:
    """Let a page of a ModelAdmin be changed, or shown to who could change it, after a recent login only."""

    @wraps(view)
    def ask_first(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        may = request.method not in READING or self.has_change_permission(request)
        if may and not RecentLoginGuard().allows(request):
            raise PermissionDenied
        return view(self, request, *args, **kwargs)

    return ask_first
