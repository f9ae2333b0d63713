"""The sandbox's site: the console's own pages, on a copy that nothing real depends on.

Login, sessions and rights are the console's. Who may use the sandbox may do everything in it: `request.user` is then an
`Analyst`, the same person as a row of the sandbox, and back to the console's user when the page is done. One page is one
transaction of the sandbox, its template included, within the request's own.
"""

from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from backoffice.databases import SANDBOX, working_on
from backoffice.grants import keep_entities
from backoffice.guards import AnyoneGuard
from backoffice.models import User
from backoffice.scope import Reach, acting, current
from backoffice.site import SANDBOX_GUARD, ConsoleSite, View, rendered
from backoffice.views import guarded
from sandbox.entities import branches, granted
from sandbox.models import Analyst, Refresh

CONSOLE_VIEWS = ("login", "logout", "password_change", "password_change_done")


class SandboxSite(ConsoleSite):
    """The console over again, for trying out."""

    site_header = "Sandbox"
    site_title = "Sandbox"
    index_title = "Sandbox"
    using = SANDBOX
    keeps_views = False

    def __init__(self) -> None:
        super().__init__(name="sandbox")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add what the banner says, and the way back."""
        refresh = getattr(request, "sandbox_refresh", None)
        console = {"sandbox": refresh, "sandbox_url": "", "console_url": reverse("console:index")}
        return {**super().each_context(request), **console}

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whom `placed` let in."""
        return SANDBOX_GUARD.allows(request)

    def stand_in(self, person: User) -> Any:
        """Return the analyst; nobody, where the person may not use the sandbox any more."""
        request = HttpRequest()
        request.user = person
        return Analyst.of(person) if SANDBOX_GUARD.allows(request) else AnonymousUser()

    def reach(self, person: User) -> list[int]:
        """Return those of the sandbox's own tree that are below the person's grants."""
        return branches(granted(person))

    def placed(self, view: View, name: str | None) -> View:
        """Wrap a view: the guard, then the person as a row of the sandbox, then the view on the sandbox."""
        if name in CONSOLE_VIEWS:
            return guarded(AnyoneGuard())(_of_console(name))

        @wraps(view)
        def in_sandbox(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            person = cast("User", request.user)
            request_id = str(request.request_id)  # type: ignore[attr-defined]  # RequestLogMiddleware's
            entities = Reach.EVERYTHING if person.is_superuser else self.reach(person)
            with working_on(SANDBOX), acting(actor=person.pk, request_id=request_id, entities=entities, using=SANDBOX):
                refresh = Refresh.objects.first()
                if refresh is None:
                    return render(request, "sandbox/empty.html", status=503)
                keep_entities(request, current().entities)  # type: ignore[arg-type]  # ids, since they were announced
                request.sandbox_refresh = refresh  # type: ignore[attr-defined]  # ours, read by each_context
                request.current_app = self.name  # for {% url "admin:…" %}
                request.user = Analyst.of(person)
                try:
                    response = rendered(view(request, *args, **kwargs))
                finally:
                    request.user = person
                if response.status_code >= 500:  # noqa: PLR2004  HTTP's own number
                    transaction.set_rollback(True, using=SANDBOX)
            return response

        return guarded(SANDBOX_GUARD)(in_sandbox)


def _of_console(name: str) -> View:
    """Return a view that leads to the console's own; a POST that logs out is answered by it."""

    def console_view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if name == "logout" and request.method == "POST":
            return rendered(admin.site.logout(request))
        query = request.GET.urlencode()
        return HttpResponseRedirect(reverse(f"console:{name}") + (f"?{query}" if query else ""))

    return console_view


site = SandboxSite()
