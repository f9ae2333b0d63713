"""Many tries at once, each in a transaction of its own: one code lets one in, and every failure counts."""

from functools import partial

import pytest
from axes.models import AccessAttempt
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from backoffice.roles import AGENT
from tests.ledger.hammer import together
from tests.login.door import code, is_in, recovery_codes, staff, try_code, try_password, with_app

pytestmark = pytest.mark.usefixtures("committing")


def at_the_door() -> list[Client]:
    """Return browsers whose password was right."""
    browsers = [Client() for _ in range(6)]
    for browser in browsers:
        try_password(browser, "agent")
    return browsers


def test_code_sent_by_many_at_once_lets_one_in() -> None:
    with_app(staff("agent", AGENT))
    browsers, typed = at_the_door(), code()
    assert together([partial(try_code, browser, typed) for browser in browsers]) == []
    assert sum(map(is_in, browsers)) == 1


def test_recovery_code_sent_by_many_at_once_lets_one_in() -> None:
    agent = with_app(staff("agent", AGENT))
    setting_up = Client()
    setting_up.force_login(agent)
    setting_up.post(reverse("mfa_generate_recovery_codes"))
    spent = recovery_codes(agent)[0]
    browsers = at_the_door()
    assert together([partial(try_code, browser, spent) for browser in browsers]) == []
    assert sum(map(is_in, browsers)) == 1
    assert len(recovery_codes(agent)) == 9


def test_failures_at_once_are_all_counted(settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 20
    staff("agent", AGENT)
    browsers = [Client(HTTP_USER_AGENT=f"Browser {number % 2}") for number in range(8)]

    def fail_twice(browser: Client) -> None:
        for _ in range(2):
            try_password(browser, "agent", "not the password")

    assert together([partial(fail_twice, browser) for browser in browsers]) == []
    assert AccessAttempt.objects.aggregate(all=Sum("failures_since_start"))["all"] == 16
    assert set(AccessAttempt.objects.values_list("username", flat=True)) == {"agent"}


def test_guesses_at_once_are_stopped_by_the_lockout(settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    with_app(staff("agent", AGENT))
    browsers = at_the_door()
    wrong = f"{(int(code()) + 1) % 10**6:06}"
    statuses: list[int] = []

    def guess(browser: Client) -> None:
        statuses.append(try_code(browser, wrong).status_code)

    assert together([partial(guess, browser) for browser in browsers]) == []
    assert sorted(statuses) == [200, 200, 429, 429, 429, 429]
    assert AccessAttempt.objects.get().failures_since_start == 3
