"""What waits for the reader to decide, of all kinds together: one list, what was asked first at the top, and one way through.

Kinds are models of `backoffice.request_admin`, registered by their `inbox`. On the sandbox's site each kind is by itself.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from audit.names import page_of
from backoffice.guards import PersonGuard, StaffGuard
from backoffice.models import User
from backoffice.site import ConsoleSite
from backoffice.views import BaseView

MANY = 100  # of each kind; the header counts no further either


class Kind(NamedTuple):
    """Requests of one model, and the permission to decide on them."""

    model: type[Model]
    permission: str


KINDS: list[Kind] = []


class DecidesGuard(PersonGuard):
    """Passes who may decide on requests of any kind."""

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return any(user.has_perm(kind.permission) for kind in KINDS)


def inboxes(request: HttpRequest, own: Any) -> Iterator[Any]:
    """Yield the ModelAdmins of what this person may decide on: `own` first, then the others of the console."""
    site = own.admin_site if own else admin.site
    kinds = [kind for kind in KINDS if site.name == admin.site.name or kind.model is own.model]
    for kind in sorted(kinds, key=lambda kind: own is None or kind.model is not own.model):
        if request.user.has_perm(kind.permission):
            yield site.get_model_admin(kind.model)


def following(request: HttpRequest, own: Any, after: Any = None) -> str:
    """Return the page of the next request that waits for this person, or ''. One query a kind at most, one more at the end.

    Behind `after` if that is given, in the order of asking, then those of other kinds, then from the beginning.
    """
    for model_admin in inboxes(request, own):
        rows = model_admin.waiting(request)
        found = (rows.filter(pk__gt=after.pk) if after is not None and model_admin is own else rows).first()
        if found is not None:
            return page_of(found, model_admin.admin_site)
    first = (
        own.waiting(request).filter(pk__lt=after.pk).first()
        if after is not None and own in inboxes(request, own)
        else None
    )
    return page_of(first, own.admin_site) if first is not None else ""


class Waiting(BaseView):
    """The list."""

    guard = StaffGuard() & DecidesGuard()

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it; one query a kind."""
        found = [
            (row, model_admin.in_words(row), model_admin.about(row), page_of(row, model_admin.admin_site))
            for model_admin in inboxes(request, None)
            for row in model_admin.waiting(request)[:MANY]
        ]
        found.sort(key=lambda one: one[0].requested)
        context = {**admin.site.each_context(request), "title": "Waiting for you", "requests": found}
        return TemplateResponse(request, "console/waiting.html", context)


def pages(site: ConsoleSite) -> list[URLPattern]:
    """Return the list's page, of the console alone."""
    return [path("waiting/", Waiting.as_view(), name="waiting")] if site.name == admin.site.name else []


ConsoleSite.more_pages.append(pages)
