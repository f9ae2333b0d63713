"""Who asked and who approved, where the posting and the account are; and a note that was not saved."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.models import User
from ledger.models import Account, Action, Approval, Limit
from tests.console.test_pages import text

pytestmark = pytest.mark.django_db(databases=["default", "audit"])


@pytest.fixture
def boss(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def asked(account: Account, by: User) -> Approval:
    Limit.objects.get_or_create(kind="approval", currency="CZK", defaults={"amount": 50})
    return Approval.request(
        verb="deposit", uid=account.uid, amount=Decimal(60), comment="Inheritance", by=by, asof=timezone.now()
    )


def page(name: str, key: int) -> str:
    return reverse(f"console:ledger_{name}", args=[key])


def test_request_that_waits_stands_on_its_account(boss: Client, account: Account, agent: User) -> None:
    approval = asked(account, agent)
    html = boss.get(page("account_change", account.pk)).content.decode()
    assert f'<a href="{page("approval_change", approval.pk)}">{approval}</a>' in html
    assert re.search(r"Deposit CZK 60.00 \d+ \w+ \d+, \d\d:\d\d agent Inheritance", text(html))
    Approval.reject(uid=approval.uid, by=User.objects.get(username="admin"), asof=timezone.now(), comment="No")
    assert "Waits for approval" not in boss.get(page("account_change", account.pk)).content.decode()


def test_action_of_an_approval_names_both_people_with_links(
    boss: Client, account: Account, agent: User, admin: User
) -> None:
    approval = asked(account, agent)
    Approval.approve(uid=approval.uid, by=admin, asof=timezone.now(), comment="Seen", saw=None)
    action = Action.objects.get(approval=approval)
    html = boss.get(page("action_change", action.pk)).content.decode()
    for who in (agent, admin):
        assert f'<a href="{reverse("console:backoffice_user_change", args=[who.pk])}">{who}</a>' in html
    assert f'<a href="{page("approval_change", approval.pk)}">{approval}</a>' in html
    assert "Requested by:" in text(html)
    assert "Approved by:" in text(html)


def test_action_without_an_approval_names_who_posted_it(boss: Client, account: Account) -> None:
    html = boss.get(page("action_change", account.actions.latest().pk)).content.decode()
    assert "Approved by" not in html


def test_timeline_of_the_account_joins_requests_and_decisions(
    boss: Client, account: Account, agent: User, admin: User
) -> None:
    approval = asked(account, agent)
    Approval.approve(uid=approval.uid, by=admin, asof=timezone.now(), comment="Seen", saw=None)
    html = text(boss.get(page("account_history", account.pk)).content.decode())
    assert f"agent Asked for approval: {approval} Inheritance" in html
    assert f"admin Approved: {approval} Seen" in html


def test_note_that_is_not_saved_is_said_so_and_not_shown_as_saved(boss: Client, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(note="The old one")
    html = boss.post(page("account_change", account.pk), {"note": "The new one"}).content.decode()
    assert "NOT SAVED." in html
    assert "<strong>Note:</strong> The old one" in html
    assert "<strong>Note:</strong> The new one" not in html
    account.refresh_from_db()
    assert account.note == "The old one"
    assert "NOT SAVED" not in boss.get(page("account_change", account.pk)).content.decode()
