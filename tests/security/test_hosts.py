"""Where a request says it came from, and where answers send people: nowhere but here."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.middleware import address_of
from backoffice.models import User
from ledger.models import Account
from tests.cast import PASSWORD
from tests.test_urls import ALL

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
EVIL = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "///evil.example",
    "https:evil.example",
    "javascript:alert(1)",
)
NAMES = ("next", "_popup", "_to_field", "_changelist_filters", "return", "back", "url", "page", "e")  # fmt: skip


@pytest.fixture
def console(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def leads_away(response: Any) -> bool:
    if response.streaming:
        b"".join(response)  # which closes the file
    target = urlsplit(response.headers.get("Location", "").replace("\\", "/"))
    return bool(target.scheme or target.netloc) or response.headers.get("Location", "").startswith(("//", "/\\"))


@pytest.mark.parametrize("evil", EVIL[:1])
def test_no_address_leads_away_whatever_it_is_asked(console: Client, account: Account, evil: str) -> None:
    asked = dict.fromkeys(NAMES, evil)
    addresses = [address for address in ALL if "logout" not in address and "sandbox" not in address]
    assert [address for address in addresses if leads_away(console.get(address, asked))] == []
    assert [address for address in addresses if leads_away(console.post(address, asked))] == []


@pytest.mark.parametrize("evil", EVIL)
def test_login_and_logout_lead_to_the_console_whatever_next_says(client: Client, admin: User, evil: str) -> None:
    asked: dict[str, Any] = {"query_params": {"next": evil}}
    login = client.post(reverse("console:login"), {"username": "admin", "password": PASSWORD, "next": evil}, **asked)
    assert (login.status_code, leads_away(login)) == (302, False)
    assert not leads_away(client.post(reverse("console:logout"), {"next": evil}, **asked))


def test_login_leads_back_to_where_it_was_asked_for(client: Client, admin: User) -> None:
    wanted = reverse("console:ledger_account_changelist")
    login = client.get(wanted)
    assert login.headers["Location"] == f"{reverse('console:login')}?next={wanted}"
    answer = client.post(login.headers["Location"], {"username": "admin", "password": PASSWORD, "next": wanted})
    assert answer.headers["Location"] == wanted


def test_slashes_before_a_path_lead_nowhere_else(client: Client) -> None:
    for path in ("//evil.example/console", "//evil.example/..%2f", "/%5cevil.example/x"):
        assert not leads_away(client.get(path))


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver@evil.example", "127.0.0.1.evil.example"]
)
def test_request_for_another_host_is_refused(client: Client, host: str) -> None:
    answer = client.get(reverse("console:login"), headers={"host": host})
    assert answer.status_code == 400
    assert b"evil.example" not in answer.content


def test_forwarded_host_changes_nothing(console: Client, account: Account) -> None:
    page = reverse("console:ledger_account_change", args=[account.pk])
    forged = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-server": "evil.example",
        "forwarded": "host=evil.example",
    }
    answer = console.get(page, headers=forged)
    assert answer.status_code == 200
    assert b"evil.example" not in answer.content
    moved = console.get(page.rstrip("/"), headers=forged)
    assert not leads_away(moved)


def test_forged_headers_of_a_proxy_are_not_believed(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get(reverse("console:login"), headers={"x-forwarded-proto": "https"})
    assert answer.status_code == 301  # still asked to come over HTTPS
    assert answer.headers["Location"] == f"https://testserver{reverse('console:login')}"


def test_address_of_the_client_is_the_one_that_the_proxy_saw(rf: Any, settings: Any) -> None:
    request = rf.get("/", headers={"x-forwarded-for": "6.6.6.6, 10.0.0.9"}, REMOTE_ADDR="10.0.0.1")
    assert address_of(request) == "10.0.0.1"
    settings.BEHIND_PROXY = True
    assert address_of(request) == "10.0.0.9"
