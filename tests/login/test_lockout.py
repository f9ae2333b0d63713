"""Throttling and lock-out: what is counted, that it outlives the process, who sees it, and who lifts it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.core.cache import cache
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from audit.models import Outbox
from backoffice.login.models import Lockout
from backoffice.models import User
from backoffice.roles import ADMINISTRATOR, AGENT, REVIEWER
from tests.cast import PASSWORD
from tests.login.door import code, is_in, led, staff, told, try_code, try_password, with_app

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
LIST = "console:login_lockout_changelist"


@pytest.fixture(autouse=True)
def limit(settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3


@pytest.fixture
def agent() -> User:
    return staff("agent", AGENT)


def fail(client: Client, username: str = "agent", times: int = 3) -> Any:
    """Fail so many times; return the last answer."""
    for _ in range(times):
        answer = try_password(client, username, "not the password")
    return answer


def test_name_is_locked_out_and_the_right_password_refused(client: Client, agent: User) -> None:
    answers = [fail(client, times=1).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert try_password(Client(), "agent").status_code == 429
    assert not is_in(client)
    staff("colleague", AGENT)
    try_password(client, "colleague")
    assert is_in(client)
    assert [name for _, name, _ in told("login.locked_out")] == ["agent"]


def test_lockout_is_kept_in_the_database_and_outlives_the_process(client: Client, agent: User) -> None:
    fail(client)
    AxesProxyHandler.get_implementation(force=True)
    cache.close()
    assert try_password(Client(), "agent").status_code == 429
    assert AccessAttempt.objects.get().failures_since_start == 3


def test_lockout_counts_from_wherever_with_whatever_browser(agent: User) -> None:
    for number in range(3):
        browser = Client(REMOTE_ADDR=f"10.0.0.{number}", HTTP_USER_AGENT=f"Browser {number}")
        answer = fail(browser, times=1)
    assert answer.status_code == 429
    assert AccessAttempt.objects.count() == 3
    assert {row.is_locked for row in Lockout.objects.all()} == {True}


def test_lockout_ends_by_itself_and_tries_do_not_prolong_it(client: Client, agent: User, settings: Any) -> None:
    fail(client)
    before = AccessAttempt.objects.get().attempt_time
    fail(client)
    assert AccessAttempt.objects.get().attempt_time == before
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert not Lockout.objects.exists()
    try_password(client, "agent")
    assert is_in(client)


def test_success_forgets_what_failed_before(client: Client, agent: User) -> None:
    fail(client, times=2)
    try_password(client, "agent")
    client.logout()
    assert fail(client, times=2).status_code == 200


def test_unknown_name_is_locked_out_alike_and_never_kept(client: Client) -> None:
    known: list[tuple[int, bytes]] = []
    unknown: list[tuple[int, bytes]] = []
    staff("agent", AGENT)
    for name, answers in (("agent", known), ("hunter2 typed here", unknown)):
        for _ in range(4):
            answer = fail(client, name, times=1)
            answers.append((answer.status_code, answer.content.replace(name.encode(), b"")[:300]))
    assert [status for status, _ in known] == [status for status, _ in unknown] == [200, 200, 429, 429]
    kept = str(list(AccessAttempt.objects.values())) + str(list(Outbox.objects.values()))
    assert "hunter2" not in kept
    assert "not the password" not in kept


def test_wrong_codes_count_and_lock_out(client: Client, agent: User) -> None:
    with_app(agent)
    try_password(client, "agent")
    wrong = f"{(int(code()) + 1) % 10**6:06}"
    assert [try_code(client, wrong).status_code for _ in range(3)] == [200, 200, 429]
    assert try_code(client, code()).status_code == 429
    assert not is_in(client)
    assert len(told("factor.failed")) == 3
    assert [name for _, name, _ in told("login.locked_out")] == ["agent"]


def test_address_that_failed_too_often_is_answered_with_a_page_of_its_own(
    client: Client, settings: Settings, agent: User
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "2/m/ip"}
    for number in range(2):
        assert fail(client, f"nobody {number}", times=1).status_code == 200
    assert try_password(client, "agent").status_code == 429
    assert try_password(Client(REMOTE_ADDR="10.0.0.1"), "agent").status_code == 302


def test_administrator_lifts_a_lockout_with_a_reason_on_record(client: Client, agent: User) -> None:
    fail(Client())
    client.force_login(staff("boss", ADMINISTRATOR))
    assert "Locked out" in client.get(reverse(LIST)).content.decode()
    page = reverse("console:login_lockout_lift", args=[Lockout.objects.get().pk])
    assert page in client.get(reverse("console:login_lockout_change", args=[Lockout.objects.get().pk])).content.decode()
    assert "Say why" in client.post(page, {"reason": " "}).content.decode()
    assert Lockout.objects.exists()
    assert led(client.post(page, {"reason": "Called back, it was him"})) == reverse(LIST)
    [row] = Outbox.objects.filter(type="login.lockout_lifted").values()
    assert (row["username"], row["reason"], row["object_id"], row["data"]) == (
        "boss",
        "Called back, it was him",
        str(agent.pk),
        {"name": "agent"},
    )
    again = Client()
    try_password(again, "agent")
    assert is_in(again)


def test_reviewer_sees_lockouts_and_lifts_none(client: Client, agent: User) -> None:
    fail(Client())
    client.force_login(staff("reviewer", REVIEWER))
    row = Lockout.objects.get()
    assert client.get(reverse("console:login_lockout_change", args=[row.pk])).status_code == 200
    assert client.post(reverse("console:login_lockout_lift", args=[row.pk]), {"reason": "r"}).status_code == 403
    assert Lockout.objects.exists()


@pytest.mark.parametrize("rows", [3, 30])
def test_list_of_lockouts_asks_as_much_for_many_as_for_few(
    client: Client, admin: User, rows: int, django_assert_num_queries: Callable[..., Any]
) -> None:
    client.force_login(admin)
    client.get(reverse(LIST))
    AccessAttempt.objects.bulk_create(
        AccessAttempt(
            username=f"name {n}",
            ip_address="10.0.0.1",
            user_agent="x",
            failures_since_start=n,
            attempt_time=timezone.now(),
        )
        for n in range(rows)
    )
    with django_assert_num_queries(12 if rows > 25 else 10):
        assert client.get(reverse(LIST)).status_code == 200


def test_old_password_on_one_s_own_page_is_not_guessed_either(client: Client, agent: User) -> None:
    try_password(client, "agent")
    page = reverse("console:password_change")
    new = {"new_password1": "another horse battery", "new_password2": "another horse battery", "reason": "Because"}
    tries = [client.post(page, {"old_password": "wrong", **new}).status_code for _ in range(3)]
    assert tries == [200, 200, 429]
    assert client.post(page, {"old_password": PASSWORD, **new}).status_code == 429
    assert [name for _, name, _ in told("login.failed")] == ["agent"] * 3
    assert [name for _, name, _ in told("login.locked_out")] == ["agent"]
    agent.refresh_from_db()
    assert agent.check_password(PASSWORD)
