"""The console's pages about the past: statements and balances as of a moment, who may see them, and what they cost."""

import csv
import io
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from audit.models import Outbox
from backoffice import exporting
from backoffice.models import Entity, User
from ledger.admin.periods import named
from ledger.choices import Clock
from ledger.models import Account
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
JANUARY = {"since": "2024-01-01", "until": "2024-01-31"}
THEN = {"moment": "2024-01-15T12:00"}
OF_ONE = ["statement", "statement_csv", "statement_xlsx", "as_of"]
OF_ALL = ["balances", "balances_csv", "balances_xlsx"]


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def address(name: str, *args: object) -> str:
    return reverse(f"console:ledger_account_{name}", args=args)


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def table(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"), newline="")))


def deposit(account: Account, by: User, amount: str = "1", days: int = 5, **more: str) -> None:
    moment = LONG_AGO + timedelta(days=days)
    Account.deposit(uid=account.uid, amount=Decimal(amount), by=by, asof=moment, **more)


def test_periods_that_have_a_name_begin_and_end_where_they_should() -> None:
    assert [tuple(period) for period in named(date(2024, 2, 29))] == [
        ("This month", date(2024, 2, 1), date(2024, 2, 29)),
        ("Last month", date(2024, 1, 1), date(2024, 1, 31)),
        ("This quarter", date(2024, 1, 1), date(2024, 2, 29)),
        ("Last quarter", date(2023, 10, 1), date(2023, 12, 31)),
        ("This year", date(2024, 1, 1), date(2024, 2, 29)),
        ("Last year", date(2023, 1, 1), date(2023, 12, 31)),
    ]


def test_account_page_leads_to_statement_and_as_of(browser: Client, account: Account) -> None:
    page = browser.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode()
    assert f'href="{address("statement", account.pk)}"' in page
    assert f'href="{address("as_of", account.pk)}"' in page


def test_statement_shows_opening_movements_and_closing(browser: Client, account: Account, agent: User) -> None:
    deposit(account, agent, "7", days=40)
    page = text(browser.get(address("statement", account.pk), JANUARY))
    assert "Statement, 1 Jan 2024 to 31 Jan 2024" in page
    assert "Opening balance CZK 0.00 Came in CZK 100.00 Went out CZK 0.00 Closing balance CZK 100.00" in page
    assert "Deposited +CZK 100.00 CZK 100.00 Closing balance, 31 Jan 2024 CZK 100.00" in page
    assert f"Jana Nova · account {account.uid} · 1 Jan 2024 to 31 Jan 2024 When" in page  # on every sheet of paper
    later = text(browser.get(address("statement", account.pk), {"since": "2024-02-01", "until": "2024-02-29"}))
    assert "Opening balance CZK 100.00 Came in CZK 7.00 Went out CZK 0.00 Closing balance CZK 107.00" in later


def test_statement_without_dates_is_of_this_month(browser: Client, account: Account) -> None:
    page = text(browser.get(address("statement", account.pk)))
    today = timezone.localdate()
    assert f"Statement, 1 {today:%b %Y} to " in page
    assert "No money came in or went out in this period." in page


@pytest.mark.parametrize(
    ("since", "until", "sentence"),
    [
        ("2024-02-01", "2024-01-01", "The last day is before the first one."),
        ("x", "2024-01-01", "Enter a valid date."),
        ("", "", "This field is required."),
        ("0001-01-01", "2024-01-01", "Choose days from 1900 to 2999."),
        ("2024-01-01", "9999-12-31", "Choose a last day that has come, not one of the future."),
        (
            "2024-01-01",
            f"{timezone.localdate() + timedelta(days=1)}",
            "Choose a last day that has come, not one of the future.",
        ),
    ],
)
def test_period_that_is_none_is_refused_in_words(
    browser: Client, account: Account, since: str, until: str, sentence: str
) -> None:
    assert sentence in text(browser.get(address("statement", account.pk), {"since": since, "until": until}))
    answer = browser.get(address("statement_csv", account.pk), {"since": since, "until": until})
    assert (answer.status_code, answer.headers["Location"]) == (302, address("statement", account.pk))


def test_long_statement_goes_on_page_by_page_while_postings_go_on(
    browser: Client, account: Account, agent: User
) -> None:
    for _ in range(55):
        deposit(account, agent)
    first = browser.get(address("statement", account.pk), JANUARY).content.decode()
    onward = re.search(r'href="(\?[^"]+)" rel="next"', first)
    assert onward
    deposit(account, agent, "999", days=3)
    second = text(browser.get(address("statement", account.pk) + onward[1].replace("&amp;", "&")))
    assert "Carried forward CZK 149.00" in second
    assert "Closing balance CZK 155.00" in second
    assert second.count("Deposited") == 6
    whole = text(browser.get(address("statement", account.pk), {**JANUARY, "print": "1"}))
    assert "Every row is on this page" in whole
    assert whole.count("Deposited") == 57


@pytest.mark.parametrize("odd", [{"after": "x"}, {"known": "x"}, {"known": "-1"}, {"known": "9" * 30}, {"after": "~~"}])
def test_odd_addresses_show_the_statement_from_its_beginning(
    browser: Client, account: Account, odd: dict[str, str]
) -> None:
    page = text(browser.get(address("statement", account.pk), {**JANUARY, **odd}))
    assert "Opening balance, 1 Jan 2024 CZK 0.00" in page
    assert "Closing balance, 31 Jan 2024 CZK 100.00" in page


def test_statement_is_downloaded_with_its_ends_and_no_formula(browser: Client, account: Account, agent: User) -> None:
    deposit(account, agent, "5", reference_type="invoice", reference="=1+1", comment="Wrong person")
    answer = b"".join(browser.get(address("statement_csv", account.pk), JANUARY))
    assert b"Wrong person" not in answer  # for colleagues and not for the customer
    header, *lines = table(browser.get(address("statement_csv", account.pk), JANUARY))
    assert [(line[3], line[5], line[7], line[8]) for line in lines] == [
        ("opening balance", "", "", "0.00"),
        ("Deposited", "", "100.00", "100.00"),
        ("Deposited", "'=1+1", "5.00", "105.00"),
        ("closing balance", "", "", "105.00"),
    ]
    book = load_workbook(io.BytesIO(b"".join(browser.get(address("statement_xlsx", account.pk), JANUARY))))
    cells = [row[header.index("balance")] for row in book.worksheets[0].iter_rows(min_row=2)]
    assert [(cell.value, cell.number_format) for cell in cells] == [(n, "#,##0.00") for n in (0, 100, 105, 105)]
    assert {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row} & {"f", "e"} == set()


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "1500"), ("KWD", "1500.000")])
def test_statement_is_downloaded_with_the_decimals_of_its_currency(
    browser: Client, open_account: OpenAccount, currency: str, shown: str
) -> None:
    account = open_account("1500", currency=currency)
    assert table(browser.get(address("statement_csv", account.pk), JANUARY))[-1][-1] == shown


def test_statement_that_is_too_long_for_a_file_is_refused_with_a_sentence(
    browser: Client, account: Account, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(exporting.CAPS, "csv", 1)
    deposit(account, agent)
    answer = browser.get(address("statement_csv", account.pk), JANUARY, follow=True)
    assert "A CSV file holds 1 movements at most: choose a shorter period." in text(answer)


@pytest.mark.parametrize("name", ["statement_csv", "balances_xlsx"])
def test_download_is_an_event(browser: Client, account: Account, name: str) -> None:
    answer = browser.get(
        address(name, *([account.pk] if name in OF_ONE else [])), {**JANUARY, **THEN, "clock": "created"}
    )
    assert answer.status_code == 200
    b"".join(answer)
    event = Outbox.objects.filter(type="export.downloaded").latest("id")
    assert (event.object_type, event.data["page"]) == ("ledger.account", f"ledger_account_{name}")
    assert event.object_id == (str(account.pk) if name in OF_ONE else "")


def test_balance_then_is_shown_by_both_clocks_with_what_sets_them_apart(browser: Client, account: Account) -> None:
    page = text(browser.get(address("as_of", account.pk), THEN))
    assert "15 Jan 2024, 12:00:00" in page
    assert "When it happened CZK 100.00 What the balance was by all that is known today" in page
    assert "When it was recorded CZK 0.00 What the books said at that moment" in page
    assert "The two differ by CZK 100.00" in page
    now = timezone.localtime().replace(tzinfo=None).isoformat()
    assert "The two differ" not in text(browser.get(address("as_of", account.pk), {"moment": now}))


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ("", "This field is required."),
        ("x", "Enter a valid date/time."),
        ("2999-01-01T00:00", "Choose a moment that has been."),
        ("1000-01-01T00:00", "Choose a moment since 1900."),
        ("0001-01-01T00:00", "Choose a moment since 1900."),
        ("9999-12-31T23:59:59", "Choose a moment that has been."),
    ],
)
@pytest.mark.parametrize("name", ["as_of", "balances"])
def test_moment_that_is_none_is_refused_in_words(
    browser: Client, account: Account, name: str, moment: str, sentence: str
) -> None:
    args = [account.pk] if name == "as_of" else []
    assert sentence in text(browser.get(address(name, *args), {"moment": moment, "clock": "created"}))


def test_all_balances_are_shown_by_entity_with_a_total_for_each_currency(
    browser: Client, open_account: OpenAccount, nord: Entity
) -> None:
    open_account("100")
    open_account("20")
    open_account("7", currency="JPY")
    page = text(browser.get(address("balances"), {**THEN, "clock": "created"}))
    assert "Nordbank CZK CZK 120.00 Nordbank JPY JPY 7" in page
    assert "All of the above CZK CZK 120.00 All of the above JPY JPY 7" in page
    before = text(browser.get(address("balances"), {**THEN, "clock": "recorded", "entity": str(nord.pk)}))
    assert "Nordbank CZK CZK 0.00" in before
    rows = table(browser.get(address("balances_csv"), {**THEN, "clock": "created"}))
    assert [row[1:] for row in rows[1:]] == [
        ["created", "nord", "Nordbank", "CZK", "120.00"], ["created", "nord", "Nordbank", "JPY", "7"],
    ]  # fmt: skip


def test_entity_page_leads_to_its_balances(browser: Client, nord: Entity) -> None:
    link = f"{address('balances')}?entity={nord.pk}"
    assert f'href="{link}"' in browser.get(reverse("console:backoffice_entity_change", args=[nord.pk])).content.decode()
    assert f'<option value="{nord.pk}" selected>' in browser.get(link).content.decode()
    assert f'href="{address("balances")}"' in browser.get(reverse("console:ledger_account_changelist")).content.decode()


@pytest.fixture
def reader(client: Client, agent: User) -> Client:
    """An agent, who works on nord alone and may view accounts and actions."""
    agent.user_permissions.set(Permission.objects.filter(codename__in=["view_account", "view_action"]))
    client.force_login(agent)
    return client


def asked(client: Client, name: str, account: Account) -> Any:
    return client.get(address(name, *([account.pk] if name in OF_ONE else [])), {**JANUARY, **THEN, "clock": "created"})


@pytest.mark.parametrize("missing", ["view_account", "view_action"])
@pytest.mark.parametrize("name", OF_ONE + OF_ALL)
def test_past_needs_the_right_to_view_accounts_and_actions(
    reader: Client, agent: User, account: Account, name: str, missing: str
) -> None:
    answer = asked(reader, name, account)
    assert answer.status_code == 200
    assert not answer.streaming or b"".join(answer)
    agent.user_permissions.remove(Permission.objects.get(codename=missing))
    assert asked(reader, name, account).status_code == 403


def test_links_to_the_past_are_not_shown_without_the_right(reader: Client, agent: User, account: Account) -> None:
    agent.user_permissions.remove(Permission.objects.get(codename="view_action"))
    for page in ("change", "changelist"):
        url = reverse(f"console:ledger_account_{page}", args=[account.pk] if page == "change" else [])
        html = reader.get(url).content.decode()
        assert "/statement/" not in html
        assert "as-of/" not in html
        assert "in the sandbox" not in html


@pytest.fixture
def elsewhere(open_account: OpenAccount, admin: User) -> Account:
    """An account of another entity."""
    customer = User.objects.create(username="other", first_name="Petr", last_name="Novy")
    entity = Entity.objects.create(code="sud", name="Sudbank")
    account, _ = Account.create(user=customer, entity=entity, currency="CZK", by=admin, asof=LONG_AGO)
    deposit(account, admin, "5000")
    return account


@pytest.mark.parametrize("name", OF_ONE)
def test_past_of_another_entity_s_account_is_not_there(reader: Client, elsewhere: Account, name: str) -> None:
    assert asked(reader, name, elsewhere).status_code == 404


def test_balances_of_other_entities_are_left_out(reader: Client, account: Account, elsewhere: Account) -> None:
    page = text(reader.get(address("balances"), {**THEN, "clock": "created"}))
    assert "All of the above CZK CZK 100.00" in page
    assert "Sudbank" not in page
    chosen = {**THEN, "clock": "created", "entity": str(elsewhere.entity_id)}
    assert "Select a valid choice." in text(reader.get(address("balances"), chosen))


def statements(client: Client, url: str, query: dict[str, str]) -> int:
    for _ in range(2):  # what is cached per process is cached the second time
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(url, query)
            assert answer.status_code == 200
            assert not answer.streaming or b"".join(answer)
    return len(queries)


@pytest.mark.parametrize(("name", "budget"), [("statement", 15), ("statement_csv", 13), ("as_of", 12)])
def test_past_of_an_account_costs_the_same_queries_for_3_movements_and_30(
    browser: Client, open_account: OpenAccount, agent: User, name: str, budget: int
) -> None:
    account, counts = open_account("100"), []
    for more in (1, 14):
        for _ in range(more):
            deposit(account, agent)
            to, moment = open_account().uid, LONG_AGO + timedelta(days=5)
            Account.transfer(uid=account.uid, to=to, amount=Decimal(1), by=agent, asof=moment)
        counts.append(statements(browser, address(name, account.pk), {**JANUARY, **THEN}))
    assert counts[0] == counts[1] <= budget


def test_balances_cost_the_same_queries_for_3_accounts_and_30(browser: Client, open_account: OpenAccount) -> None:
    counts = []
    for few, most in ((0, 3), (3, 30)):
        for _ in range(few, most):
            open_account("1")
        counts.append(statements(browser, address("balances"), {**THEN, "clock": "created"}))
    assert counts[0] == counts[1] <= 11


def test_moments_are_read_and_shown_in_the_zone_of_the_settings(browser: Client, account: Account, agent: User) -> None:
    moment = timezone.make_aware(datetime(2024, 7, 1))  # noqa: DTZ001  made aware here; in UTC it is still June
    Account.deposit(uid=account.uid, amount=Decimal(3), by=agent, asof=moment)
    june = text(browser.get(address("statement", account.pk), {"since": "2024-06-01", "until": "2024-06-30"}))
    july = text(browser.get(address("statement", account.pk), {"since": "2024-07-01", "until": "2024-07-31"}))
    assert "Came in CZK 0.00" in june
    assert "Came in CZK 3.00" in july
    assert "1 Jul 2024, 00:00" in july


def test_statement_names_the_other_account_of_a_transfer(
    browser: Client, open_account: OpenAccount, agent: User
) -> None:
    account, other = open_account("100"), open_account(name="Petr Král")
    moment = LONG_AGO + timedelta(days=7)
    Account.transfer(uid=account.uid, to=other.uid, amount=Decimal(40), by=agent, asof=moment, comment="Rent")
    page = browser.get(address("statement", account.pk), JANUARY)
    assert "Transferred out to Petr Král" in text(page)
    assert reverse("console:ledger_account_change", args=[other.pk]) in page.content.decode()
    [header, *lines] = table(browser.get(address("statement_csv", account.pk), JANUARY))
    assert [line[header.index("counterparty")] for line in lines] == ["", "", "Petr Král", ""]


def test_statement_does_not_name_an_account_out_of_reach(
    reader: Client, account: Account, elsewhere: Account, agent: User
) -> None:
    moment = LONG_AGO + timedelta(days=7)
    Account.transfer(uid=account.uid, to=elsewhere.uid, amount=Decimal(1), by=agent, asof=moment)
    assert "to an account that you may not see" in text(reader.get(address("statement", account.pk), JANUARY))
    file = table(reader.get(address("statement_csv", account.pk), JANUARY))
    assert file[3][4] == "an account that you may not see"


def test_a_balance_that_was_below_zero_by_what_was_booked_later_is_shown_and_explained(
    browser: Client, account: Account, agent: User
) -> None:
    """A withdrawal for a time before the money came: value dating is allowed, and whoever reads is told."""
    before = LONG_AGO + timedelta(hours=1)
    _, action = Account.withdraw(uid=account.uid, amount=Decimal(30), by=agent, asof=before)
    assert (action.balance, account.balance_at(moment=before)) == (70, -30)
    assert account.balance_at(moment=timezone.now(), clock=Clock.RECORDING) == 70
    then = text(browser.get(address("as_of", account.pk), {"moment": "2024-01-01T12:00"}))
    assert "-CZK 30.00" in then
    assert "below zero by the time things happened because something was booked later" in then
    assert "The balance is below zero here because of" in text(browser.get(address("statement", account.pk), JANUARY))
    february = {"since": "2024-02-01", "until": "2024-02-29"}
    assert "below zero" not in text(browser.get(address("statement", account.pk), february))


def test_search_of_a_list_of_the_past_says_that_it_knows_the_names_of_today(browser: Client, account: Account) -> None:
    now = timezone.localtime().strftime("%Y-%m-%dT%H:%M:%S")
    said = "names only"
    for model, told in (("ledger_account", True), ("backoffice_user", True), ("backoffice_entity", False)):
        page = reverse(f"console:{model}_changelist")
        assert (model, said in text(browser.get(page, {"as_of": now, "q": "nov"}))) == (model, told)
        assert said not in text(browser.get(page, {"as_of": now}))


def test_list_before_all_records_says_by_which_clock_it_goes(browser: Client, account: Account) -> None:
    html = browser.get(reverse("console:ledger_account_changelist"), {"as_of": "2024-01-01T00:00"}).content.decode()
    assert "a list shows what had been recorded by then, whenever it happened" in html


@pytest.mark.parametrize("moment", ["2024-10-27T02:30", "2024-03-31T02:30"])
def test_time_that_the_clocks_say_twice_or_never_is_refused_in_words(browser: Client, account: Account, moment: str) -> None:  # fmt: skip
    for page, asked in ((address("as_of", account.pk), "moment"), (reverse("console:ledger_account_changelist"), "as_of")):  # fmt: skip
        html = browser.get(page, {asked: moment}).content.decode()
        assert "this time is there twice, or not at all" in html
