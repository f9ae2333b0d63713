"""The pages of the door: the libraries' views behind our guards, in the console's frame, and few of our own.

Names of addresses are the libraries', which look for them; what is not listed here does not exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core import ratelimit
from allauth.usersessions.forms import ManageUserSessionsForm
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import admin, messages
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from audit.middleware import after_request
from backoffice import browsers
from backoffice.databases import working_on
from backoffice.guards import StaffGuard
from backoffice.login.locking import count_failure, may_try
from backoffice.models import User
from backoffice.site import HeaderLink, rendered
from backoffice.views import guarded

View = Callable[..., HttpResponseBase]


def own_login(request: HttpRequest) -> HeaderLink | None:
    """Lead staff to their own login."""
    return HeaderLink("Your login", reverse("mfa_index")) if StaffGuard().allows(request) else None


def in_console(view: View, title: str) -> View:
    """Give a library's view the console's frame and a title."""

    @wraps(view)
    def framed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with working_on("default"):
            response = view(request, *args, **kwargs)
            context = getattr(response, "context_data", None)
            if context is not None:
                response.context_data = {**admin.site.each_context(request), **context, "title": title}  # type: ignore[attr-defined]  # has one
            return rendered(response)

    return framed


class Door(LoginView):
    """The login form; who has a second factor is asked for it next, and is not logged in before."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look at a password, unless too many from this address were wrong within a minute."""
        if not ratelimit.consume(request, action="login_failed", dry_run=True):
            return cast("HttpResponse", ratelimit.respond_429(request))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Go on to the second factor, or in."""
        user = form.get_user()
        login = Login(user=user, redirect_url=self.get_success_url())
        return cast("HttpResponse", perform_password_login(self.request, {"username": user.get_username()}, login))

    def form_invalid(self, form: Any) -> HttpResponse:
        """Count the failure of the address; the name's is counted by django-axes."""
        ratelimit.consume(self.request, action="login_failed")
        return super().form_invalid(form)


class OwnPassword(PasswordChangeView):
    """One's own new password; this session goes on, all others end. The old one is tried as often as at the door."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look at the old password, unless it was wrong too often; tries of one person wait for each other."""
        user = User.objects.select_for_update(no_key=True).get(pk=cast("User", request.user).pk)
        if not may_try(request, user):
            return self.get(request, *args, **kwargs)  # of which the page of a lock-out takes the place
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        """Count an old password that was wrong like one at the door."""
        if "old_password" in form.errors and form.data.get("old_password"):
            user = form.user
            count_failure(self.request, user)
            who = {"user_id": user.pk, "username": user.get_username()}
            after_request(self.request, "login.failed", obj=user, success=False, **who)
        return super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep the list of sessions true: this one has a new key."""
        response = super().form_valid(form)
        UserSession.objects.filter(user=self.request.user).delete()
        UserSession.objects.create_from_request(self.request)
        return response


class Sessions(ListUserSessionsView):  # type: ignore[misc]  # the library ships no types
    """One's own sessions: end one, or all others."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say what browser each is in."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        for session in context["sessions"]:
            session.browser = browsers.short(session.user_agent)
        return context

    def form_valid(self, form: ManageUserSessionsForm) -> HttpResponse:
        """End what was chosen; another's session is not to be found."""
        chosen = UserSession.objects.filter(user=self.request.user).exclude(
            session_key=self.request.session.session_key
        )
        if number := self.request.POST.get("session", ""):
            chosen = chosen.filter(pk=number if number.isdecimal() and len(number) < 18 else None)  # noqa: PLR2004  digits of a bigint
        ended = list(chosen)
        end_sessions(self.request, ended)
        messages.success(self.request, f"{len(ended)} session{'' if len(ended) == 1 else 's'} ended.")
        return cast("HttpResponse", super(ListUserSessionsView, self).form_valid(form))


def page(view: View, guard: Any, title: str) -> View:
    """Return a view behind its guard, in the console's frame."""
    return guarded(guard)(in_console(view, title))
