"""The page of a row leads back to the list that it was opened from, with its search and filters."""

import re
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from ledger.models import Account, Hold
from tests.console.test_commands import hidden

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
ACCOUNTS = "console:ledger_account_changelist"


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def leads_back(html: str, page: str) -> list[str]:
    trail = html.partition('class="breadcrumbs"')[2].partition("</div>")[0]
    return [unescape(link) for link in re.findall(rf'href="({page}[^"]*)"', trail)]


def test_page_of_a_row_leads_back_to_the_list_as_it_was(browser: Client, account: Account, agent: User) -> None:
    Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=account.created)
    for name in ("account", "action", "hold"):
        page = reverse(f"console:ledger_{name}_changelist")
        html = browser.get(page, {"currency": account.currency, "o": "pk"}).content.decode()
        [row] = set(re.findall(rf'href="({page}\d+/change/\?[^"]*)"', html)[:1])
        back = leads_back(browser.get(unescape(row)).content.decode(), page)
        assert back == [f"{page}?currency={account.currency}&o=pk"], name
        assert leads_back(browser.get(row.partition("?")[0]).content.decode(), page) == [page]


@pytest.mark.parametrize("on", ["account", "action", "hold"])
def test_commands_and_history_of_a_row_lead_back_to_the_list_as_it_was(
    browser: Client, account: Account, agent: User, on: str
) -> None:
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=account.created)
    _, deposit = Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=account.created)
    row = {"account": account, "hold": hold, "action": deposit}[on]
    page, kept = reverse(f"console:ledger_{on}_changelist"), "?_changelist_filters=currency%3DCZK"
    html = browser.get(reverse(f"console:ledger_{on}_change", args=[row.pk]) + kept).content.decode()
    ways = [link for link in re.findall(rf'href="({page}{row.pk}/[^"]*)"', html) if link.endswith(unescape(kept))]
    names = {link.removeprefix(f"{page}{row.pk}/").partition("/")[0] for link in ways}
    assert (
        names
        >= {"history"} | {"account": {"deposit", "transfer", "freeze"}, "action": {"reverse"}, "hold": {"capture"}}[on]
    )
    for way in ways:
        back = leads_back(browser.get(unescape(way)).content.decode(), page)
        assert back[0] == f"{page}?currency=CZK", way
        assert back[1:] in ([], [f"{page}{row.pk}/change/{kept}"]), way


def test_list_is_as_it_was_after_a_deposit(browser: Client, account: Account) -> None:
    kept = "?_changelist_filters=currency%3DCZK"
    page = reverse("console:ledger_account_deposit", args=[account.pk]) + kept
    form = {**hidden(browser.get(page).content.decode()), "amount": "5", "reference_type": "none", "comment": "Cash"}
    answer = browser.post(page, hidden(browser.post(page, form).content.decode()))
    assert answer["Location"] == reverse("console:ledger_account_change", args=[account.pk]) + kept
    html = browser.get(answer["Location"]).content.decode()
    assert leads_back(html, reverse(ACCOUNTS)) == [f"{reverse(ACCOUNTS)}?currency=CZK"]
    assert f'href="{page}">Deposit once more' in html


def test_list_is_as_it_was_after_an_account_is_saved(browser: Client, account: Account) -> None:
    address = reverse("console:ledger_account_change", args=[account.pk]) + "?_changelist_filters=currency%3DCZK"
    form = browser.get(address).context["adminform"].form
    seen = re.findall(r'name="seen" value="([^"]*)"', browser.get(address).content.decode())
    sent = {"note": "VIP", "reason": "Asked for", "seen": unescape(seen[0]) if seen else ""}
    answer = browser.post(address, {**dict.fromkeys(form.fields, ""), **sent}, follow=True)
    assert Account.objects.get(pk=account.pk).note == "VIP"
    assert leads_back(answer.content.decode(), reverse(ACCOUNTS)) == [f"{reverse(ACCOUNTS)}?currency=CZK"]
