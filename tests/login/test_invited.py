"""Invitations: nobody types a password for another; a link sets it, once, for a day, and only its own person's."""

from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from backoffice.models import User
from backoffice.roles import ADMINISTRATOR, AGENT
from tests.cast import PASSWORD
from tests.login.door import is_in, led, link, staff, told, try_password

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
NEW = {"new_password1": "a new and long one", "new_password2": "a new and long one"}
WHO = {"username": "eva", "first_name": "Eva", "last_name": "Nová", "email": "eva@example.com"}


@pytest.fixture
def boss(client: Client) -> Client:
    """The browser of an administrator."""
    client.force_login(staff("boss", ADMINISTRATOR))
    return client


def make(boss: Client, **more: str) -> Any:
    return boss.post(reverse("console:backoffice_user_add"), {**WHO, "is_staff": "on", "reason": "New here", **more})


def follow(address: str) -> Any:
    """Open a link in a fresh browser; return the page behind it."""
    return Client().get(address, follow=True)


def test_person_is_made_without_a_password_and_sets_it_by_a_link_that_works_once(boss: Client) -> None:
    assert 'type="password"' not in boss.get(reverse("console:backoffice_user_add")).content.decode()
    assert make(boss, password1="mine and long enough", password2="mine and long enough").status_code == 302
    person = User.objects.get(username="eva")
    assert (person.is_staff, person.has_usable_password()) == (True, False)
    assert [(message.to, "login for the back office: eva" in str(message.body)) for message in mail.outbox] == [
        (["eva@example.com"], True)
    ]
    browser = Client()
    form = led(browser.get(link()))
    assert led(browser.post(form, NEW)) == reverse("account_login")
    assert led(try_password(browser, "eva", NEW["new_password1"])) == "/console/"
    assert "This link is too old" in follow(link()).content.decode()
    assert told("password.invited", "password.reset") == [
        ("password.invited", "boss", {}),
        ("password.reset", "eva", {}),
    ]
    person.refresh_from_db()
    assert person.password_by == User.objects.get(username="boss").pk  # who wrote where the link went


def test_link_that_is_too_old_or_another_s_is_refused(boss: Client, settings: Settings) -> None:
    make(boss)
    address = link()
    other = staff("other", AGENT, email="other@example.com")
    boss.post(reverse("console:backoffice_user_invite", args=[other.pk]), {"reason": "Lost"})
    mixed = address.partition("&token=")[0] + "&token=" + link().partition("&token=")[2]
    assert "This link is too old" in follow(mixed).content.decode()
    assert "new_password1" in follow(address).content.decode()
    settings.INVITATION_HOURS = -1
    boss.post(reverse("console:backoffice_user_invite", args=[other.pk]), {"reason": "Lost"})
    assert "This link is too old" in follow(link()).content.decode()
    User.objects.filter(username="eva").update(is_active=False)
    assert "This link is too old" in follow(address).content.decode()


def test_link_sent_again_ends_the_password_the_sessions_and_the_link_before(boss: Client) -> None:
    person, browser = staff("other", AGENT, email="other@example.com"), Client()
    try_password(browser, "other")
    page = reverse("console:backoffice_user_invite", args=[person.pk])
    assert page in boss.get(reverse("console:backoffice_user_change", args=[person.pk])).content.decode()
    form = boss.get(page).content.decode()
    assert ("Send it to other@example.com" in form, "cannot be sent" in form) == (True, False)
    assert is_in(browser)
    boss.post(page, {"reason": "Lost"})
    first = link()
    assert not is_in(browser)
    boss.post(page, {"reason": "It never came"})
    assert "This link is too old" in follow(first).content.decode()
    assert "new_password1" in follow(link()).content.decode()
    assert told("password.invited") == [("password.invited", "boss", {})] * 2


def test_new_address_that_somebody_else_writes_ends_the_password_and_gets_a_link(boss: Client) -> None:
    person, maker = staff("other", AGENT, email="other@example.com"), staff("maker")
    User.objects.filter(pk=person.pk).update(password_by=maker.pk)
    page = reverse("console:backoffice_user_change", args=[person.pk])
    form = {"username": "other", "is_active": "on", "is_staff": "on", "reason": "Married"}
    assert boss.post(page, {**form, "email": "new@example.com"}).status_code == 302
    assert [message.to for message in mail.outbox] == [["new@example.com"]]
    person.refresh_from_db()
    assert (person.check_password(PASSWORD), person.has_usable_password()) == (False, False)
    assert person.may_be(User.objects.get(username="boss"))
    mail.outbox.clear()
    boss.post(page, {**form, "email": "new@example.com", "first_name": "Eva"})
    assert mail.outbox == []


def test_link_from_a_third_person_leaves_who_wrote_the_address_its_possible_owner(boss: Client) -> None:
    make(boss)
    third = Client()
    third.force_login(staff("third", ADMINISTRATOR))
    person = User.objects.get(username="eva")
    third.post(reverse("console:backoffice_user_invite", args=[person.pk]), {"reason": "It never came"})
    assert person.may_be(User.objects.get(username="boss"))
    assert not person.may_be(User.objects.get(username="third"))


def test_who_cannot_get_a_link_is_said(boss: Client, admin: User, settings: Settings) -> None:
    customer, bare = User.objects.create(username="customer"), staff("bare", AGENT)
    own = User.objects.get(username="boss")
    for person, sentence in (
        (customer, "Only active staff log in"),
        (bare, "There is no e-mail address"),
        (own, "Your own password you change yourself"),
    ):
        page = reverse("console:backoffice_user_invite", args=[person.pk])
        for answer in (boss.get(page, follow=True), boss.post(page, {"reason": "x"}, follow=True)):
            assert sentence in answer.content.decode()
            assert f'href="{page}"' not in answer.content.decode()
    assert boss.post(reverse("console:backoffice_user_invite", args=[admin.pk]), {"reason": "x"}).status_code == 403
    assert "write it" in make(boss, email="").content.decode()
    settings.PASSWORD_RESET = False
    assert "manage.py changepassword" in boss.get(led(make(boss))).content.decode()
    assert (mail.outbox, told("password.invited")) == ([], [])


def test_mail_server_that_refuses_is_said_and_recorded(boss: Client, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there
    answer = boss.get(led(make(boss)))
    assert "was not sent" in answer.content.decode()
    assert told("password.invited") == [("password.invited", "boss", {"error": "ConnectionRefusedError"})]


def test_without_a_server_nobody_is_told_that_a_link_was_sent(
    boss: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    made = boss.get(led(make(boss))).content.decode()
    page = reverse("console:backoffice_user_invite", args=[User.objects.get(username="eva").pk])
    assert "E-mail cannot be sent from here: nothing would reach eva@example.com." in boss.get(page).content.decode()
    again = boss.post(page, {"reason": "Lost"}, follow=True).content.decode()
    for told_of in (made, again):
        assert "Nothing was sent to eva@example.com: e-mail cannot be sent from here." in told_of
        assert "A link was sent" not in told_of
    assert capsys.readouterr().out.count("To: eva@example.com") == 2


def test_page_of_a_link_asks_the_same_however_many_people_there_are(boss: Client) -> None:
    page = reverse("console:backoffice_user_invite", args=[staff("other", AGENT, email="other@example.com").pk])
    boss.get(page)
    counts = []
    for more in (3, 27):
        User.objects.bulk_create(User(username=f"more{more}.{number}", is_staff=True) for number in range(more))
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(page).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 17
