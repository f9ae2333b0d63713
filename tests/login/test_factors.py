"""Second factors: who needs one, how it is set up, asked for and taken off, and that a code is good once."""

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from audit.models import Outbox
from backoffice.models import User
from backoffice.roles import ADMINISTRATOR, AGENT, ANALYST, IMPORTER, LEAD, REVIEWER
from tests.login.door import (
    INDEX,
    SECRET,
    code,
    is_in,
    led,
    recovery_codes,
    staff,
    told,
    try_code,
    try_password,
    with_app,
)

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])


@pytest.fixture
def required(settings: Settings) -> None:
    """As in production."""
    settings.SECOND_FACTOR = True


@pytest.fixture
def agent() -> User:
    return staff("agent", AGENT)


def set_up_app(client: Client) -> str:
    """Set up an app as its owner does; return its secret."""
    page = reverse("mfa_activate_totp")
    secret = client.get(page).context["form"].secret
    assert led(client.post(page, {"code": code(secret)})) == reverse("mfa_view_recovery_codes")
    return str(secret)


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("role", [AGENT, LEAD, REVIEWER, IMPORTER, ADMINISTRATOR])
def test_who_needs_a_factor_gets_nowhere_but_to_set_one_up(client: Client, role: str) -> None:
    staff("somebody", role)
    assert try_password(client, "somebody").url == INDEX
    pages = [INDEX, reverse("console:password_change"), reverse("usersessions_list"), "/console/sandbox/"]
    assert {led(client.get(page)) for page in pages} == {reverse("mfa_index")}
    assert led(client.post(reverse("usersessions_list"))) == reverse("mfa_index")
    assert "Your role needs a second factor" in client.get(reverse("mfa_index")).content.decode()
    set_up_app(client)
    assert is_in(client)


@pytest.mark.usefixtures("required")
def test_superuser_needs_a_factor_and_an_analyst_does_not(client: Client, admin: User) -> None:
    client.force_login(admin)
    assert led(client.get(INDEX)) == reverse("mfa_index")
    client.force_login(staff("analyst", ANALYST))
    assert is_in(client)


def test_password_opens_nothing_until_the_code_is_right(client: Client, agent: User) -> None:
    with_app(agent)
    page = reverse("console:ledger_account_changelist")
    assert try_password(client, "agent", next=page).url == reverse("mfa_authenticate")
    assert not is_in(client)
    assert client.get(reverse("mfa_authenticate")).status_code == 200
    wrong = f"{(int(code()) + 1) % 10**6:06}"
    assert "This is not the right code." in try_code(client, wrong).content.decode()
    assert not is_in(client)
    assert told("login.succeeded") == []
    assert try_code(client, code()).url == page
    assert is_in(client)
    assert told("factor.failed", "login.succeeded") == [
        ("factor.failed", "agent", {"factor": "code"}),
        ("login.succeeded", "agent", {}),
    ]


def test_code_of_another_browser_s_password_is_of_no_use(client: Client, agent: User) -> None:
    with_app(agent)
    assert try_code(client, code()).url == reverse("console:login")
    assert not is_in(client)


def test_code_that_was_used_is_refused(agent: User) -> None:
    with_app(agent)
    first, second = Client(), Client()
    typed = code()
    for browser in (first, second):
        try_password(browser, "agent")
    try_code(first, typed)
    assert is_in(first)
    assert try_code(second, f"{typed[:3]} {typed[3:]}").status_code == 200
    assert not is_in(second)


def test_recovery_code_stands_in_once_and_is_recorded(client: Client, agent: User) -> None:
    client.force_login(agent)
    set_up_app(client)
    [spent, *left] = recovery_codes(agent)
    assert spent in client.get(reverse("mfa_view_recovery_codes")).content.decode()
    client.logout()
    for _ in range(2):
        try_password(client, "agent")
        try_code(client, spent)
        was_in = is_in(client)
        client.logout()
    assert not was_in
    assert recovery_codes(agent) == left
    assert told("factor.recovery_code_used") == [("factor.recovery_code_used", "agent", {"left": 9})]


def test_secrets_are_sealed_in_the_database_and_absent_from_the_record(client: Client, agent: User) -> None:
    client.force_login(agent)
    secret = set_up_app(client)
    codes = recovery_codes(agent)
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    events = json.dumps(list(Outbox.objects.values_list("path", "data")))
    assert secret not in kept + events
    assert not any(one in kept + events for one in codes)
    assert len(codes) == 10
    assert told("factor.added") == [
        ("factor.added", "agent", {"factor": "authenticator app"}),
        ("factor.added", "agent", {"factor": "recovery codes"}),
    ]


def test_app_is_taken_off_together_with_the_codes(client: Client, agent: User) -> None:
    with_app(agent)
    client.force_login(agent)
    client.post(reverse("mfa_generate_recovery_codes"))
    assert led(client.post(reverse("mfa_deactivate_totp"))) == reverse("mfa_index")
    assert not Authenticator.objects.exists()
    assert [data["factor"] for _, _, data in told("factor.removed")] == ["authenticator app", "recovery codes"]


def test_factor_set_up_ends_sessions_that_were_opened_without_it(agent: User) -> None:
    here, elsewhere = Client(), Client()
    for browser in (here, elsewhere):
        try_password(browser, "agent")
    set_up_app(here)
    assert (is_in(here), is_in(elsewhere)) == (True, False)


def test_key_of_somebody_else_cannot_be_taken_off(client: Client, agent: User) -> None:
    other = staff("other", AGENT)
    key = Authenticator.objects.create(user=other, type="webauthn", data={"name": "Theirs", "credential": {}})
    client.force_login(agent)
    assert client.post(reverse("mfa_remove_webauthn", args=[key.pk])).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


@pytest.mark.parametrize("typed", ["", "abc", "{}", '{"id": "x"}', "[]", '"x"', "null", '{"response": 1, "type": 2}'])
def test_key_that_is_nonsense_is_refused(client: Client, agent: User, typed: str) -> None:
    with_app(agent)
    try_password(client, "agent")
    client.get(reverse("mfa_authenticate"))
    assert client.post(reverse("mfa_authenticate"), {"credential": typed}).status_code == 200
    assert not is_in(client)
    client.force_login(agent)
    client.get(reverse("mfa_add_webauthn"))
    assert client.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": typed}).status_code == 200


def test_secret_of_the_app_is_shown_as_picture_and_text_without_style_or_script(client: Client, agent: User) -> None:
    client.force_login(agent)
    page = client.get(reverse("mfa_activate_totp"))
    body = page.content.decode()
    assert page.context["form"].secret in body
    assert "<svg" in body
    assert " style=" not in body


def test_setting_up_an_app_asks_for_a_recent_login(client: Client, agent: User, settings: Settings) -> None:
    settings.LOGIN_AGAIN_MINUTES = 0
    client.force_login(agent)
    for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"):
        page = reverse(name)
        assert led(client.get(page)) == f"{reverse('account_reauthenticate')}?next={page.replace('/', '%2F')}"


def test_settings_of_a_factor_hold_for_secrets_sealed_by_the_key_before(
    agent: User, settings: Settings, client: Client
) -> None:
    with_app(agent)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    kept: Any = Authenticator.objects.get(user=agent).wrap()
    with transaction.atomic():
        assert kept.validate_code(code(SECRET))
