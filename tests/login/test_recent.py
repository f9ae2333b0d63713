"""Logging in again before what is dangerous."""

import time
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import Settings

from backoffice.grants import grant
from backoffice.login.recent import RecentLoginGuard
from backoffice.models import User
from backoffice.roles import ADMINISTRATOR, AGENT, LEAD
from tests.cast import PASSWORD
from tests.login.door import code, led, staff, told, with_app

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
AGAIN = "/console/login/again/"


@pytest.fixture(autouse=True)
def minutes(settings: Settings) -> None:
    settings.LOGIN_AGAIN_MINUTES = 10


@pytest.fixture
def lead(client: Client) -> Client:
    """The browser of a lead who logged in long ago."""
    client.force_login(staff("lead", LEAD))
    return aged(client, 21)


@pytest.fixture
def boss(client: Client) -> Client:
    """The browser of an administrator who logged in long ago."""
    client.force_login(staff("boss", ADMINISTRATOR))
    return aged(client, 21)


def aged(client: Client, minutes: float) -> Client:
    """Let so many minutes pass since the login."""
    session = client.session
    session["account_authentication_methods"] = [
        {**record, "at": time.time() - minutes * 60} for record in session["account_authentication_methods"]
    ]
    session.save()
    return client


def asked(answer: Any, back: str) -> bool:
    """Whether the answer leads to the page that asks to log in again, and back here."""
    return bool(answer.status_code == 302) and led(answer) == f"{AGAIN}?next={quote(back, safe='')}"


def guards(resolver: URLResolver) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            found += guards(entry)
        elif isinstance(entry, URLPattern):
            found.append((str(entry.name), repr(getattr(entry.callback, "guard", ""))))
    return found


def test_dangerous_commands_stand_behind_a_recent_login() -> None:
    console = next(part for part in get_resolver().url_patterns if getattr(part, "namespace", "") == "console")
    assert isinstance(console, URLResolver)
    named = {name for name, guard in guards(console) if "RecentLoginGuard()" in guard}
    assert named == {
        "backoffice_entity_move",
        "backoffice_entity_rights",
        "backoffice_grantrequest_approve",
        "backoffice_grantrequest_cancel",
        "backoffice_grantrequest_reject",
        "backoffice_user_invite",
        "backoffice_user_rights",
        "imports_import_confirm",
        "ledger_account_close",
        "ledger_account_close_selected",
        "ledger_account_freeze",
        "ledger_account_freeze_selected",
        "ledger_action_refund",
        "ledger_action_reverse",
        "ledger_action_reverse_selected",
        "ledger_approval_approve",
        "ledger_approval_reject",
        "ledger_approval_cancel",
        "ledger_cap_propose",
        "ledger_limit_propose",
        "ledger_limit_propose_new",
        "ledger_limit_end",
        "login_lockout_lift",
    }


def test_form_asks_after_the_minutes_and_sending_it_after_twice_as_many(client: Client) -> None:
    client.force_login(staff("lead", LEAD))
    page = reverse("console:ledger_limit_propose_new")
    assert aged(client, 9.9).get(page).status_code == 200
    assert asked(aged(client, 10.1).get(page), page)
    assert aged(client, 19.9).post(page, {}).status_code == 200
    assert asked(aged(client, 20.1).post(page, {}), page)
    form = f"{page}?account=1"
    assert asked(client.post(page, {}, headers={"referer": f"http://testserver{form}"}), form)


def test_right_password_leads_back_and_is_recorded(lead: Client) -> None:
    page = f"{reverse('console:ledger_limit_propose_new')}?x=1"
    asking = led(lead.get(page))
    assert "What follows can do harm" in lead.get(asking).content.decode()
    assert "not the right password" in lead.post(asking, {"password": "wrong"}).content.decode()
    assert asked(lead.get(page), page)
    assert led(lead.post(asking, {"password": PASSWORD, "next": page})) == page
    assert lead.get(page).status_code == 200
    assert [(kind, who) for kind, who, _ in told("login.failed", "login.repeated")] == [
        ("login.failed", "lead"),
        ("login.repeated", "lead"),
    ]


def test_code_serves_as_well_as_the_password(client: Client) -> None:
    client.force_login(with_app(staff("lead", LEAD)))
    page = reverse("console:ledger_limit_propose_new")
    aged(client, 21)
    answer = client.post(reverse("mfa_reauthenticate"), {"code": code(), "next": page})
    assert led(answer) == page
    assert client.get(page).status_code == 200


def test_password_does_not_serve_who_has_a_second_factor(client: Client) -> None:
    client.force_login(with_app(staff("lead", LEAD)))
    aged(client, 21)
    page = reverse("console:ledger_limit_propose_new")
    for answer in (client.get(AGAIN), client.post(AGAIN, {"password": PASSWORD, "next": page})):
        assert led(answer).partition("?")[0] == reverse("mfa_reauthenticate")
    assert asked(client.get(page), page)
    assert "password instead" not in client.get(reverse("mfa_reauthenticate")).content.decode()


def test_wrong_passwords_there_lock_out_too(lead: Client, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    answers = [lead.post(AGAIN, {"password": "wrong"}).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert lead.post(AGAIN, {"password": PASSWORD}).status_code == 429


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_way_back_leads_to_no_other_site(lead: Client, next_page: str) -> None:
    answer = lead.post(AGAIN, {"password": PASSWORD, "next": next_page})
    assert led(answer) == "/console/"


def test_who_may_not_at_all_is_refused_and_not_asked(client: Client) -> None:
    client.force_login(staff("agent", AGENT))
    aged(client, 21)
    assert client.get(reverse("console:ledger_limit_propose_new")).status_code == 403


def test_people_their_groups_and_passwords_ask_again(boss: Client) -> None:
    colleague = staff("colleague", email="colleague@example.com")
    page = reverse("console:backoffice_user_change", args=[colleague.pk])
    password = reverse("console:backoffice_user_invite", args=[colleague.pk])
    form = {
        "username": "colleague",
        "email": colleague.email,
        "first_name": "Eva",
        "is_active": "on",
        "is_staff": "on",
        "reason": "Asked to",
    }
    for address in (page, password, reverse("console:backoffice_user_add")):
        assert asked(boss.get(address), address)
        assert asked(boss.post(address, form), address)
    aged(boss, 1)
    assert boss.post(page, form).status_code == 302
    colleague.refresh_from_db()
    assert colleague.first_name == "Eva"


def test_grants_ask_again(boss: Client, nord: Any) -> None:
    page = reverse("console:backoffice_entity_change", args=[nord.pk])
    assert asked(boss.get(page), page)
    assert asked(boss.post(page, {}), page)


def test_groups_ask_again(client: Client, admin: User) -> None:
    client.force_login(admin)
    page = reverse("console:auth_group_add")
    assert client.get(page).status_code == 200
    aged(client, 21)
    for answer in (client.get(page), client.post(page, {"name": "x", "reason": "x"})):
        assert asked(answer, page)


def test_dangerous_command_asks_again_and_daily_work_does_not(client: Client, account: Any) -> None:
    person = staff("lead", LEAD)
    grant(person, account.entity)
    client.force_login(person)
    page = reverse("console:ledger_account_freeze", args=[account.pk])
    assert client.get(page).status_code == 200
    assert asked(aged(client, 21).get(page), page)
    assert client.get(reverse("console:ledger_account_deposit", args=[account.pk])).status_code == 200


def test_who_only_looks_at_people_is_not_asked(client: Client, account: Any) -> None:
    reviewer = staff("reviewer", "Compliance reviewer")
    client.force_login(reviewer)
    aged(client, 600)
    assert client.get(reverse("console:backoffice_user_change", args=[reviewer.pk])).status_code == 200


def test_guard_is_a_value_and_composes() -> None:
    assert RecentLoginGuard() == RecentLoginGuard()
    assert repr(~RecentLoginGuard() & RecentLoginGuard()) == "~RecentLoginGuard() & RecentLoginGuard()"


def test_login_of_somebody_else_in_the_same_session_does_not_count(client: Client) -> None:
    client.force_login(staff("lead", LEAD))
    session = client.session
    session["account_authentication_methods_user"] = str(User.objects.get(username="lead").pk + 1)
    session.save()
    page = reverse("console:ledger_limit_propose_new")
    assert asked(client.get(page), page)
