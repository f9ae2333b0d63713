"""Forgotten passwords: one answer for everybody in the same time, a link that works once, and no secret in any record."""

import json
import threading

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from audit.models import Outbox
from backoffice.roles import AGENT
from tests.cast import OpenAccount
from tests.login.door import is_in, led, link, staff, told, try_password, with_app

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
NEW = {"new_password1": "a new and long one", "new_password2": "a new and long one"}


@pytest.fixture(autouse=True)
def often(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip", "reset_password": "1000/m/ip,1000/m/key"}


def ask(client: Client, email: str) -> bytes:
    """Ask for a link; return the page that follows once the message, if any, is sent."""
    page = client.post(reverse("admin_password_reset"), {"email": email}, follow=True)
    for thread in threading.enumerate():
        if thread.name == "forgotten password":
            thread.join()
    assert page.status_code == 200
    return page.content


def test_answer_is_the_same_whether_somebody_has_the_address_or_not(client: Client, open_account: OpenAccount) -> None:
    staff("agent2", AGENT, email="agent@example.com")
    gone = staff("gone", AGENT, email="gone@example.com")
    gone.is_active = False
    gone.save()
    customer = open_account("5").user
    addresses = ["agent@example.com", "nobody@example.com", "gone@example.com", customer.email]
    assert len({ask(client, address) for address in addresses}) == 1
    assert [message.to for message in mail.outbox] == [["agent@example.com"]]


def test_answer_takes_the_same_work_whether_somebody_has_the_address_or_not(client: Client) -> None:
    staff("agent2", AGENT, email="agent@example.com")
    work = []
    for address in ("first@example.com", "agent@example.com", "nobody@example.com"):  # the first makes what is kept
        with CaptureQueriesContext(connection) as queries:
            page = client.post(reverse("admin_password_reset"), {"email": address})
        work.append((len(queries), [template.name for template in page.templates]))
    assert work[1] == work[2]
    assert "login/reset_email.txt" in work[2][1]


def test_link_sets_a_password_once_and_ends_all_sessions(client: Client) -> None:
    user = staff("agent2", AGENT, email="agent@example.com")
    logged_in = Client()
    try_password(logged_in, "agent2")
    ask(client, "AGENT@example.com")
    address = link()
    form = led(client.get(address))
    assert form == reverse("login_new_password")
    assert client.get(form).status_code == 200
    weak = client.post(form, {"new_password1": "password1234", "new_password2": "password1234"})
    assert "too common" in weak.content.decode()
    assert led(client.post(form, NEW)) == reverse("account_login")
    assert not is_in(logged_in)
    user.refresh_from_db()
    assert user.check_password(NEW["new_password1"])
    again = Client().get(address, follow=True)
    assert "This link is too old" in again.content.decode()
    [row] = Outbox.objects.filter(type="password.reset").values()
    assert (row["username"], row["object_id"], row["reason"] != "") == ("agent2", str(user.pk), True)


def test_link_does_not_stand_in_for_the_second_factor(client: Client) -> None:
    with_app(staff("agent2", AGENT, email="agent@example.com"))
    ask(client, "agent@example.com")
    client.post(led(client.get(link())), NEW)
    assert not is_in(client)
    assert try_password(client, "agent2", NEW["new_password1"]).url == reverse("mfa_authenticate")


def test_secret_of_the_link_is_in_no_path_and_no_event(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    staff("agent2", AGENT, email="agent@example.com")
    ask(client, "agent@example.com")
    address = link()
    secret = address.partition("token=")[2]
    assert len(secret) > 20
    with caplog.at_level("INFO"):
        client.post(led(client.get(address)), NEW)
    assert secret not in caplog.text
    assert secret not in json.dumps(list(Outbox.objects.values_list("path", "data")))


def test_asking_is_recorded_without_an_address_that_nobody_has(client: Client) -> None:
    staff("agent2", AGENT, email="agent@example.com")
    for address in ("agent@example.com", "not-mine@example.com"):
        ask(client, address)
    assert told("password.reset_requested") == [
        ("password.reset_requested", "agent2", {}),
        ("password.reset_requested", "", {"unknown_name": True}),
    ]
    assert "not-mine" not in json.dumps(list(Outbox.objects.values_list("path", "data", "username")))


def test_asking_too_often_is_refused(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip", "reset_password": "2/m/key"}
    for _ in range(2):
        ask(client, "nobody@example.com")
    assert client.post(reverse("admin_password_reset"), {"email": "nobody@example.com"}).status_code == 429
    ask(client, "other@example.com")


@pytest.mark.parametrize("query", ["?uid=x&token=y", "?uid=&token=", "?token=z", "", "?uid=%00&token=%ff"])
def test_link_that_is_not_whole_is_refused(client: Client, query: str) -> None:
    page = client.get(reverse("login_new_password") + query)
    assert page.status_code in {200, 400}
    assert b"new_password1" not in page.content


def test_void_person_gets_no_link(client: Client) -> None:
    staff("agent2", AGENT, email="agent@example.com").delete()
    ask(client, "agent@example.com")
    assert mail.outbox == []
