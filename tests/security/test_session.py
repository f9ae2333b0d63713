"""Stolen and left sessions, and what a login tells of who is known here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.models import User
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
LOGIN, INDEX = "console:login", "console:index"
ANOTHER = "another battery staple"


def login(browser: Client, username: str = "agent", password: str = PASSWORD) -> Any:
    return browser.post(reverse(LOGIN), {"username": username, "password": password})


def is_in(browser: Client) -> bool:
    """Whether the console and a page of its own guard let the browser in."""
    return browser.get(reverse(INDEX)).status_code == 200


def key_of(browser: Client) -> str:
    return str(browser.cookies[settings.SESSION_COOKIE_NAME].value)


@pytest.fixture
def browser(client: Client, agent: User) -> Client:
    agent.user_permissions.set(Permission.objects.filter(content_type__app_label="ledger"))
    assert login(client).status_code == 302
    assert is_in(client)
    return client


def test_session_from_before_the_login_is_not_that_after_it(client: Client, agent: User) -> None:
    session = client.session
    session["planted"] = "x"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    planted = key_of(client)
    login(client)
    assert key_of(client) != planted
    assert not Session.objects.filter(pk=planted).exists()
    stale = Client()
    stale.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert not is_in(stale)


def test_session_that_nobody_gave_out_is_not_taken_over(client: Client, agent: User) -> None:
    chosen = "a" * 32
    client.cookies[settings.SESSION_COOKIE_NAME] = chosen
    login(client)
    assert is_in(client)
    assert key_of(client) != chosen
    assert not Session.objects.filter(pk=chosen).exists()


def test_session_of_one_is_not_carried_into_that_of_another(browser: Client, admin: User) -> None:
    session = browser.session
    session["after_commit"] = [[25, "Of the agent"]]
    session.save()
    before = key_of(browser)
    login(browser, "admin")
    assert key_of(browser) != before
    assert "after_commit" not in browser.session


def test_logout_ends_the_session_for_whoever_kept_its_key(browser: Client) -> None:
    kept = Client()
    kept.cookies[settings.SESSION_COOKIE_NAME] = key_of(browser)
    assert is_in(kept)
    browser.post(reverse("console:logout"))
    assert not is_in(kept)
    assert not is_in(browser)


def test_link_does_not_log_anybody_out(browser: Client) -> None:
    assert browser.get(reverse("console:logout")).status_code == 405
    assert is_in(browser)


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(browser: Client) -> None:
    browser.get(reverse("console:password_change"))
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME]
    assert (bool(cookie["httponly"]), cookie["samesite"] in {"Lax", "Strict"}, cookie["domain"]) == (True, True, "")
    assert browser.cookies[settings.CSRF_COOKIE_NAME]["samesite"] in {"Lax", "Strict"}


def test_session_holds_no_secret_in_the_cookie(browser: Client, agent: User) -> None:
    values = " ".join(morsel.value for morsel in browser.cookies.values())
    assert [part for part in ("agent", agent.password, PASSWORD) if part in values] == []


def test_own_new_password_ends_all_other_sessions(browser: Client, agent: User) -> None:
    other = Client()
    login(other)
    assert is_in(other)
    sent = {"old_password": PASSWORD, "new_password1": ANOTHER, "new_password2": ANOTHER, "reason": "It leaked"}
    assert browser.post(reverse("console:password_change"), sent).status_code == 302
    assert (is_in(browser), is_in(other)) == (True, False)


def test_link_that_somebody_else_sends_ends_all_sessions(browser: Client, agent: User, admin: User) -> None:
    User.objects.filter(pk=agent.pk).update(email="agent@example.com")
    boss = Client()
    login(boss, "admin")
    page = reverse("console:backoffice_user_invite", args=[agent.pk])
    assert boss.post(page, {"reason": "It leaked"}).status_code == 302
    assert (is_in(browser), is_in(boss)) == (False, True)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_void": True}, {"is_staff": False}])
@pytest.mark.parametrize(
    "page", ["console:index", "console:ledger_account_changelist", "console:ledger_account_deposit"]
)
def test_who_is_no_longer_staff_is_out_at_once(browser: Client, agent: User, open_account: Any, page: str, change: dict[str, bool]) -> None:  # fmt: skip
    account = open_account("5")
    address = reverse(page, args=[account.pk] if page.endswith("deposit") else [])
    assert browser.get(address).status_code == 200
    User.all_objects_including_void().filter(pk=agent.pk).update(**change)
    answer = browser.get(address)
    assert answer.status_code in {302, 403}
    assert answer.headers.get("Location", LOGIN).startswith((reverse(LOGIN), LOGIN))
    assert browser.post(address, {"amount": "1"}).status_code in {302, 403}


@pytest.mark.parametrize("what", ["is_active", "is_void", "is_staff"])
def test_who_is_not_to_get_in_does_not_by_the_right_password(client: Client, agent: User, what: str) -> None:
    User.all_objects_including_void().filter(pk=agent.pk).update(**{what: what == "is_void"})
    answer = login(client)
    assert answer.status_code == 200
    assert not is_in(client)


class Work:
    """What a login costs: hashes of passwords, and statements."""

    hashes = 0
    statements = 0


@contextmanager
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """Count the work of a block."""
    work, hasher = Work(), type(get_hasher())
    encode = hasher.encode

    def counted(self: Any, *args: Any, **how: Any) -> Any:
        work.hashes += 1
        return encode(self, *args, **how)

    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as queries:
        patch.setattr(hasher, "encode", counted)
        yield work
    work.statements = len(queries)


def answer_to(client: Client, username: str) -> str:
    """Return what a failed login shows, without what was typed."""
    content = login(client, username, "wrong battery staple").content.decode()
    lines = [line for line in content.splitlines() if "csrfmiddlewaretoken" not in line]
    return "\n".join(lines).replace(username, "NAME")


@pytest.mark.parametrize("known", ["agent", "inactive", "void", "customer", "unusable"])
def test_login_takes_the_same_work_whether_the_name_is_known(
    client: Client, agent: User, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, facts in (
        ("inactive", {"is_active": False}),
        ("void", {"is_void": True}),
        ("customer", {"is_staff": False}),
    ):
        given: dict[str, Any] = {"is_staff": True, **facts}
        User.objects.create_user(name, password=PASSWORD, **given)
    User.objects.create_user("unusable", is_staff=True)
    client.get(reverse(LOGIN))
    with measured(monkeypatch) as of_nobody:
        to_nobody = answer_to(client, "nobodys")
    with measured(monkeypatch) as of_known:
        to_known = answer_to(client, known)
    assert (of_known.hashes, of_nobody.hashes) == (1, 1)
    assert abs(of_known.statements - of_nobody.statements) <= 2
    assert to_known == to_nobody


@pytest.mark.parametrize("name", ["inactive", "customer"])
def test_right_password_of_who_may_not_get_in_is_answered_as_a_wrong_one(client: Client, name: str) -> None:
    User.objects.create_user(name, password=PASSWORD, is_staff=name == "inactive", is_active=name != "inactive")
    right = login(client, name).content.decode()
    assert "Please enter the correct" in right
