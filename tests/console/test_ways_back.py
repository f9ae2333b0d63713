"""The page of a row leads back to the list that it was opened from, with its search and filters."""

import re
from decimal import Decimal
from html import unescape
from urllib.parse import urljoin

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from backoffice.sheets import FORMATS
from ledger.models import Account, Cap, Hold, Limit
from tests.console.test_commands import hidden

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
ACCOUNTS = "console:ledger_account_changelist"
KEPT = "_changelist_filters=currency%3DCZK"
FURTHER = {
    "account": {"deposit", "transfer", "freeze", "statement", "as-of"},
    "action": {"reverse"},
    "hold": {"capture"},
    "limit": {"propose", "end"},
    "cap": {"propose"},
}


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


def ways(html: str, page: str) -> set[str]:
    """Return all links to a list and what is below it, and those that ask the same page something else."""
    trail = html.partition('class="breadcrumbs"')[2].partition("</div>")[0]
    content = html.partition('<div id="content"')[2]
    return {unescape(link) for link in re.findall(rf'href="((?:{page}|\?)[^"]*)"', trail + content)}


def is_kept(way: str, page: str) -> bool:
    """Whether a link leads to the list as it was, or further on with what the list was."""
    return way == f"{page}?currency=CZK" or KEPT in way


def is_file(way: str) -> bool:
    """Whether a link hands out a file."""
    return way.partition("?")[0].rstrip("/").rpartition("/")[2] in FORMATS


def forget(html: str) -> list[str]:
    """Return the forms by GET of a page, but for its list's own, that forget the list."""
    forms = re.findall(r'<form method="get".*?</form>', html.partition('<div id="content"')[2], re.DOTALL)
    return [form for form in forms if 'name="_changelist_filters" value="currency=CZK"' not in form]


@pytest.mark.parametrize("on", ["account", "action", "hold", "limit", "cap"])
def test_all_pages_of_a_row_lead_back_to_the_list_as_it_was(
    browser: Client, account: Account, agent: User, on: str
) -> None:
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=account.created)
    _, deposit = Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=account.created)
    limit = Limit.objects.create(kind="max_deposit", currency="CZK", amount=Decimal(1000), account=account)
    rows = {"account": account, "hold": hold, "action": deposit, "limit": limit, "cap": Cap.objects.get(pk="CZK")}
    page = reverse(f"console:ledger_{on}_changelist")
    seen: set[str] = set()
    ahead = [reverse(f"console:ledger_{on}_change", args=[rows[on].pk]) + f"?{KEPT}"]
    while ahead:
        way = ahead.pop()
        seen.add(way)
        html = browser.get(way).content.decode()
        found = ways(html, page)
        assert [one for one in found if not is_kept(one, page)] == [], way
        assert forget(html) == [], way
        assert f"{page}?currency=CZK" in found, way
        below = {urljoin(way, one) for one in found if not is_file(one)} - seen
        ahead += [one for one in below if one.startswith(f"{page}{rows[on].pk}/")]
    names = {way.removeprefix(f"{page}{rows[on].pk}/").partition("/")[0] for way in seen}
    assert names >= {"change", "history", *FURTHER[on]}


@pytest.mark.parametrize("across", ["0", "1"])
def test_command_on_several_leads_back_to_the_list_as_it_was(browser: Client, account: Account, across: str) -> None:
    page = reverse(ACCOUNTS)
    chosen = {"action": "deposit", "_selected_action": [str(account.pk)], "select_across": across}
    way = browser.post(f"{page}?currency=CZK", chosen)["Location"]
    html = browser.get(way).content.decode()
    assert ways(html, page) == {f"{page}?currency=CZK"}
    assert '<a class="button plain" href="' + f'{page}?currency=CZK">Cancel</a>' in html
    form = {"amount": "5", "reference_type": "none", "comment": "Cash"}
    html = browser.post(way, {**hidden(html), **form}).content.decode()
    assert ways(html, page) == {f"{page}?currency=CZK", f"{page}{account.pk}/change/?{KEPT}"}


def test_cancel_leads_to_the_row_and_keeps_the_list(browser: Client, account: Account) -> None:
    html = browser.get(reverse("console:ledger_account_deposit", args=[account.pk]) + f"?{KEPT}").content.decode()
    [cancel] = re.findall(r'href="([^"]*)">Cancel</a>', html)
    assert unescape(cancel) == reverse("console:ledger_account_change", args=[account.pk]) + f"?{KEPT}"


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
