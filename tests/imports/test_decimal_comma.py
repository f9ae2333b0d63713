"""Amounts with a decimal comma: in files separated by semicolons, and where they read in one way only."""

import csv
import io

import pytest
from django.urls import reverse

from ledger.models import Account, Action
from tests.imports.conftest import Desk
from tests.imports.files import csv_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("amount", "change"),
    [("10,00", "CZK 10.00"), (" 1234,5 ", "CZK 1,234.50"), ("0,07", "CZK 0.07"), ("12.30", "CZK 12.30"), ("7", "CZK 7.00")],
)  # fmt: skip
def test_decimal_comma_is_read_in_a_file_separated_by_semicolons(
    desk: Desk, account: Account, amount: str, change: str
) -> None:
    content = csv_of((account.uid, "deposit", amount, "", "", "", "Tips, 10,00", ""), separator=";")
    [(line, _)] = desk.upload(content).context["lines"]
    assert (line.change, line.comment, line.error) == (change, "Tips, 10,00", "")


@pytest.mark.parametrize("separator", [",", "\t"])
def test_decimal_comma_is_refused_in_other_files(desk: Desk, account: Account, separator: str) -> None:
    content = csv_of((account.uid, "deposit", "10,00", "", "", "", "", ""), separator=separator)
    assert desk.errors(content)[2][0] == "invalid_amount"


@pytest.mark.parametrize(
    "amount",
    [
        "1,234",
        "10,000",
        "1234,500",
        "1,234.50",
        "1.234,50",
        "1 234,50",
        "1,00,00",
        "10,",
        ",50",
        "-5,00",
        "0,00",
        "٣,00",
    ],
)
def test_what_can_be_read_otherwise_is_refused_there_too(desk: Desk, account: Account, amount: str) -> None:
    content = csv_of((account.uid, "deposit", amount, "", "", "", "", ""), separator=";")
    assert desk.errors(content)[2][0] == "invalid_amount"


def test_refused_row_with_a_decimal_comma_comes_back_to_be_brought_again(desk: Desk, account: Account) -> None:
    rows = [
        (account.uid, "withdrawal", "150,50", "", "", "", "", ""),
        (account.uid, "deposit", "60,00", "", "", "", "", ""),
    ]
    done = desk.post(csv_of(*rows, separator=";"))
    back = b"".join(desk.console.get(reverse("console:imports_import_refused", args=[done.pk])))
    assert list(csv.reader(io.StringIO(back.decode("utf-8-sig"))))[1][2] == "150.50"
    again = desk.post(back)
    account.refresh_from_db()
    assert (again.posted, account.balance) == (1, 9.5)


def test_row_of_another_shape_in_such_a_file_posts_nothing_however_often_it_comes(desk: Desk, account: Account) -> None:
    content = csv_of(
        (account.uid, "deposit", "2", "500,50", "T7"),
        (account.uid, "deposit", "2,50"),
        header=("account", "type", "amount", "key"),
        separator=";",
    )
    for _ in range(3):
        done = desk.post(content)
        content = b"".join(desk.console.get(reverse("console:imports_import_refused", args=[done.pk])))
        assert [code for code, _ in desk.errors(content).values()] == ["unknown_account"] * 2
    assert Action.objects.count() == 2
