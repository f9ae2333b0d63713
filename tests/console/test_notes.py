"""Notes on an account: added, never changed, and waiting for whom they call."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from backoffice.grants import grant
from backoffice.models import Entity, User
from backoffice.roles import AGENT, LEAD
from backoffice.scope import acting
from ledger import errors
from ledger.mentions import names_in
from ledger.models import Account, Mention, Note
from tests.console.test_commands import hidden
from tests.console.test_pages import text

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
Staff = Callable[..., User]


@pytest.fixture
def staff(nord: Entity) -> Staff:
    """Make somebody of a role who works on an entity: `staff("lead", LEAD)`."""

    def _staff(name: str, role: str, entity: Entity | None = nord) -> User:
        user = User.objects.create_user(name, first_name=name.title(), last_name="Nova", is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        if entity:
            grant(user, entity)
        return user

    return _staff


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def write(browser: Client, account: Account, note: str) -> Any:
    return browser.post(reverse("console:ledger_account_note", args=[account.pk]), {"text": note}, follow=True)


def shown(browser: Client, account: Account) -> str:
    return browser.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode()


def test_note_that_calls_nobody_is_told_who_can_be_called(staff: Staff, account: Account) -> None:
    desk, lead = staff("desk", AGENT), staff("lead", LEAD)
    staff("leonard", LEAD, Entity.objects.create(code="sud", name="Sud"))
    for typed, told in (("@le", "@lead (Lead Nova)"), ("@nova", f"@desk ({desk}), @lead ({lead})"), ("@x", "@desk")):
        html = write(browser_of(desk), account, f"{typed}, please look").content.decode()
        assert f"No colleague called {typed} sees this account: check the user name. You can call {told}" in text(html)
        assert "leonard" not in html


def test_note_calls_whom_it_names_and_waits_until_it_is_answered(staff: Staff, account: Account) -> None:
    desk, lead = staff("desk", AGENT), staff("lead", LEAD)
    html = write(
        browser_of(desk), account, "Rang twice. @lead, may she?\n<b>Soon</b>, at jana@example.com"
    ).content.decode()
    assert "Noted; Lead Nova will find it waiting." in html
    assert '<strong class="mention" title="Lead Nova">@lead</strong>, may she?\n&lt;b&gt;Soon&lt;/b&gt;' in html
    assert "You are called by a note" not in html
    [waits] = Mention.waiting(lead)
    assert (waits.note.account, waits.note.by, waits.note.text[:10]) == (account, desk, "Rang twice")
    assert "You are called by a note" in shown(browser_of(lead), account)
    start = text(browser_of(lead).get(reverse("console:index")).content.decode())
    assert "Notes that call you 1 to answer or put away Rang twice. @lead, may she?" in start
    assert f"{account}; Desk Nova," in start
    html = write(browser_of(lead), account, "She may.").content.decode()
    assert "You are called by a note" not in html
    assert list(Mention.waiting(lead)) == []
    assert html.index("She may.") < html.index("Rang twice.")


def test_who_is_called_puts_it_away_by_a_button(staff: Staff, account: Account) -> None:
    desk, lead = staff("desk", AGENT), staff("lead", LEAD)
    Note.write(account=account, text="@lead @desk look", by=desk)
    assert [mention.person for mention in Mention.objects.all()] == [lead]  # nobody calls himself
    browser, page = browser_of(lead), reverse("console:ledger_account_mentions", args=[account.pk])
    assert browser.get(page).status_code == 405
    assert "You are called by a note" not in browser.post(page, follow=True).content.decode()
    assert not Mention.waiting(lead).exists()


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("", "Write what colleagues should know."),
        ("@nobody look", "No colleague called @nobody sees this account"),
        ("@away look", "No colleague called @away sees this account"),
        ("@importer @customer look", "No colleague called @customer sees this account"),
        ("x" * 2001, "It has 2001 characters, 2000 are the most."),
        (" ".join(f"@person{number}" for number in range(11)), "The note calls 11 people, 10 are the most."),
    ],
)
def test_note_that_would_not_reach_somebody_is_refused(staff: Staff, account: Account, note: str, told: str) -> None:
    south = Entity.objects.create(code="south", name="Southbank")
    staff("away", LEAD, south)
    staff("importer", "Importer")
    html = write(browser_of(staff("desk", AGENT)), account, note).content.decode()
    assert told in text(html)
    assert not Note.objects.exists()


def test_no_field_of_the_page_cuts_off_what_is_pasted(staff: Staff, account: Account) -> None:
    browser = browser_of(staff("desk", AGENT))
    assert re.findall(r"<textarea[^>]+maxlength", shown(browser, account)) == []
    page = reverse("console:ledger_account_change", args=[account.pk])
    form = {**hidden(shown(browser, account)), "note": "x" * 2001, "reason": "Called"}
    html = browser.post(page, form).content.decode()
    assert "It has 2001 characters, 2000 are the most." in html
    assert "x" * 2001 in html


@pytest.mark.parametrize(
    ("note", "names"),
    [
        ("@lead: and @petr.dvorak, or (@lead)?", ["lead", "petr.dvorak"]),
        ("jana@example.com, a@b, @@x, // @ home, x/@y", []),
        ("Ask @anna-marie.", ["anna-marie"]),
    ],
)
def test_names_are_told_from_addresses(note: str, names: list[str]) -> None:
    assert names_in(note) == names


def test_note_is_in_the_history_and_its_author_is_who_acts(
    staff: Staff, account: Account, agent: User, admin: User
) -> None:
    note = Note.write(account=account, text="Called back", by=agent)
    [version] = note.history.all()
    assert (version.history_type, version.text) == ("+", "Called back")
    browser = browser_of(admin)
    page = reverse("console:ledger_account_history", args=[account.pk])
    assert "agent Noted: Called back" in text(browser.get(page).content.decode())
    with (
        acting(actor=admin.pk, request_id="a test"),
        pytest.raises(DatabaseError, match="signed by who writes it"),
        transaction.atomic(),
    ):
        Note.write(account=account, text="Not mine", by=agent)


def test_notes_stay_as_they_were_written(staff: Staff, account: Account, agent: User, admin: User) -> None:
    lead = staff("lead", LEAD)
    note = Note.write(account=account, text="@lead look", by=agent)
    [mention] = Mention.waiting(lead)
    other = Entity.objects.create(code="other", name="Other")
    refused: list[Callable[[], object]] = [
        lambda: Note.objects.filter(pk=note.pk).update(text="Other"),
        lambda: Note.objects.filter(pk=note.pk)._raw_delete("default"),
        lambda: Note.objects.create(account=account, entity=other, text="x", by=agent),
        lambda: Mention.objects.filter(pk=mention.pk)._raw_delete("default"),
        lambda: Mention.objects.filter(pk=mention.pk).update(person=admin),
        lambda: Mention.objects.create(note=note, entity=other, person=admin),
    ]
    for attempt in refused:
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    with acting(actor=agent.pk, request_id="a test"), pytest.raises(DatabaseError), transaction.atomic():
        Mention.put_away(account=account, person=lead)
    with pytest.raises(errors.InvalidText):
        Note.write(account=account, text=" ", by=agent)
