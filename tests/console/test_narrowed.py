"""A list that its address narrows, or cannot narrow, says so."""

import re
from html import unescape
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.models import User
from ledger.models import Account

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
ACTIONS = "console:ledger_action_changelist"
LINE = re.compile(r'<li class="chip">(.*?) <a href="([^"]*)" aria-label="Without “')


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def lines(browser: Client, **asked: str) -> dict[str, str]:
    html = browser.get(reverse(ACTIONS), asked).content.decode()
    return {unescape(told): unescape(without) for told, without in LINE.findall(html)}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("created__gte", "2026-11-22T00:00:00+01:00", "When: from 22 Nov 2026, 00:00"),
        ("created__lt", "2999-01-01T00:00:05+01:00", "When: before 1 Jan 2999, 00:00:05"),
        ("version__lte", "7", "Version: up to 7"),
        ("comment", "<b>Cash", "Reason: <b>Cash"),
    ],
)
def test_list_says_what_its_address_leaves_out_and_how_to_be_without_it(
    browser: Client, account: Account, name: str, value: str, told: str
) -> None:
    found = lines(browser, type__exact="deposited", days="today", **{name: value})
    assert list(found) == [told]
    assert parse_qs(found[told].removeprefix("?")) == {"type__exact": ["deposited"], "days": ["today"]}


def test_line_goes_alone_where_another_begins_alike(browser: Client, account: Account) -> None:
    found = lines(browser, version="1", version__lte="7")
    assert found == {"Version: 1": "?version__lte=7", "Version: up to 7": "?version=1"}


def test_what_filters_searches_and_pages_show_is_not_said_again(browser: Client, account: Account) -> None:
    asked = {"type__exact": "deposited", "days": "7", "q": "Jana", "o": "pk", "account__id__exact": str(account.pk), "reach": "all", "all": "", "view": "1", "by__id__exact": "1"}  # fmt: skip
    assert lines(browser, **asked) == {}


def test_what_the_address_leaves_out_is_said_without_a_query(browser: Client, account: Account) -> None:
    spent = []
    for asked in (
        {"version__gte": "1"},
        {"version__gte": "1", "created__gte": "2000-01-01T00:00:00Z", "version__lte": "9"},
    ):
        browser.get(reverse(ACTIONS), asked)
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse(ACTIONS), asked)
        spent.append(len(queries))
    assert spent[0] == spent[1]


@pytest.mark.parametrize("asked", [{"foo": "1"}, {"after": "abc"}, {"version": "x"}])
def test_address_that_no_list_knows_is_not_passed_over_in_silence(
    browser: Client, account: Account, asked: dict[str, str]
) -> None:
    warning = "The address asked for something that this list does not know."
    assert warning in browser.get(reverse(ACTIONS), asked, follow=True).content.decode()
    assert warning not in browser.get(reverse(ACTIONS)).content.decode()
