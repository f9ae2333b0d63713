"""Every URL of the site refuses those who are not logged in, and those who are but may nothing."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from backoffice.models import User

PUBLIC = {
    "/console/login/",
    "/console/logout/",
    "/console/jsi18n/",
    "/console/sandbox/jsi18n/",
    "/console/sandbox/logout/",
}
OWN = {"/console/", "/console/password_change/", "/console/password_change/done/"}  # what anybody of the staff has


def addresses(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """Walk all patterns, with 1 for each argument."""
    for pattern in resolver.url_patterns:
        route = prefix + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", "1", str(pattern.pattern)).strip("^$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route.replace("\\Z", "")


ALL = sorted(set(addresses(get_resolver())))


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
