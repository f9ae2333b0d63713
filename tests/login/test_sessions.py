"""Sessions: how long they last by role, and the page on which one ends one's own."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.browsers import short
from backoffice.login.timeouts import LONGEST
from backoffice.models import User
from backoffice.roles import ADMINISTRATOR, AGENT, ANALYST, REVIEWER
from backoffice.views import ENDED
from tests.cast import PASSWORD
from tests.login.door import INDEX, is_in, led, staff, told, try_password

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
PAGE = "usersessions_list"


def later(client: Client, **passed: float) -> None:
    """Let time pass for a session."""
    session = client.session
    for name in ("began", "used"):
        session[name] -= timedelta(**passed).total_seconds()
    expires = Session.objects.get(pk=session.session_key).expire_date
    session.save()
    Session.objects.filter(pk=session.session_key).update(expire_date=expires - timedelta(**passed))


@pytest.mark.parametrize(
    ("roles", "minutes"),
    [
        ([AGENT], 30),
        ([ADMINISTRATOR], 15),
        ([REVIEWER], 20),
        ([ANALYST], 60),
        ([ANALYST, REVIEWER, AGENT], 20),
        ([], 30),
    ],
)
def test_session_ends_after_the_role_s_minutes_without_a_click(client: Client, roles: list[str], minutes: int) -> None:
    user = staff("somebody")
    for role in roles:
        user.groups.add(*user.groups.model.objects.filter(name=role))
    try_password(client, "somebody")
    later(client, minutes=minutes - 0.5)
    assert is_in(client)
    later(client, minutes=minutes + 0.1)
    assert not is_in(client)


def test_session_of_a_superuser_is_short(client: Client, admin: User) -> None:
    client.force_login(admin)
    assert client.session.get_expiry_age() == 15 * 60


def test_session_in_use_ends_after_a_working_day(client: Client) -> None:
    staff("somebody", AGENT)
    try_password(client, "somebody")
    session = client.session
    session["began"] = time.time() - LONGEST * 60 + 30
    session.save()
    assert is_in(client)
    session["began"] = time.time() - LONGEST * 60 - 1
    session.save()
    assert not is_in(client)
    assert [kind for kind, _, _ in told("logout")] == ["logout"]


def test_session_in_use_is_noted_once_a_minute(client: Client, django_assert_max_num_queries: Any) -> None:
    staff("somebody", AGENT)
    try_password(client, "somebody")
    client.get(INDEX)
    expires = Session.objects.get().expire_date
    client.get(INDEX)
    assert Session.objects.get().expire_date == expires
    later(client, seconds=61)
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(seconds=61))
    client.get(INDEX)
    assert Session.objects.get().expire_date >= expires
    assert timezone.now() - UserSession.objects.get().last_seen_at < timedelta(seconds=10)


def test_session_lasts_as_the_roles_of_now_have_it(client: Client) -> None:
    user = staff("somebody", ANALYST)
    try_password(client, "somebody")
    user.groups.set(user.groups.model.objects.filter(name=ADMINISTRATOR))
    later(client, minutes=1.1)
    assert is_in(client)
    assert client.session.get_expiry_age() <= 15 * 60


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("line", "called"),
    [
        (FIREFOX, "Firefox 128 on Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome 142 on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.1", "Edge 142 on Windows"),
        (f"Mozilla/5.0 (Linux; Android 14) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome 142 on Android"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) {WEBKIT} Version/18.1 Safari/605.1.15", "Safari 18 on macOS"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {WEBKIT} Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari 18 on iPhone",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<script>Firefox/1", "<script>Firefox/1"),
        ("", ""),
    ],
)
def test_browsers_are_called_what_people_call_them(line: str, called: str) -> None:
    assert short(line) == called


def three(username: str = "somebody") -> list[Client]:
    browsers = [Client(HTTP_USER_AGENT=f"Browser {number}") for number in range(3)]
    for browser in browsers:
        try_password(browser, username)
    return browsers


def test_one_session_is_ended_and_recorded() -> None:
    staff("somebody", AGENT)
    here, there, elsewhere = three()
    UserSession.objects.filter(user_agent="Browser 2").update(user_agent=FIREFOX)
    body = here.get(reverse(PAGE)).content.decode()
    assert f'<td title="{FIREFOX}">Firefox 128 on Windows</td>' in body
    UserSession.objects.filter(user_agent=FIREFOX).update(user_agent="Browser 2")
    body = here.get(reverse(PAGE)).content.decode()
    assert [f"Browser {number}" in body for number in range(3)] == [True] * 3
    chosen = UserSession.objects.get(user_agent="Browser 1")
    assert led(here.post(reverse(PAGE), {"session": chosen.pk})) == reverse(PAGE)
    assert [is_in(browser) for browser in (here, there, elsewhere)] == [True, False, True]
    assert told("session.revoked") == [
        ("session.revoked", "somebody", {"address": "127.0.0.1", "browser": "Browser 1"})
    ]


def test_all_other_sessions_are_ended() -> None:
    staff("somebody", AGENT)
    browsers = three()
    browsers[2].post(reverse(PAGE))
    assert [is_in(browser) for browser in browsers] == [False, False, True]
    assert len(told("session.revoked")) == 2


@pytest.mark.parametrize("number", ["{}", "0", "x", "9" * 30, "-1", "1.5"])
def test_session_of_somebody_else_is_not_ended(number: str) -> None:
    staff("somebody", AGENT)
    staff("victim", AGENT)
    mine, theirs = Client(), Client()
    try_password(theirs, "victim")
    try_password(mine, "somebody")
    assert mine.post(reverse(PAGE), {"session": number.format(UserSession.objects.get(user__username="victim").pk)})
    assert is_in(theirs)
    assert told("session.revoked") == []
    assert "victim" not in mine.get(reverse(PAGE)).content.decode()


def test_new_password_ends_all_other_sessions_and_is_recorded() -> None:
    staff("somebody", AGENT)
    here, there, _ = three()
    new = {"old_password": PASSWORD, "new_password1": "another long one", "new_password2": "another long one"}
    here.post(reverse("console:password_change"), {**new, "reason": "It was time"})
    assert (is_in(here), is_in(there)) == (True, False)
    assert len(here.get(reverse(PAGE)).context["sessions"]) == 1
    assert told("password.changed") == [("password.changed", "somebody", {})]


def test_session_has_a_new_key_after_the_login(client: Client) -> None:
    staff("somebody", AGENT)
    client.get(reverse("console:login"))
    session = client.session
    session.save()
    client.cookies["sessionid"] = before = str(session.session_key)
    try_password(client, "somebody")
    assert client.cookies["sessionid"].value != before
    assert not Session.objects.filter(pk=before).exists()


def test_login_says_that_the_session_had_ended_when_something_was_sent(client: Client) -> None:
    staff("somebody", AGENT)
    try_password(client, "somebody")
    page = reverse("console:list_columns", args=["ledger.account"])
    later(client, minutes=31)
    answer = client.post(page, {"column": ["uid"]})
    assert led(answer) == f"{reverse('console:login')}?ended=sent&next={page}"
    assert ENDED["sent"] in client.get(led(answer)).content.decode()
    assert led(client.post(page)) == led(answer)  # the browser has given its cookie up
    assert not Session.objects.filter(expire_date__gt=timezone.now()).exists()


def test_after_a_login_one_is_where_that_was_sent_from_which_had_no_session_any_more(client: Client) -> None:
    """Its own address may show no page: an answer of 405 would be what the login leads to."""
    staff("somebody", AGENT)
    page, form = (
        reverse("console:list_columns", args=["ledger.account"]),
        f"{reverse('console:ledger_account_changelist')}?q=a",
    )
    answer = client.post(page, {"column": ["uid"]}, headers={"referer": f"http://testserver{form}"})
    assert led(answer) == f"{reverse('console:login')}?ended=sent&next={quote(form)}"
    client.get(led(answer))
    back = try_password(client, "somebody", next=form)
    assert led(back) == form
    assert client.get(led(back)).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://phishing.example/console/",
        "//phishing.example/",
        "http://testserver//phishing.example/",
        "javascript:1",
    ],
)
def test_after_a_login_nobody_is_led_to_where_another_site_says(client: Client, elsewhere: str) -> None:
    staff("somebody", AGENT)
    page = reverse("console:list_columns", args=["ledger.account"])
    answer = client.post(page, {"column": ["uid"]}, headers={"referer": elsewhere})
    assert led(answer) == f"{reverse('console:login')}?ended=sent&next={page}"


@pytest.mark.parametrize("passed", [{"minutes": 31}, {"minutes": LONGEST + 1}])
def test_login_says_that_the_session_has_ended_once(client: Client, passed: dict[str, float]) -> None:
    staff("somebody", AGENT)
    try_password(client, "somebody")
    later(client, **passed)
    answer = client.get(INDEX)
    assert led(answer) == f"{reverse('console:login')}?ended=asked&next={INDEX}"
    assert ENDED["asked"] in client.get(led(answer)).content.decode()
    assert led(client.get(INDEX)) == f"{reverse('console:login')}?next={INDEX}"


def test_login_says_nothing_of_a_session_to_who_had_none_or_makes_up_an_address(client: Client) -> None:
    assert led(client.get(INDEX)) == f"{reverse('console:login')}?next={INDEX}"
    for address in ("", "?ended=Call+this+number"):
        html = client.get(f"{reverse('console:login')}{address}").content.decode()
        assert not any(words in html for words in ("session", "Call this number", "notice warning"))
    assert not Session.objects.exists()
