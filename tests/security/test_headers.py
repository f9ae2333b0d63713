"""What every answer tells the browser, whoever asks and whatever has gone wrong."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse

from backoffice.hardening import UNUSED
from backoffice.models import User
from backoffice.site import ConsoleSite
from ledger.models import Account
from tests.cast import PASSWORD
from tests.test_urls import ALL

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
TEXTS_KEPT = {"private", "max-age=3600"}  # of the admin's scripts: nothing of anybody's
EXPECTED = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def faults(response: Any) -> list[str]:
    """What the answer fails to say; a file is read to its end, which closes it."""
    if response.streaming:
        b"".join(response)
    said = response.headers
    policy = dict(part.strip().split(" ", 1) for part in said.get("Content-Security-Policy", "no policy").split(";"))
    wrong = [name for name, value in EXPECTED.items() if said.get(name) != value]
    wrong += ["Content-Security-Policy"] if policy != POLICY else []
    wrong += ["Permissions-Policy"] if "camera=()" not in said.get("Permissions-Policy", "") else []
    kept = said.get("Cache-Control", "")
    texts = response.request["PATH_INFO"].endswith("/jsi18n/") and set(kept.split(", ")) == TEXTS_KEPT
    wrong += ["Cache-Control"] if "no-store" not in kept and not texts else []
    wrong += ["Access-Control-Allow-Origin"] if "Access-Control-Allow-Origin" in said else []
    return wrong


@pytest.fixture
def console(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def test_every_address_answers_the_administrator_with_all_headers(console: Client, account: Account) -> None:
    """By POST; by GET below."""
    wrong = {address: faults(console.post(address)) for address in ALL if "logout" not in address}
    assert {address: fault for address, fault in wrong.items() if fault} == {}


def test_every_page_has_all_headers_says_what_it_is_and_offers_to_log_out(console: Client, account: Account) -> None:
    """In one walk, as it takes its time. Files and the door, which is outside, offer no way out."""
    wrong, pages = [], 0
    for address in (address for address in ALL if "logout" not in address):
        response: Any = console.get(address)
        wrong += [(address, fault) for fault in faults(response)]
        content = b"".join(response) if response.streaming else response.content
        said = response.headers.get("Content-Type", "")
        if content and ("/" not in said or (said.startswith("text/") and "charset=utf-8" not in said.replace('"', ""))):
            wrong.append((address, said))
        if (
            response.status_code == 200
            and b"<body" in content
            and "/sandbox/" not in address
            and "/login/" not in address
        ):
            pages += 1
            wrong += [] if b'id="logout-form"' in content else [(address, "no way out")]
    assert (wrong, pages > 25) == ([], True)


def test_every_address_answers_the_anonymous_with_all_headers(client: Client) -> None:
    wrong = {address: faults(client.get(address)) for address in ALL}
    assert {address: fault for address, fault in wrong.items() if fault} == {}


def test_login_and_logout_answer_with_all_headers(client: Client, admin: User) -> None:
    name = {"username": admin.username, "password": PASSWORD}
    assert faults(client.post(reverse("console:login"), name | {"password": "wrong"})) == []
    assert faults(client.post(reverse("console:login"), name)) == []
    assert faults(client.post(reverse("console:logout"))) == []


def broken(self: ConsoleSite, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    raise RuntimeError("A view that fails.")


ERRORS: dict[int, Callable[[Client], Any]] = {
    400: lambda client: client.get("/console/", {"q": "a\0b"}),
    403: lambda client: client.get(reverse("console:backoffice_user_add")),
    404: lambda client: client.get("/nothing/here"),
    413: lambda client: client.post("/console/login/", {"username": "x" * settings.MOST_BODY}),
}


@pytest.mark.parametrize("code", ERRORS)
def test_error_answers_with_all_headers(client: Client, agent: User, code: int) -> None:
    client.force_login(agent)
    response = ERRORS[code](client)
    assert (response.status_code, faults(response)) == (code, [])


def test_failure_of_a_view_answers_with_all_headers(
    admin: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.DEBUG = False
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    monkeypatch.setattr(ConsoleSite, "each_context", broken)
    response = client.get(reverse("console:index"))
    assert (response.status_code, faults(response)) == (500, [])
    assert b"RuntimeError" not in response.content
    assert b"A view that fails" not in response.content


def test_failed_csrf_check_answers_in_our_own_words_with_all_headers(admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    response = client.post(reverse("console:logout"))
    assert (response.status_code, faults(response)) == (403, [])
    assert b"This form has expired" in response.content
    assert b"<style" not in response.content


def test_static_files_have_the_headers_and_may_be_kept(client: Client) -> None:
    response = client.get(f"/{settings.STATIC_URL.strip('/')}/console/console.css")
    assert response.status_code == 200
    assert faults(response) == ["Cache-Control"]


def test_unused_features_are_switched_off_and_security_keys_are_not(client: Client) -> None:
    said = client.get(reverse("console:login")).headers["Permissions-Policy"]
    assert said == ", ".join(f"{feature}=()" for feature in UNUSED)
    assert "publickey-credentials" not in said


def test_nothing_of_the_page_can_be_stored_after_logout(console: Client, account: Account) -> None:
    page = reverse("console:ledger_account_change", args=[account.pk])
    files = [reverse(f"console:ledger_account_export_{kind}") for kind in ("csv", "xlsx")]
    for address in (page, *files, reverse("console:ledger_account_statement_csv", args=[account.pk])):
        assert faults(console.get(address)) == []
    console.post(reverse("console:logout"))
    assert console.get(page).status_code == 302


def test_no_answer_names_software_or_allows_another_origin(console: Client) -> None:
    said = console.get(reverse("console:index"), headers={"origin": "https://evil.example"}).headers
    assert not {"Server", "X-Powered-By", "Access-Control-Allow-Origin"} & set(said)


def test_cookies_hold_tokens_alone(console: Client, account: Account) -> None:
    console.post(reverse("console:ledger_account_change", args=[account.pk]), {"note": "Jana", "reason": "Asked"})
    assert set(console.cookies) <= {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    assert all(re.fullmatch(r"[a-zA-Z0-9]{32,64}", cookie.value) for cookie in console.cookies.values())
    assert all(cookie["httponly"] and cookie["samesite"] == "Lax" for cookie in console.cookies.values())


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT"])
def test_no_method_gives_a_request_back(console: Client, method: str) -> None:
    for address in (reverse("console:index"), reverse("console:imports_import_add"), "/nothing/here"):
        answer: Any = console.generic(method, address, headers={"x-secret": "echo of a header"})
        assert b"echo of a header" not in answer.content
        assert faults(answer) == []


@pytest.mark.parametrize(
    "path", ["", "console/", "../settings.py", "..%2fsettings.py", "console/../../backoffice/settings.py"]
)
def test_no_folder_of_static_files_is_listed_or_left(client: Client, path: str) -> None:
    assert client.get(f"/{settings.STATIC_URL.strip('/')}/{path}").status_code in {400, 404}


@pytest.mark.parametrize("address", ["/admin/", "/admin", "/admin/login/", "/"])
def test_nothing_is_where_everybody_looks(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_texts_of_scripts_are_kept_by_the_browser_alone(console: Client) -> None:
    said = console.get(reverse("console:jsi18n")).headers["Cache-Control"]
    assert set(said.split(", ")) == TEXTS_KEPT
    assert "no-store" in Client().get(reverse("console:jsi18n")).headers["Cache-Control"]


def test_scripts_of_a_list_wait_for_the_page(console: Client) -> None:
    for name in ("ledger_action", "audit_event", "backoffice_user"):
        html = console.get(reverse(f"console:{name}_changelist")).content.decode()
        scripts = re.findall(r"<script [^>]*>", html)
        assert [script for script in scripts if "defer" not in script and "theme.js" not in script] == []
        assert not re.search("urlify|prepopulate|xregexp", html)
        assert html.index("jsi18n") < html.index("actions.js")
