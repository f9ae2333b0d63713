"""The base of every view: who declares no guard is for superusers only.

Invariants:
- A view that no guard stands before, of a library or written without `BaseView`, is refused by `GuardMiddleware` to all
  but superusers.
- The guard is asked before anything of the view runs (its `setup`, its `dispatch`, a mixin's), for every method,
  OPTIONS and methods the view does not know included.
- The anonymous are sent to the console's login and come back after it; it says so where their session had ended. Whoever
  else is refused gets a 403, or what the guard says.
- What URL, query and body name as `object_id` is looked up before the view runs: out of reach it is a 404.
- What the URL points at has `.guard`, so that a test can walk all URLs and compare.
- State changes on POST only: PUT, PATCH, DELETE and TRACE are answered with 405.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Protocol, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views import View

from backoffice.coming_back import way_back
from backoffice.entity_guard import EntityGuard, Named
from backoffice.guards import UNDECLARED, Guard

ENDED = {  # what the login says, by the parameter of its address, which is never shown itself
    "sent": "Your session had ended when you sent that: nothing was done, saved or posted. Log in, then do it again.",
    "asked": "Your session has ended. Nothing was done or posted since. Log in to go on.",
}
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
            return _refuse(request, guard, kwargs)

        result = cast("GuardedView", ask_first)
        result.guard = guard
        return result

    return decorate


def _refuse(request: HttpRequest, guard: Guard, kwargs: Mapping[str, Any]) -> HttpResponseBase:
    """Return the way to the login for the anonymous; raise what the guard says for the others."""
    if request.user.is_authenticated:
        raise guard.refusal(request, **kwargs)
    ended = _ended(request)
    door = reverse("console:login", query={"ended": ended} if ended else None)
    return redirect_to_login(way_back(request), door)


def _ended(request: HttpRequest) -> str:
    """Return how somebody lost a session, a key of `ENDED`; nothing for who just comes in. No row is kept for that."""
    if request.method == "POST":  # a browser gives up the cookie with the session, so there need not be one
        return "sent"
    had_one = request.COOKIES.get(settings.SESSION_COOKIE_NAME) and request.session.session_key is None
    return "asked" if had_one else ""


class GuardMiddleware:
    """Stands before every view that declares no guard, as `SuperUserGuard`; those that do are guarded by themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Go on."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: Mapping[str, Any]
    ) -> HttpResponseBase | None:
        """Refuse what is undeclared."""
        if hasattr(view, "guard") or UNDECLARED.allows(request, **kwargs):
            return None
        return _refuse(request, UNDECLARED, kwargs)


class BaseView(View):
    """Subclass it, declare `guard`, and write get() and post().

    `names` says which parameter names rows of which model; without a model it is that of the `model_admin` that the view
    is given. They join the guard of the view's address. `guard` alone says who may at all, and so who is shown the link.
    """

    guard: ClassVar[Guard] = UNDECLARED
    names: ClassVar[Mapping[str, Named]] = {"object_id": Named()}
    asks_again: ClassVar[bool] = False  # whether only a recent login lets in: see `backoffice.login.recent`
    http_method_names = ["get", "head", "options", "post"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> GuardedView:
        """Return the view function behind its guard; `as_view(guard=...)` is narrower or wider for one URL.

        Raises TypeError where a parameter names rows and no guard says who may see them.
        """
        guard = initkwargs.get("guard", cls.guard)
        objects = EntityGuard.of(cls.names, initkwargs.get("model_admin"))
        if objects is not None:
            if guard is UNDECLARED:
                raise TypeError(f"{cls.__name__} names objects and declares no guard.")
            guard = guard & objects
        if cls.asks_again:
            from backoffice.login.recent import RecentLoginGuard  # noqa: PLC0415  models are loaded by then

            guard &= RecentLoginGuard()
        return guarded(guard)(super().as_view(**initkwargs))


class RowPage(BaseView):
    """A page of one row of those that its ModelAdmin shows."""

    model_admin: Any = None  # given to as_view()

    def row(self, object_id: int) -> Any:
        """Return the row. Raises Http404."""
        found = self.model_admin.get_queryset(self.request).filter(pk=object_id).first()
        if found is None:
            raise Http404(f"There is no such {self.model_admin.opts.verbose_name}.")
        return found
