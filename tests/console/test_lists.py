"""Every list of the console: as many queries for 30 rows as for 3, pages by keys, order by index, no table counted."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from html import escape, unescape
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin as django_admin
from django.contrib.admin.templatetags import admin_list
from django.contrib.auth.models import Group, Permission
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from backoffice import grant_requests, paging
from backoffice.admin import choices, table
from backoffice.arrangement import name_of
from backoffice.grants import grant
from backoffice.models import Entity, ListChoice, User
from backoffice.roles import AGENT
from bulk.models import Run
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


def happen(open_account: OpenAccount, agent: User, number: int) -> None:
    """Have actions of each kind, those that speak of others too: what is returned, captured and transferred."""
    account, now = open_account("3"), LONG_AGO + timedelta(days=2)
    about: dict[str, Any] = {"by": agent, "asof": now, "amount": Decimal(1)}
    if number % 3 == 0:
        _, action = Account.deposit(uid=account.uid, **about)
        Action.reverse(uid=action.uid, by=agent, asof=now, comment="Wrong")
    elif number % 3 == 1:
        hold, _ = Hold.place(uid=account.uid, **about)
        Hold.release(uid=hold.uid, by=agent, asof=now)
    else:
        Account.transfer(uid=account.uid, to=open_account("1").uid, **about)


@pytest.fixture
def make(open_account: OpenAccount, nord: Entity, agent: User) -> dict[str, Make]:
    """How to make a row of each list, unlike the ones before it; an app that is here later adds its own below."""
    makers: dict[str, Make] = {
        "backoffice.user": lambda n: User.objects.create(username=f"u{n}"),
        "backoffice.entity": lambda n: Entity.objects.create(code=f"e{n}", name=f"E{n}", parent=nord),
        "auth.group": lambda n: Group.objects.create(name=f"G{n}"),
        "ledger.account": lambda _: open_account("1"),
        "ledger.action": lambda n: happen(open_account, agent, n),
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
        "bulk.run": lambda n: Run.objects.create(
            by=agent, command="freeze", subject="account", what=f"Freeze {n}", total=n, entities=[nord.pk]
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
def test_list_costs_the_same_for_3_and_30_rows(
    browser: Client, make: dict[str, Make], model: type, admin: User
) -> None:
    """With every column that it can show; but for the count, which only a list of several pages needs."""
    if named(model) not in make:
        pytest.fail(f"Tell tests/console/test_lists.py how to make a {named(model)}.")
    page: Any = django_admin.site._registry[model]
    every = [name_of(column) for column in (*page.list_display, *page.more_columns)]
    ListChoice.objects.create(person=admin, label=named(model), columns=every)
    url = page_of(model)
    browser.get(url)
    counts = []
    for few, most in ((0, 3), (3, 30)):
        for number in range(few, most):
            make[named(model)](number)
        counts.append([sql for sql in statements(browser, url) if "COUNT(" not in sql and "reltuples" not in sql])
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


def walked(browser: Client, page: str, query: str = "", between: Callable[[], object] = lambda: None) -> list[int]:
    """Return the keys of all pages of a list, one after the other, with something happening between each two."""
    keys: list[int] = []
    query = query or "?"
    while query:
        shown = browser.get(page + query).context["cl"]
        keys += [row.pk for row in shown.result_list]
        query = shown.following
        between()
    return keys


@pytest.mark.parametrize(
    "query", ["?", "?o=pk", "?o=reference", "?o=-reference", "?type__exact=deposited&o=-reference"]
)
def test_pages_show_each_row_once_while_others_arrive(
    browser: Client, few: str, open_account: OpenAccount, query: str
) -> None:
    before = set(browser_keys(query))
    shown = walked(browser, few, query, between=lambda: open_account("1"))
    assert len(shown) == len(set(shown))
    assert before <= set(shown)


def browser_keys(query: str) -> list[int]:
    actions = Action.objects.filter(type="deposited") if "deposited" in query else Action.objects.all()
    return list(actions.values_list("pk", flat=True))


def test_pages_lead_back_as_they_led_on(browser: Client, few: str, open_account: OpenAccount) -> None:
    first = browser.get(few).context["cl"]
    second = browser.get(few + first.following).context["cl"]
    third = browser.get(few + second.following).context["cl"]
    assert [len(page.result_list) for page in (first, second, third)] == [25, 25, 10]
    assert (first.previous, first.first, third.following) == ("", "", "")
    open_account("1")  # two actions
    back = browser.get(few + third.previous).context["cl"]
    assert back.result_list == second.result_list
    start = browser.get(few + back.previous).context["cl"]
    assert start.result_list == first.result_list
    newest = browser.get(few + start.previous).context["cl"]
    assert [row.pk for row in newest.result_list] == list(
        Action.objects.order_by("-pk").values_list("pk", flat=True)[:2]
    )
    assert browser.get(few + back.first).context["cl"].result_list[:2] == newest.result_list


def test_place_that_is_none_goes_back_to_the_list(browser: Client, account: Account) -> None:
    for place in ("x", "1,2", "9" * 30, "1.5", "%2C", "'"):
        for way in ("after", "before"):
            response = browser.get(reverse("console:ledger_action_changelist"), {way: place})
            assert (response.status_code, response.headers["Location"].partition("?")[2]) == (302, "e=1"), place


def test_longer_list_says_so(browser: Client, few: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = " ".join(browser.get(few, {"type__exact": "deposited"}).content.decode().split())
    assert "30 actions" in told
    assert "40+ actions" in " ".join(browser.get(few).content.decode().split())
    monkeypatch.setattr(paging, "MOST", 60)
    page = " ".join(browser.get(few).content.decode().split())
    assert "60 actions" in page


def test_statistics_are_told_to_who_sees_everything_alone(
    browser: Client, few: str, agent: User, nord: Entity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "ESTIMATE", "SELECT length(%s::text) + 9876525")
    asked = {"all": ""}
    assert str(browser.get(few, asked).context["cl"].result_count) == "about 9,880,000"
    assert str(browser.get(few, {"type__exact": "deposited"}).context["cl"].result_count) == "30"
    Entity.objects.create(code="south", name="South")
    agent.groups.add(Group.objects.get(name=AGENT))
    User.objects.filter(pk=agent.pk).update(is_staff=True)
    grant(agent, nord)
    browser.force_login(agent)
    assert str(browser.get(few, asked).context["cl"].result_count) == "40+"


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_every_column_that_sorts_is_served_by_an_index(browser: Client, model: type) -> None:
    shown = browser.get(page_of(model)).context["cl"]
    using = shown.queryset.db
    for column in shown.sortable:
        for asked in (column, f"-{column}"):
            cl = browser.get(page_of(model), {"o": asked}).context["cl"]
            rows = cl.queryset.model._base_manager.using(using).order_by(*cl.order.names())
            assert cl.order.names()[0] == asked.replace(column, cl.sortable[column])
            with transaction.atomic(using=using), connections[using].cursor() as cursor:
                cursor.execute(
                    "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"
                )
                plan = rows.explain()
            assert "Index" in plan, (asked, plan)
            assert "Sort" not in plan, (asked, plan)


def test_list_cannot_be_sorted_by_anything_else(browser: Client, account: Account) -> None:
    for asked in ("balance_written", "-customer", "1", "3.1", "", "-", "user__password", "--pk", "pk.x", "balance"):
        page = browser.get(reverse("console:ledger_account_changelist"), {"o": asked})
        assert page.context["cl"].order.names() == ["-pk"], asked
        assert not re.findall(r'<a href="\?[^"]*\bo=(?!pk|-pk)', page.content.decode()), asked


def test_head_of_a_column_that_sorts_turns_the_list(browser: Client, few: str) -> None:
    html = browser.get(few, {"o": "reference"}).content.decode()
    assert 'class="sortable column-reference sorted ascending" aria-sort="ascending"' in html
    assert '<a href="?o=-reference">' in html
    assert '<a href="?o=reference">' in browser.get(few).content.decode()
    assert ">Oldest first</a>" in browser.get(few).content.decode()
    assert ">Newest first</a>" in browser.get(few, {"o": "pk"}).content.decode()


def test_filtered_list_counts_what_it_shows(browser: Client, few: str) -> None:
    account = Account.objects.earliest("pk")
    assert browser.get(few, {"account__id__exact": account.pk}).context["cl"].result_count == 2


def test_list_of_nothing_says_so(browser: Client) -> None:
    response = browser.get(reverse("console:ledger_account_changelist"))
    assert (response.context["cl"].result_count, response.context["cl"].following) == (0, "")
    assert "There are no accounts yet." in response.content.decode()


def test_customer_leads_to_the_account_for_who_may_see_it(
    browser: Client, client: Client, account: Account, agent: User
) -> None:
    Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    link = f'<td class="field-customer"><a href="{reverse("console:ledger_account_change", args=[account.pk])}">Jana Nova</a></td>'
    for name in ("action", "hold"):
        page = reverse(f"console:ledger_{name}_changelist")
        assert link in browser.get(page).content.decode()
        for asked in ({"_popup": "1"}, {"as_of": timezone.now().isoformat()}):
            assert link not in browser.get(page, asked).content.decode()
    agent.user_permissions.add(Permission.objects.get(codename="view_action"))
    client.force_login(agent)
    html = client.get(reverse("console:ledger_action_changelist")).content.decode()
    assert '<td class="field-customer">Jana Nova</td>' in html


def test_table_is_that_of_django_cell_for_cell(browser: Client, few: str) -> None:
    """Ours is quicker and says the same; the heads differ, which sort by name."""
    for name in ("ledger_action", "ledger_account", "backoffice_user", "ledger_limit"):
        page = reverse(f"console:{name}_changelist")
        cl = browser.get(page, {"q": ""}).context["cl"]
        assert list(table.rows(cl)) == ["".join(cells) for cells in admin_list.results(cl)], name
        for ours, theirs in zip(table.heads(cl), admin_list.result_headers(cl), strict=True):
            shown = '<div class="text">(?:<span>|<a href="[^"]*">)' + re.escape(capfirst(str(theirs["text"]))) + "<"
            assert re.search(shown, ours), (name, ours)
            assert re.findall("column-[a-z_]+|action-checkbox-column", ours)[0] in str(theirs["class_attrib"])
        for asked in ({}, {"type__exact": "held", "currency": "<&>"}, {"q": "a&b", "state": "all"}, {"days": "7"}):
            cl = browser.get(page, asked, follow=True).context["cl"]  # back to the list where it has no such filter
            for spec in cl.filter_specs:
                ours_drawn, theirs_drawn = (
                    re.sub(r"\s*([<>])\s*", r"\1", html)
                    for html in (choices.drawn(cl, spec), admin_list.admin_list_filter(cl, spec))
                )
                assert ours_drawn == theirs_drawn, (name, asked)


def test_long_list_is_counted_with_separators(browser: Client) -> None:
    Entity.objects.bulk_create(Entity(code=f"e{number}", name=f"Entity {number}") for number in range(1234))
    assert "1,234 entities" in " ".join(browser.get(page_of(Entity), {"all": ""}).content.decode().split())


def test_long_reason_is_shortened_in_a_row_and_whole_on_its_page(client: Client, admin: User, account: Account) -> None:
    reason = "As agreed on the telephone with <the customer> " * 10
    _, action = Account.deposit(
        uid=account.uid, amount=Decimal(1), by=admin, asof=timezone.now(), comment=reason.strip()
    )
    client.force_login(admin)
    html = client.get(reverse("console:ledger_action_changelist")).content.decode()
    [title, shown] = re.findall(r'<td class="field-comment"><span title="([^"]*)">([^<]*)…</span></td>', html)[0]
    assert unescape(title) == reason.strip()
    assert unescape(shown) == reason[:120].rstrip()
    assert (
        escape(reason.strip()) in client.get(reverse("console:ledger_action_change", args=[action.pk])).content.decode()
    )
    assert "…</span>" not in client.get(reverse("console:ledger_account_changelist")).content.decode()
