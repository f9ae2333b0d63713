"""The base of every view: who declares no guard is for superusers only.

Invariants:
- The guard is asked before anything of the view runs (its `setup`, its `dispatch`, a mixin's), for every method,
  OPTIONS and methods the view does not know included.
- The anonymous are sent to the console's login and come back after it; whoever else is refused gets a 403.
- What the URL points at has `.guard`, so that a test can walk all URLs and compare.
- State changes on POST only: PUT, PATCH, DELETE and TRACE are answered with 405.
"""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Protocol, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views import View

from backoffice.guards import Guard, SuperUserGuard

ViewFunction = Callable[..., HttpResponseBase]


class GuardedView(Protocol):
    """A view function that tells which guard stands before it."""

    guard: Guard

    def __call__(self, request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase: ...


def guarded(guard: Guard) -> Callable[[ViewFunction], GuardedView]:
    """Put `guard` before a function view.

    Raises TypeError where it is applied to an async view or is given no guard, such as a class without its brackets.
    """
    if not isinstance(guard, Guard):
        raise TypeError(f"A view is guarded by a guard such as StaffGuard(), not by {guard!r}.")

    def decorate(view: ViewFunction) -> GuardedView:
        if iscoroutinefunction(view):
            raise TypeError(f"{view!r} is async: views of the site are not.")

        @wraps(view)
        def ask_first(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if guard.allows(request, **kwargs):
                return view(request, *args, **kwargs)
            return _refuse(request)

        result = cast("GuardedView", ask_first)
        result.guard = guard
        return result

    return decorate


def _refuse(request: HttpRequest) -> HttpResponseBase:
    """Return the way to the login for the anonymous; raise PermissionDenied for the others."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.get_full_path(), reverse("console:login"))


class BaseView(View):
    """Subclass it, declare `guard`, and write get() and post()."""

    guard: ClassVar[Guard] = SuperUserGuard()
    http_method_names = ["get", "head", "options", "post"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> GuardedView:
        """Return the view function behind its guard; `as_view(guard=...)` is narrower or wider for one URL."""
        return guarded(initkwargs.get("guard", cls.guard))(super().as_view(**initkwargs))
