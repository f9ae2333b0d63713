"""Forged requests: nothing is taken without the token of a form of ours, and looking changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import resolve, reverse
from pytest_django import Settings

from tests.audit.store import stored_alert, stored_dead_letter, stored_seal, stored_verification
from tests.cast import PASSWORD
from tests.security.walk import Address, addresses
from tests.security.world import World, browser_of, nothing_moves

OTHERS = {"app_label": "ledger", "url": "nowhere", "content_type_id": 1, "label": "ledger.account", "view_id": 1}
DOING = {  # what a link could say to have something done
    "action": "delete_selected", "_selected_action": "1", "post": "yes", "confirm": "1", "token": "x", "ids": "1", "_save": "Save",
    "amount": "1", "comment": "x", "reason": "x", "ask": "1", "name": "x", "query": "x",
}  # fmt: skip


@pytest.fixture(scope="module")
def keys(world: World) -> dict[str, Any]:
    """The key of a row of every model that has pages."""
    rows = {**world.mine.rows, "audit.seal": stored_seal(1), "audit.verification": stored_verification(1)}
    rows |= {"audit.alert": stored_alert("1"), "audit.deadletter": stored_dead_letter()}
    found = {label: row.pk for label, row in rows.items()}
    return {**found, "ledger.cap": "CZK", "auth.group": 1}


def filled(address: Address, keys: dict[str, Any], place: str = "console") -> str:
    """Return an address with the keys of rows that are there."""
    key = keys.get(address.model, 1)
    values = {name: OTHERS.get(name, key) for name in address.takes}
    return address.filled(values)


def site(keys: dict[str, Any]) -> Iterator[str]:
    """Yield every address of the site."""
    for address in addresses():
        yield filled(address, keys)


def refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Stand in for the page that is shown, so that this refusal is told from every other."""
    return HttpResponse("CSRF", status=403)


def test_no_address_takes_anything_without_a_token(world: World, keys: dict[str, Any], settings: Settings) -> None:
    settings.CSRF_FAILURE_VIEW = f"{__name__}.refused"
    browser = browser_of(world.admin, enforce_csrf_checks=True)
    taken = []
    with nothing_moves():
        for number, address in enumerate(site(keys)):
            for method in ("post", ("put", "patch", "delete")[number % 3]):
                answer = getattr(browser, method)(address, {})
                if (answer.status_code, answer.content) != (403, b"CSRF"):
                    taken.append((method, address, answer.status_code))
    assert taken == []


def test_no_view_is_exempt(keys: dict[str, Any]) -> None:
    exempt = [address for address in site(keys) if getattr(resolve(address).func, "csrf_exempt", False)]
    assert exempt == []


@pytest.mark.parametrize("token", ["", "x" * 64, "ä", "a" * 32])
def test_token_that_is_not_the_cookie_s_is_refused(world: World, token: str) -> None:
    browser = browser_of(world.admin, enforce_csrf_checks=True)
    page = reverse("console:ledger_account_freeze", args=[world.mine.account.pk])
    browser.get(page)
    with nothing_moves():
        assert browser.post(page, {**DOING, "csrfmiddlewaretoken": token}).status_code == 403


def test_another_site_is_refused_even_with_the_token(world: World) -> None:
    browser = browser_of(world.admin, enforce_csrf_checks=True)
    page = reverse("console:ledger_account_freeze", args=[world.mine.account.pk])
    browser.get(page)
    token = browser.cookies["csrftoken"].value
    with nothing_moves():
        answer = browser.post(page, {"csrfmiddlewaretoken": token}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert browser.post(page, {"csrfmiddlewaretoken": token}).status_code == 200


def test_login_is_refused_without_a_token(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post(reverse("console:login"), {"username": "root", "password": PASSWORD})
    assert (answer.status_code, browser.session.keys()) == (403, set())


def test_looking_at_any_page_changes_nothing(world: World, keys: dict[str, Any]) -> None:
    """But for the record, the session, and the row that stands for a person in the sandbox, made at their first look."""
    browser = browser_of(world.admin)
    browser.get(reverse("sandbox:index"))
    with nothing_moves():
        for number, address in enumerate(site(keys)):
            if "/sandbox/" not in address or number % 4 == 0:  # the same views as the console's
                seen(browser.get(address), address)


def test_link_that_says_what_to_do_has_nothing_done(world: World, keys: dict[str, Any]) -> None:
    browser = browser_of(world.admin)
    with nothing_moves():
        for number, address in enumerate(one for one in site(keys) if "/sandbox/" not in one):
            seen(browser.get(address, DOING), address)
            if number % 5 == 0:
                seen(browser.options(address), address)


def seen(answer: Any, address: str) -> None:
    """Take an answer to its end."""
    assert answer.status_code < 500, address
    if isinstance(answer, StreamingHttpResponse):
        b"".join(answer)
    answer.close()
