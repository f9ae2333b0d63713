"""Stands between the session and the pages: ends what is too old, asks to log in again, insists on a second factor."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.middleware import get_user
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from backoffice.coming_back import way_back
from backoffice.login.factors import has_factor, needs_factor
from backoffice.login.recent import ASK_AGAIN
from backoffice.login.timeouts import is_over, touch

GetResponse = Callable[[HttpRequest], HttpResponse]
WITHOUT_FACTOR = {  # all that somebody gets to who has to set up a second factor first
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "account_reauthenticate",
    "account_login",
    "console:login",
    "console:logout",
    "console:jsi18n",
    "sandbox:logout",
}
DUE = "Your role needs a second factor. Set up an app or a key; the console opens as soon as you have."


class DoorMiddleware:
    """Asks of everybody who is logged in whether they still may be, and whether that is enough."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """End a session that is over, let one that is used live on."""
        request.user = get_user(request)  # at once, as it is asked for many times
        if request.user.is_authenticated:
            if is_over(request):
                logout(request)
            else:
                touch(request)
        elif SESSION_KEY in request.session:  # of who may not log in any more, or by a way that is gone
            request.session.flush()
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Lead who needs a second factor and has none to where it is set up, whatever they asked for."""
        match = request.resolver_match
        if not request.user.is_authenticated or (match and match.view_name in WITHOUT_FACTOR):
            return None
        if not needs_factor(request.user) or has_factor(request.user):
            return None
        messages.warning(request, DUE)
        return HttpResponseRedirect(reverse("mfa_index"))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Lead who is refused for want of a recent login to the page that asks, and from there back."""
        if not isinstance(error, PermissionDenied) or not hasattr(request, ASK_AGAIN):
            return None
        back = urlencode({"next": way_back(request)})
        return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{back}")
