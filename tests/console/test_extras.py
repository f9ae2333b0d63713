"""What the checkboxes on an account's form start: after the commit, told on the next page, and never without the save."""

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.models import Outbox
from backoffice import embedded
from backoffice.models import User
from ledger.admin.account import AccountAdmin
from ledger.models import Account
from tests.cast import OpenAccount
from tests.console.test_commands import permit

Save = Callable[..., str]


@pytest.fixture
def console(client: Client, agent: User) -> Client:
    permit(agent, "change_account")
    client.force_login(agent)
    return client


@pytest.fixture
def save(committing: None, console: Client) -> Save:
    """Save an account's form and return the page that follows."""

    def _save(account: Account, **fields: str) -> str:
        page = reverse("console:ledger_account_change", args=[account.pk])
        return console.post(page, {"reason": "Asked to", "note": "Called back", **fields}, follow=True).content.decode()

    return _save


@pytest.fixture
def saved_account(committing: None, open_account: OpenAccount) -> Account:
    return open_account("100")


def told(page: str) -> list[tuple[str, str]]:
    """Return the messages above a page, with their kinds."""
    return re.findall(r'<ul class="messagelist">\s*<li class="(\w+)">([^<]+)</li>\s*</ul>', page)


def events(kind: str) -> list[tuple[Any, ...]]:
    return list(Outbox.objects.filter(type=kind).values_list("success", "data", "entity_id", "reason"))


def test_recheck_says_that_all_is_well(save: Save, saved_account: Account) -> None:
    page = save(saved_account, recheck="on")
    assert told(page) == [("success", "The note is saved. Rechecked: all 2 actions add up.")]
    assert events("account.rechecked") == [(True, {"findings": 0}, saved_account.entity_id, "Asked to")]
    saved_account.refresh_from_db()
    assert saved_account.note == "Called back"


def test_recheck_says_what_is_wrong(save: Save, saved_account: Account, settings) -> None:  # type: ignore[no-untyped-def]  # pytest-django's settings
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        session.execute("UPDATE ledger_account SET balance = 70 WHERE id = %s", [saved_account.pk])
    page = save(saved_account, recheck="on")
    assert told(page)[0][0] == "error"
    assert "The recheck found what should not be." in page
    assert "The balance is CZK 70.00, but all deltas together come to CZK 100.00." in page


def test_customer_is_written_to_once_saved(save: Save, saved_account: Account) -> None:
    page = save(saved_account, notify="on")
    [letter] = mail.outbox
    assert letter.to == [saved_account.user.email]
    assert letter.subject == "Your account at Nordbank"
    assert str(saved_account.actions.latest().reference) in letter.body
    assert "100" not in letter.body
    assert f"An e-mail was sent to {saved_account.user.email}." in page
    assert events("account.notified") == [(True, {}, saved_account.entity_id, "Asked to")]


def test_letter_is_plain_text_whatever_a_name_holds(save: Save, saved_account: Account) -> None:
    User.objects.filter(pk=saved_account.user_id).update(first_name="Anna & <Petr>", last_name="O'Hara")
    save(saved_account, notify="on")
    assert mail.outbox[0].body.startswith("Dear Anna & <Petr> O'Hara,")


def test_without_a_server_nobody_is_told_that_an_e_mail_was_sent(
    save: Save, saved_account: Account, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = save(saved_account, notify="on")
    assert f"Nothing was sent to {saved_account.user.email}: e-mail cannot be sent from here." in page
    assert "EMAIL_HOST" not in page
    assert f"E-mail cannot be sent from here: nothing would reach {saved_account.user.email}." in page
    assert "An e-mail was sent" not in page
    assert "Subject: Your account at Nordbank" in capsys.readouterr().out


def test_review_is_asked_for_with_the_reason_of_the_form(save: Save, saved_account: Account) -> None:
    page = save(saved_account, review="on", reason="Odd amounts")
    assert told(page) == [("success", "The note is saved. Compliance was asked for a review.")]
    [event] = Outbox.objects.filter(type="review.asked")
    assert (event.object_id, event.reason, event.username) == (str(saved_account.pk), "Odd amounts", "agent")


def test_saving_stays_on_the_account_and_tells_in_one_message_of_the_note_and_of_what_was_started(
    save: Save, console: Client, saved_account: Account
) -> None:
    page = reverse("console:ledger_account_change", args=[saved_account.pk])
    answer = console.post(page, {"reason": "Asked to", "note": "Called back"})
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert told(console.get(page).content.decode()) == [("success", "The note is saved.")]
    assert told(console.get(page).content.decode()) == []
    shown = save(saved_account, notify="on", recheck="on")
    assert told(shown) == [
        ("success", f"The note stays as it was. Rechecked: all 2 actions add up. An e-mail was sent to {saved_account.user.email}.")
    ]  # fmt: skip


def test_saving_what_is_there_already_changes_nothing_and_says_so(save: Save, saved_account: Account) -> None:
    save(saved_account)
    versions = saved_account.history.count()
    assert told(save(saved_account)) == [("info", "Nothing was changed.")]
    assert saved_account.history.count() == versions


def test_nothing_is_sent_without_the_checkbox(save: Save, saved_account: Account) -> None:
    save(saved_account)
    assert mail.outbox == []


def test_nothing_is_sent_when_the_save_rolls_back(
    save: Save, console: Client, saved_account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("after the save, before the commit")

    monkeypatch.setattr(AccountAdmin, "response_change", fail)
    console.raise_request_exception = False
    page = reverse("console:ledger_account_change", args=[saved_account.pk])
    assert (
        console.post(page, {"reason": "Asked to", "note": "Lost", "notify": "on", "recheck": "on"}).status_code == 500
    )
    saved_account.refresh_from_db()
    assert (saved_account.note, mail.outbox) == ("", [])


def test_server_that_refuses_is_told_and_the_note_is_kept(save: Save, saved_account: Account, settings) -> None:  # type: ignore[no-untyped-def]  # pytest-django's settings
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert "The note is saved. The e-mail to" in save(saved_account, notify="on")
    assert events("account.notified") == [
        (False, {"error": "ConnectionRefusedError"}, saved_account.entity_id, "Asked to")
    ]
    saved_account.refresh_from_db()
    assert saved_account.note == "Called back"


@pytest.mark.django_db
def test_checkboxes_are_absent_for_those_who_only_look(client: Client, agent: User, account: Account) -> None:
    permit(agent)
    client.force_login(agent)
    page = reverse("console:ledger_account_change", args=[account.pk])
    html = client.get(page).content.decode()
    assert "recheck" not in html
    assert client.post(page, {"reason": "Asked to", "note": "x", "notify": "on"}).status_code == 403


@pytest.mark.django_db
def test_nobody_without_an_address_is_written_to(console: Client, account: Account) -> None:
    User.objects.filter(pk=account.user_id).update(email="")
    html = console.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode()
    assert [f'name="{name}"' in html for name in ("recheck", "notify", "review")] == [True, False, True]


@pytest.mark.django_db(databases=["default", "audit"])
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Nothing below is changed or ticked, so there is nothing to save yet."),
        ({"note": "Rang"}, "The note below was changed and is not kept yet: see what is wrong with the form, then save it again."),
        ({"recheck": "on"}, "What is ticked below was not begun: see what is wrong with the form, then save it again."),
        ({"note": "Rang", "recheck": "on"}, "The note below was changed and is not kept yet, and what is ticked below was not begun:"),
    ],
)  # fmt: skip
def test_form_that_is_refused_says_what_of_it_is_not_saved(
    console: Client, account: Account, sent: dict[str, str], said: str
) -> None:
    page = console.post(reverse("console:ledger_account_change", args=[account.pk]), {"note": account.note, **sent})
    assert f"<strong>NOT SAVED.</strong> {said}" in page.content.decode()
