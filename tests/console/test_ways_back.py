"""The page of a row leads back to the list that it was opened from, with its search and filters."""

import re
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from ledger.models import Account, Hold

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


def test_list_is_as_it_was_after_an_account_is_saved(browser: Client, account: Account) -> None:
    address = reverse("console:ledger_account_change", args=[account.pk]) + "?_changelist_filters=currency%3DCZK"
    form = browser.get(address).context["adminform"].form
    seen = re.findall(r'name="seen" value="([^"]*)"', browser.get(address).content.decode())
    sent = {"note": "VIP", "reason": "Asked for", "seen": unescape(seen[0]) if seen else ""}
    answer = browser.post(address, {**dict.fromkeys(form.fields, ""), **sent}, follow=True)
    assert Account.objects.get(pk=account.pk).note == "VIP"
    assert leads_back(answer.content.decode(), reverse(ACCOUNTS)) == [f"{reverse(ACCOUNTS)}?currency=CZK"]
