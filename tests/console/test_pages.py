"""What the console's pages show, what they must never send, and how many queries they cost."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin as django_admin
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from backoffice.models import User
from ledger.models import Account, Limit
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
CSS = settings.BASE_DIR / "static/console/console.css"
Get = Callable[..., str]


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def get(browser: Client) -> Get:
    """Get a page by the name of its URL: `get("ledger_account_change", account.pk)`."""

    def _get(name: str, *args: object, **query: str) -> str:
        response = browser.get(reverse(f"console:{name}", args=args), query)
        assert response.status_code == 200
        return response.content.decode()

    return _get


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def buttons(html: str) -> list[tuple[str, str]]:
    """Return the buttons of the command's form, in the order of the Tab key."""
    found = re.findall(r'<button class="(button \w+)"[^>]*>(.*?)</button>', html, re.DOTALL)
    return [(kind, text(label)) for kind, label in found]


def hidden(html: str) -> dict[str, str]:
    form = html[html.index("data-once") :]
    tags = re.findall(r'<input type="hidden"[^>]+>', form)
    return {name: value for tag in tags for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', tag)}


def preview(browser: Client, url: str, **fields: str) -> str:
    start = hidden(browser.get(url).content.decode())
    return browser.post(url, {**start, "reference_type": "none", "comment": "Asked", **fields}).content.decode()


def statements(browser: Client, url: str) -> int:
    browser.get(url)  # what is cached per process is cached now
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(url).status_code == 200
    return len(queries)


def test_header_names_the_environment(get: Get) -> None:
    assert '<strong class="environment environment-development">Development</strong>' in get("index")


def test_header_names_staging(get: Get, settings: Settings) -> None:
    settings.ENVIRONMENT = "staging"
    assert '<strong class="environment environment-staging">Staging</strong>' in get("index")


def test_login_page_names_the_environment_and_has_a_heading(client: Client) -> None:
    html = client.get(reverse("console:login")).content.decode()
    assert "environment-development" in html
    assert "<h1>Log in</h1>" in html


def test_daily_work_comes_before_people_and_rights(get: Get) -> None:
    html = get("index")
    assert html.index("app-ledger") < html.index("app-backoffice") < html.index("app-auth")


def test_index_shows_no_log_of_form_saves(get: Get) -> None:
    assert "recent-actions-module" not in get("index")


@pytest.mark.parametrize("model", [model for model in django_admin.site._registry if hasattr(model, "admin_help_text")])
def test_list_shows_the_help_of_its_model(get: Get, model: type) -> None:
    opts = model._meta  # type: ignore[attr-defined]  # a model
    assert model.admin_help_text in get(f"{opts.app_label}_{opts.model_name}_changelist")  # type: ignore[attr-defined]  # as above


def test_add_change_and_command_pages_show_the_help_once(get: Get, account: Account) -> None:
    account_help = Account.admin_help_text
    assert get("ledger_account_change", account.pk).count(account_help) == 1
    assert get("ledger_account_deposit", account.pk).count(account_help) == 1
    assert get("ledger_limit_propose_new").count('class="model-help"') == 1


def test_statement_history_and_page_of_the_past_do_without_the_help(get: Get, account: Account) -> None:
    for page in ("statement", "as_of", "history"):
        assert Account.admin_help_text not in get(f"ledger_account_{page}", account.pk)


def test_page_that_is_only_read_leads_back_to_the_list_and_closes_nothing(get: Get, account: Account) -> None:
    html = get("ledger_action_change", account.actions.latest().pk)
    assert [text(way) for way in re.findall(r'<a class="closelink".*?</a>', html)] == ["Back to the list"]
    assert ">Close<" not in html


def test_list_without_a_match_says_so(get: Get, account: Account) -> None:
    page = text(get("ledger_account_changelist", status__exact="closed"))
    assert "No account matches. Change the search or the filters. Show all accounts" in page


def test_list_without_rows_says_so(get: Get) -> None:
    assert "There are no accounts yet." in text(get("ledger_account_changelist"))


def test_account_page_shows_who_how_much_and_what_can_be_done(get: Get, account: Account) -> None:
    html = get("ledger_account_change", account.pk)
    assert "<h1>Jana Nova</h1>" in html
    assert '<span class="chip chip-open">Open</span>' in html
    assert '<strong class="amount">CZK 100.00</strong>' in html
    links = re.findall(r'<a class="button (\w+)"[^>]+>(\w+)</a>', html)
    plain = [("plain", verb) for verb in ("Withdraw", "Transfer", "Hold")]
    assert links == [("primary", "Deposit"), *plain, ("danger", "Freeze"), ("danger", "Close")]


def test_account_page_shows_its_latest_actions_with_the_running_balance(get: Get, account: Account) -> None:
    html = get("ledger_account_change", account.pk)
    action = account.actions.latest()
    link = reverse("console:ledger_action_change", args=[action.pk])
    assert f'<a class="reference" href="{link}">{action.reference}</a>' in html
    assert "Deposited +CZK 100.00 CZK 100.00 agent" in text(html)
    assert "Created \N{EN DASH} CZK 0.00 agent" in text(html)


def test_account_page_leads_to_all_actions_of_the_account(browser: Client, get: Get, open_account: OpenAccount) -> None:
    account, other = open_account("100", name="Jana Nova"), open_account("200", name="Petr Novy")
    address = f"{reverse('console:ledger_action_changelist')}?account__id__exact={account.pk}"
    assert f'href="{address}"' in get("ledger_account_change", account.pk)
    page = browser.get(address).content.decode()
    assert f"Only the actions of {account}" in text(page)
    assert str(account.actions.latest().reference) in page
    assert str(other.actions.latest().reference) not in page


def test_account_page_shows_the_note_before_the_commands(get: Get, account: Account) -> None:
    account.note = "Ask for the <password>."
    account.save()
    html = get("ledger_account_change", account.pk)
    assert html.index("Ask for the &lt;password&gt;.") < html.index('class="commands"')


def test_closed_account_says_that_nothing_can_happen_to_it(get: Get, open_account: OpenAccount, agent: User) -> None:
    account, _ = Account.close(uid=open_account().uid, by=agent, asof=timezone.now(), comment="Moved away")
    html = get("ledger_account_change", account.pk)
    assert "This account is closed for good" in html
    assert 'class="commands"' not in html


def test_command_form_shows_the_account_with_its_balance(get: Get, account: Account) -> None:
    page = text(get("ledger_account_deposit", account.pk))
    assert "Jana Nova Nordbank · CZK Open Balance CZK 100.00" in page
    assert "Money has come in for the customer." in page


def test_error_stands_at_its_field_and_is_announced(browser: Client, account: Account) -> None:
    html = preview(browser, reverse("console:ledger_account_deposit", args=[account.pk]), amount="1,5000")
    assert "<title>Error: " in html
    assert re.search(r'<div role="alert"><ul class="errorlist" id="id_amount_error"><li>Write the amount', html)
    field = re.search(r'<input[^>]+name="amount"[^>]+>', html)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert re.search(r'aria-describedby="[^"]*\bid_amount_error"', field[0])


def test_refusal_of_the_form_as_a_whole_is_announced(browser: Client, open_account: OpenAccount) -> None:
    ids = f"{open_account().pk},{open_account(currency='EUR').pk}"
    html = browser.post(
        reverse("console:ledger_account_deposit_selected"), {"ids": ids, "amount": "1", "comment": "Asked"}
    ).content.decode()
    assert '<div class="errornote" role="alert">' in html
    assert "The selection mixes CZK and EUR" in html


@pytest.mark.parametrize("verb", ["deposit", "withdraw", "hold"])
def test_several_currencies_are_told_before_an_amount_is_typed(
    browser: Client, open_account: OpenAccount, verb: str
) -> None:
    accounts = [open_account(currency=currency) for currency in ("GBP", "KWD", "EUR")]
    ids = ",".join(str(account.pk) for account in accounts)
    address = reverse(f"console:ledger_account_{verb}_selected")
    html = browser.get(address, {"ids": ids}).content.decode()
    assert "The selection mixes EUR, GBP and KWD: choose accounts of one currency." in html
    assert "Back to accounts" in html
    assert "Preview" not in html
    again = browser.post(address, {"ids": ids, "amount": "1", "comment": "Asked"}).content.decode()
    assert ">Amount</label>" in again
    one = browser.get(address, {"ids": str(accounts[0].pk)}).content.decode()
    assert "Amount in GBP" in one


def test_preview_of_one_account_says_what_will_happen(browser: Client, account: Account) -> None:
    html = preview(browser, reverse("console:ledger_account_deposit", args=[account.pk]), amount="10", comment="Coins")
    page = text(html)
    assert f"Deposit CZK 10.00 to {account}." in page
    assert "Before CZK 100.00 Change +CZK 10.00 After CZK 110.00" in page
    assert "Reason Coins" in page
    assert buttons(html) == [("button primary", "Deposit CZK 10.00"), ("button plain", "Back")]
    assert '<button class="button plain" name="back" value="back">' in html
    assert {"csrfmiddlewaretoken", "key", "amount", "comment", "token"} <= set(hidden(html))


def test_preview_shows_whose_account_it_is_with_its_status_and_pinned_note(browser: Client, account: Account) -> None:
    account.note = "Ask for the <password>."
    account.save()
    deposit, action = "console:ledger_account_deposit", account.actions.latest()
    for url in (reverse(deposit, args=[account.pk]), reverse("console:ledger_action_refund", args=[action.pk])):
        page = preview(browser, url, amount="10")
        assert "Jana Nova Nordbank · CZK Open Note: Ask for the &lt;password&gt;." in text(page)
    assert buttons(page)[0] == ("button danger", "Refund CZK 10.00")


def test_preview_of_a_transfer_shows_who_receives_with_the_pinned_note(
    browser: Client, account: Account, open_account: OpenAccount
) -> None:
    target = open_account("5", name="Petr Novy")
    target.note = "Calls back on Monday."
    target.save()
    url = reverse("console:ledger_account_transfer", args=[account.pk])
    page = text(preview(browser, url, amount="10", to=str(target.pk)))
    assert "To Petr Novy Nordbank · CZK Open Note: Calls back on Monday." in page


def test_preview_writes_the_kind_of_reference_in_words(browser: Client, account: Account) -> None:
    url = reverse("console:ledger_account_withdraw", args=[account.pk])
    page = text(preview(browser, url, amount="10", reference_type="bank_transfer", reference="VS 1"))
    assert f"Withdraw CZK 10.00 from {account}." in page
    assert "Reference kind Bank transfer Reference VS 1" in page


def test_preview_of_a_dangerous_command_has_a_red_button(browser: Client, account: Account) -> None:
    html = preview(browser, reverse("console:ledger_account_freeze", args=[account.pk]), comment="Stolen")
    assert f"Freeze {account}." in text(html)
    assert "Before Open After Frozen" in text(html)
    assert buttons(html) == [("button danger", "Freeze"), ("button plain", "Back")]


def test_preview_of_several_names_the_refused_and_the_total(browser: Client, open_account: OpenAccount) -> None:
    accounts = [open_account("100"), open_account("5", name="Petr Novy"), open_account("50")]
    ids = ",".join(str(account.pk) for account in accounts)
    address = f"{reverse('console:ledger_account_withdraw_selected')}?ids={ids}"
    page = text(preview(browser, address, amount="10"))
    assert "Withdraw CZK 10.00 from 2 accounts, CZK 20.00 in total." in page
    assert "1 of 3 accounts will be left out" in page
    assert "Petr Novy · Nordbank · CZK" in page


@pytest.mark.parametrize(
    "name",
    [
        "index",
        "ledger_account_changelist",
        "ledger_action_changelist",
        "ledger_limit_propose_new",
        "backoffice_user_add",
    ],
)
def test_no_page_has_inline_style_or_script(get: Get, account: Account, name: str) -> None:
    assert not inline(get(name))


def test_account_and_command_pages_have_no_inline_style_or_script(browser: Client, get: Get, account: Account) -> None:
    url = reverse("console:ledger_account_deposit", args=[account.pk])
    pages = [get("ledger_account_change", account.pk), get("ledger_account_deposit", account.pk)]
    assert not inline("".join([*pages, preview(browser, url, amount="1")]))


def inline(html: str) -> list[str]:
    """Return what a strict content security policy would refuse; data in a script tag is none of it."""
    scripts = [tag for tag in re.findall(r"<script[^>]*>", html) if "src=" not in tag and "application/json" not in tag]
    return [*scripts, *re.findall(r"<style|\sstyle=|\son\w+=", html)]


@pytest.mark.parametrize(("code", "way_on"), [(400, "index"), (403, "login"), (404, "login"), (500, "index")])
def test_error_page_stands_alone(
    code: int, way_on: str, django_assert_num_queries: Callable[[int], CaptureQueriesContext]
) -> None:
    with django_assert_num_queries(0):
        html = render_to_string(f"{code}.html")
    assert str(code) in html
    assert f'href="{reverse(f"console:{way_on}")}"' in html
    assert not inline(html)


def test_page_of_a_limit_is_headed_by_it_and_says_it_in_words(get: Get) -> None:
    limit = Limit.objects.create(kind="approval", currency="CZK", amount=50)
    html = get("ledger_limit_change", limit.pk)
    assert "<h1>Approval threshold CZK · every account</h1>" in html
    assert "Amount: CZK 50.00 Valid: always" in text(html)


def test_start_page_of_an_app_lists_and_says_nothing_of_what_waits(get: Get) -> None:
    html = get("app_list", "ledger")
    assert reverse("console:ledger_hold_changelist") in html
    assert "Waiting for you" not in html


def test_every_variable_of_the_admin_is_set_and_used_ones_exist() -> None:
    ours = CSS.read_text()
    stock = (Path(django_admin.__file__).parent / "static/admin/css/base.css").read_text()
    set_here = set(re.findall(r"(--[\w-]+):", ours))
    assert set(re.findall(r"(--[\w-]+):", stock)) <= set_here
    assert set(re.findall(r"var\((--[\w-]+)", ours)) <= set_here
    assert "http" not in ours


def test_our_style_and_scripts_on_a_page_are_small(get: Get, account: Account) -> None:
    ours = re.findall(r'(?:href|src)="/static/(console/[^"]+\.(?:css|js))"', get("ledger_account_change", account.pk))
    files = [(settings.BASE_DIR / "static" / name).read_bytes() for name in ours]
    assert len(files) > 2
    assert sum(len(gzip.compress(file)) for file in files) < 9_900  # as they are sent


@pytest.mark.parametrize(("page", "budget"), [("ledger_account_changelist", 13), ("ledger_action_changelist", 13)])
def test_list_costs_the_same_queries_for_3_rows_and_30(
    browser: Client, open_account: OpenAccount, page: str, budget: int
) -> None:
    for _ in range(3):
        open_account()
    few = statements(browser, reverse(f"console:{page}"))
    for _ in range(27):
        open_account()
    # A list that is longer than a page asks how long it is, about or at least.
    assert statements(browser, reverse(f"console:{page}")) - 2 == few <= budget
