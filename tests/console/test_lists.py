"""Every list of the console: as many queries for 30 rows as for 3, pages without counting the table, honest ends."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from axes.models import AccessAttempt
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice import grant_requests, paging
from backoffice.models import Entity, User
from imports.models import Import
from ledger.models import Account, Action, Approval, Cap, Hold, Limit
from tests.audit.store import stored, stored_alert, stored_dead_letter, stored_seal, stored_verification
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
Make = Callable[[int], object]
MODELS = [model for model in django_admin.site._registry if not model._meta.app_label.startswith("test")]


def named(model: type) -> str:
    return str(model._meta.label_lower)  # type: ignore[attr-defined]  # a model


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def make(open_account: OpenAccount, nord: Entity, agent: User) -> dict[str, Make]:
    """How to make a row of each list, unlike the ones before it; an app that is here later adds its own below."""
    makers: dict[str, Make] = {
        "backoffice.user": lambda n: User.objects.create(username=f"u{n}"),
        "backoffice.entity": lambda n: Entity.objects.create(code=f"e{n}", name=f"E{n}", parent=nord),
        "auth.group": lambda n: Group.objects.create(name=f"G{n}"),
        "ledger.account": lambda _: open_account("1"),
        "ledger.action": lambda _: open_account("1"),
        "ledger.hold": lambda _: Hold.place(
            uid=open_account("1").uid, amount=Decimal(1), by=agent, asof=LONG_AGO + timedelta(days=2)
        ),
        "ledger.limit": lambda n: Limit.objects.create(
            kind="max_balance", currency="CZK", amount=n, account=open_account()
        ),
        "ledger.cap": lambda n: Cap.set(currency=f"X{chr(65 + n // 26)}{chr(65 + n % 26)}", ceiling=Decimal(n)),
        "ledger.approval": lambda n: Approval.request_cap(
            currency="CZK", ceiling=Decimal(n + 1000), by=agent, asof=timezone.now(), reason="Why"
        ),
        "backoffice.grantrequest": lambda n: grant_requests.ask(
            by=agent, give=True, person=User.objects.create(username=f"u{n}", is_staff=True), entity=nord, reason="Why"
        ),
        "imports.import": lambda n: Import.objects.create(file_name=f"{n}.csv", format="csv", size=1, by=agent),
        "login.lockout": lambda n: AccessAttempt.objects.create(
            username=f"nova{n}", ip_address="10.0.0.1", failures_since_start=n
        ),
        "audit.event": lambda n: stored(type="login.succeeded", created=LONG_AGO, username=f"u{n}"),
        "audit.seal": stored_seal,
        "audit.verification": stored_verification,
        "audit.alert": lambda n: stored_alert(str(n)),
        "audit.deadletter": lambda n: stored_dead_letter(),
    }
    return makers


def page_of(model: type) -> str:
    return reverse(f"console:{named(model).replace('.', '_')}_changelist")


def statements(browser: Client, url: str) -> list[str]:
    """Return the statements of a page, on all databases."""
    logs = [CaptureQueriesContext(connections[alias]) for alias in connections]
    for log in logs:
        log.__enter__()
    response = browser.get(url)
    for log in logs:
        log.__exit__(None, None, None)
    assert response.status_code == 200
    return [query["sql"] for log in logs for query in log.captured_queries]


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_list_costs_the_same_for_3_and_30_rows(browser: Client, make: dict[str, Make], model: type) -> None:
    if named(model) not in make:
        pytest.fail(f"Tell tests/console/test_lists.py how to make a {named(model)}.")
    url = page_of(model)
    browser.get(url)
    counts = []
    for few, most in ((0, 3), (3, 30)):
        for number in range(few, most):
            make[named(model)](number)
        counts.append(statements(browser, url))
    assert len(counts[0]) == len(counts[1]), "\n".join(counts[1])


@pytest.mark.parametrize("model", MODELS, ids=named)
@pytest.mark.parametrize("query", ["", "?q=nov", "?_facets=True", "?all=1"])
def test_no_list_counts_a_table(browser: Client, make: dict[str, Make], model: type, query: str) -> None:
    make[named(model)](1)
    for sql in statements(browser, page_of(model) + query):
        if re.search(r"\bCOUNT\(", sql, re.IGNORECASE):
            assert re.search(r"LIMIT 10001\) ", sql), sql
            assert "ORDER BY" not in sql


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_list_has_no_date_hierarchy_and_no_facets(model: type) -> None:
    page = django_admin.site._registry[model]
    assert (page.date_hierarchy, page.show_full_result_count, page.list_max_show_all) == (None, False, 0)
    assert page.show_facets is django_admin.ShowFacets.NEVER
    assert page.paginator is paging.CappedPaginator
    assert isinstance(page.list_select_related, (list, tuple))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, open_account: OpenAccount, browser: Client) -> str:
    """A console that counts to 40 only, and 60 actions."""
    monkeypatch.setattr(paging, "MOST", 40)
    for _ in range(30):
        open_account("1")
    return reverse("console:ledger_action_changelist")


def test_longer_list_says_so_and_ends_where_its_pages_do(browser: Client, few: str) -> None:
    first = browser.get(few)
    assert "40+ actions" in " ".join(first.content.decode().split())
    assert "Search, filter or sort the other way to see the others." in first.content.decode()
    assert first.context["cl"].paginator.num_pages == 2
    last = browser.get(few, {"p": 2}).context["cl"]
    newest = list(Action.objects.order_by("-pk")[:40])
    assert list(last.result_list) == newest[25:40]


@pytest.mark.parametrize("page", ["3", "0", "-1", "x", "999999999999"])
def test_page_that_is_not_there_goes_back_to_the_list(browser: Client, few: str, page: str) -> None:
    response = browser.get(few, {"p": page})
    if page == "x":  # Django reads it as the first page
        assert response.status_code == 200
    else:
        assert (response.status_code, response.headers["Location"]) == (302, f"{few}?e=1")


def test_list_of_exactly_the_most_is_no_more_than_that(
    browser: Client, few: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST", 60)
    page = " ".join(browser.get(few).content.decode().split())
    assert "60 actions" in page
    assert "60+" not in page


def test_filtered_list_counts_what_it_shows(browser: Client, few: str) -> None:
    account = Account.objects.earliest("pk")
    assert browser.get(few, {"account__id__exact": account.pk}).context["cl"].result_count == 2


def test_list_of_nothing_has_one_page(browser: Client) -> None:
    response = browser.get(reverse("console:ledger_account_changelist"))
    assert response.context["cl"].paginator.num_pages == 1
    assert "There are no accounts yet." in response.content.decode()
