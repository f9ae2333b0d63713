"""Downloads of lists: what is shown for search and filters, as CSV and XLSX, and nothing that runs as a formula."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import site as admin_site
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from backoffice import exporting
from backoffice.exporting import ExportMixin
from backoffice.models import User
from backoffice.sheets import guarded_text, number, unguarded, write_csv, write_xlsx
from ledger.models import Account, Action, Hold
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
MODELS = [
    f"{model._meta.app_label}_{model._meta.model_name}"
    for model, model_admin in admin.site._registry.items()
    if isinstance(model_admin, ExportMixin)
]


def download(client: Client, name: str, kind: str = "csv", **query: str) -> Any:
    return client.get(reverse(f"console:{name}_export_{kind}"), query)


def rows_of(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(response).decode("utf-8-sig"), newline="")))


def sheet_of(response: Any) -> Any:
    return load_workbook(io.BytesIO(b"".join(response))).worksheets[0]


@pytest.fixture
def console(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("name", MODELS)
def test_every_list_can_be_downloaded(console: Client, account: Account, name: str, kind: str) -> None:
    answer = download(console, name, kind)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert b"".join(answer)
    page = console.get(reverse(f"console:{name}_changelist")).content.decode()
    assert reverse(f"console:{name}_export_{kind}") in page


def test_accounts_are_exported_as_they_are(console: Client, open_account: OpenAccount) -> None:
    account = open_account("1234.50")
    header, row = rows_of(download(console, "ledger_account"))
    found = dict(zip(header, row, strict=True))
    assert (found["uid"], found["user"], found["balance"], found["currency"]) == (
        str(account.uid), "Jana Nova", "1234.50", "CZK",
    )  # fmt: skip


def test_amounts_of_a_workbook_are_numbers_with_the_currency_s_decimals(
    console: Client, open_account: OpenAccount
) -> None:
    open_account("1234.50")
    open_account("1000", currency="JPY")
    sheet = sheet_of(download(console, "ledger_account", "xlsx"))
    position = [cell.value for cell in sheet[1]].index("balance")
    cells = [row[position] for row in sheet.iter_rows(min_row=2)]
    assert [(cell.value, cell.number_format) for cell in cells] == [(1000, "#,##0"), (1234.5, "#,##0.00")]


def test_what_is_filtered_is_what_is_exported(console: Client, open_account: OpenAccount) -> None:
    open_account("1")
    open_account("2", currency="EUR")
    header, *rows = rows_of(download(console, "ledger_account", currency="EUR"))
    assert [row[header.index("currency")] for row in rows] == ["EUR"]
    page = console.get(reverse("console:ledger_account_changelist"), {"currency": "EUR"}).content.decode()
    assert reverse("console:ledger_account_export_csv") + "?currency=EUR" in page


def test_bad_filter_goes_back_to_the_list(console: Client) -> None:
    answer = download(console, "ledger_account", pk__nonsense="x")
    assert answer.status_code in {302, 400}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_exported_as_text(console: Client, account: Account, agent: User, text: str) -> None:
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=account.modified, comment=text)
    header, row, *_ = rows_of(download(console, "ledger_action"))
    assert row[header.index("comment")] == guarded_text(text) != text
    sheet = sheet_of(download(console, "ledger_action", "xlsx"))
    assert {cell.data_type for line in sheet.iter_rows() for cell in line} & {"f", "e"} == set()


@pytest.mark.parametrize("text", ["=1", "'=1", "'", "plain", "", "''=1"])
def test_guard_of_a_text_is_taken_off_again(text: str) -> None:
    assert guarded_text(text).startswith("=") is False
    assert unguarded(guarded_text(text)) == text


def test_negative_amounts_stay_numbers(console: Client, account: Account, agent: User) -> None:
    Account.withdraw(uid=account.uid, amount=Decimal(30), by=agent, asof=account.modified)
    header, row, *_ = rows_of(download(console, "ledger_action"))
    assert row[header.index("delta")] == "-30.00"


def test_number_that_no_spreadsheet_keeps_is_text() -> None:
    file = io.BytesIO()
    write_xlsx(file, ["n"], [[number(Decimal("123456789012345.67"), 2)]])
    assert load_workbook(file).worksheets[0]["A2"].value == "123456789012345.67"


def test_characters_that_no_workbook_holds_are_replaced() -> None:
    file = io.BytesIO()
    write_xlsx(file, ["t"], [["a\x0bb"]])
    assert load_workbook(file).worksheets[0]["A2"].value == "a\N{REPLACEMENT CHARACTER}b"


def test_passwords_are_in_no_download(console: Client, account: Account) -> None:
    header, *rows = rows_of(download(console, "backoffice_user"))
    assert "password" not in header
    assert not any("$" in cell for row in rows for cell in row)


def test_longer_list_than_the_cap_is_refused_with_a_sentence(
    console: Client, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(exporting.CAPS, "csv", 1)
    open_account()
    open_account()
    answer = console.get(reverse("console:ledger_account_export_csv"), follow=True)
    assert "A CSV file holds 1 rows at most and this list is longer" in answer.content.decode()


def test_download_needs_the_right_to_view(client: Client, agent: User, account: Account) -> None:
    client.force_login(agent)
    assert download(client, "ledger_account").status_code == 403
    agent.user_permissions.set(Permission.objects.filter(codename="view_account"))
    assert rows_of(download(client, "ledger_account"))[0][0] == "uid"
    client.logout()
    assert download(client, "ledger_account").headers["Location"].startswith(reverse("console:login"))


@pytest.mark.parametrize("name", ["ledger_account", "ledger_action", "backoffice_user"])
def test_statements_of_a_download_do_not_grow_with_its_rows(
    console: Client, open_account: OpenAccount, name: str
) -> None:
    rows_of(download(console, name))  # fills the caches of content types and permissions
    counts = []
    for more in (3, 27):
        for _ in range(more):
            open_account("5")
        with CaptureQueriesContext(connection) as queries:
            assert len(rows_of(download(console, name))) > more
        counts.append([query["sql"] for query in queries])
    assert len(counts[0]) == len(counts[1]) <= 15, counts


@pytest.mark.parametrize("model", [Action, Account, Hold])
def test_values_and_instances_give_the_same_cells(account: Account, agent: User, admin: User, model: Any) -> None:
    Account.deposit(uid=account.uid, amount=Decimal(7), by=agent, asof=account.modified, comment="=1+1")
    Hold.place(uid=account.uid, amount=Decimal(3), by=agent, asof=account.modified)
    model_admin: Any = admin_site.get_model_admin(model)
    columns = {
        name: source for name, source in model_admin.export_columns(HttpRequest()).items() if source != "available"
    }
    queryset = model.objects.order_by("pk")
    slow = {**columns, "last": lambda row: None}  # a column that is no field: instances are made
    files = []
    for chosen in (columns, slow):
        file = io.BytesIO()
        assert (
            write_csv(file, [], (row[: len(columns)] for row in exporting.rows_of(queryset, chosen)))
            == queryset.count()
            > 0
        )
        files.append(file.getvalue())
    assert files[0] == files[1]


@pytest.mark.parametrize("rows", [3, 30])
def test_file_takes_the_same_statements_however_long(
    client: Client, admin: User, open_account: Any, django_assert_max_num_queries: Any, rows: int
) -> None:
    for _ in range(rows):
        open_account("1")
    client.force_login(admin)
    with django_assert_max_num_queries(16):
        body = client.get(reverse("console:ledger_action_export_csv")).getvalue()
    assert body.count(b"\n") == 2 * rows + 1
