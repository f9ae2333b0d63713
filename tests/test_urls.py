"""Every URL of the site refuses those who are not logged in, and those who are but may nothing."""

import re
from collections.abc import Iterator
from typing import cast

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from django.urls.resolvers import RegexPattern

from backoffice.admin import ConsoleAdmin
from backoffice.entity_guard import EntityGuard
from backoffice.guards import UNDECLARED, AllGuard, Guard, ModelGuard
from backoffice.models import Entity, User
from backoffice.site import ConsoleSite
from backoffice.views import BaseView, GuardedView

PUBLIC = {
    "/console/login/",
    "/console/login/forgotten/",
    "/console/login/forgotten/sent/",
    "/console/login/new/",
    "/console/logout/",
    "/console/jsi18n/",
    "/console/sandbox/jsi18n/",
    "/console/sandbox/logout/",
}
OWN = {  # what anybody of the staff has
    "/console/",
    "/console/find/",
    "/console/find/suggestions/",
    "/console/password_change/",
    "/console/password_change/done/",
    "/console/login/again/",
    "/console/login/own/",
    "/console/login/own/app/",
    "/console/login/own/codes/new/",
    "/console/login/own/keys/",
    "/console/login/own/keys/add/",
    "/console/login/own/sessions/",
}


def pages(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Walk all patterns: each with its address, in which 1 stands for each argument."""
    for pattern in resolver.url_patterns:
        route = prefix + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", "1", str(pattern.pattern)).strip("^$")
        if isinstance(pattern, URLResolver):
            yield from pages(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route.replace("\\Z", ""), pattern


def addresses(resolver: URLResolver) -> set[str]:
    """Return all addresses."""
    return {address for address, _ in pages(resolver)}


ALL = sorted(addresses(get_resolver()))


def undeclared(resolver: URLResolver) -> set[str]:
    """Return the addresses that no declared guard stands before."""
    return {address for address, page in pages(resolver) if getattr(page.callback, "guard", UNDECLARED) is UNDECLARED}


def parts(guard: Guard) -> Iterator[Guard]:
    """Walk what all have to allow."""
    if isinstance(guard, AllGuard):
        yield from parts(guard.first)
        yield from parts(guard.second)
    else:
        yield guard


def test_every_address_declares_its_guard() -> None:
    assert undeclared(get_resolver()) == set()


class Forgotten(BaseView):
    """Declares no guard."""


class ForgetfulAdmin(ConsoleAdmin):
    """Adds pages that declare no guard, one to the site's own frame."""

    def get_urls(self) -> list[URLPattern]:
        inner = path("inner/", self.admin_site.admin_view(lambda request: HttpResponse()), name="inner")
        return [path("bare/", lambda request: HttpResponse()), inner, *super().get_urls()]


def test_walk_finds_what_declares_no_guard() -> None:
    site = ConsoleSite(name="walked")
    site.register(Entity, ForgetfulAdmin)
    found = undeclared(
        URLResolver(
            RegexPattern(""),
            [
                path("function/", lambda request: HttpResponse()),
                path("class/", Forgotten.as_view()),
                path("site/", site.urls),
            ],
        )
    )
    below = "/site/backoffice/entity"
    assert found == {"/function/", "/class/", f"{below}/bare/", f"{below}/inner/"}


def test_every_object_in_an_address_is_checked_against_the_reader_s_entities() -> None:
    """Django's own pages find it in the ModelAdmin's rows; ours declare it."""
    unchecked = set()
    for address, page in pages(get_resolver()):
        guards = list(parts(cast("GuardedView", page.callback).guard))
        if address.startswith("/console/sandbox/") or any(isinstance(guard, ModelGuard) for guard in guards):
            continue
        declared = {name for guard in guards if isinstance(guard, EntityGuard) for name, _ in guard.names}
        unchecked |= {(address, name) for name in page.pattern.converters if name not in declared}
    own = {("/console/lists/views/1/", "view_id"), ("/console/login/own/keys/1/off/", "pk")}
    lists = {(f"/console/lists/1/{name}/", "label") for name in ("views", "columns")}
    assert unchecked == own | lists  # one's own are looked for among these; a list's name tells of no object


@pytest.mark.django_db(databases=["default", "sandbox", "audit"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_address_shows_anything_to_the_anonymous(client: Client, method: str) -> None:
    assert len(ALL) > 80
    shown = {address for address in ALL if getattr(client, method)(address).status_code == 200}
    assert shown <= PUBLIC


@pytest.mark.django_db(databases=["default", "sandbox", "audit"])
def test_no_address_shows_anything_to_staff_without_a_role(client: Client, django_user_model: type[User]) -> None:
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    shown = {address for address in ALL if client.get(address).status_code == 200}
    assert shown <= PUBLIC | OWN
