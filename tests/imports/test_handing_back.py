"""Rows of another shape than the header: handed back in one cell, and refused as often as they are brought unmended."""

import csv
import io
from typing import Any

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from ledger.models import Account, Action
from tests.imports.conftest import Desk
from tests.imports.files import csv_of, xlsx_of

pytestmark = pytest.mark.django_db
COLUMNS = ("account", "type", "amount", "comment", "key")
ADDED = ("line", "code", "error")
MAKE = {"csv": csv_of, "xlsx": xlsx_of}


def refused(desk: Desk, content: bytes, kind: str) -> bytes:
    """Upload and confirm a file, and download what was refused."""
    upload = desk.post(content, f"postings.{kind}")
    return b"".join(desk.console.get(reverse("console:imports_import_refused", args=[upload.pk])))


def cells_of(content: bytes, kind: str) -> list[list[Any]]:
    if kind == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def unfilled(row: list[Any]) -> list[str]:
    """Return a row as text, without empty cells at its end."""
    text = ["" if cell is None else str(cell) for cell in row]
    while text and not text[-1]:
        text.pop()
    return text


def line_of(row: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("names", "count"),
    [(COLUMNS, n) for n in (1, 2, 3, 4, 6, 7, 8, 9)]
    + [((*COLUMNS, *ADDED), n) for n in (2, 5, 6, 9, 11)]
    + [(("line", *COLUMNS), n) for n in (3, 5, 8, 9)],
)
def test_row_of_another_shape_comes_back_in_one_cell_and_posts_nothing(
    desk: Desk, account: Account, kind: str, names: tuple[str, ...], count: int
) -> None:
    row = [str(account.uid), "deposit", "2", "500.50", *"bcdefghijklmnopq"][:count]
    content = refused(desk, csv_of(row, header=names), "csv")
    for _ in range(3):
        head, back = cells_of(content, "csv")
        assert (head, len(back)) == ([*COLUMNS, *ADDED], 8)
        assert (back[0], back[1:5]) == (line_of(row), [""] * 4)
        for emptied in range(4):  # what somebody may take for ours alone
            again = MAKE[kind](unfilled(back[: 8 - emptied]), header=head[: 8 - emptied])
            assert len(desk.errors(again, f"p.{kind}")) == 1
            desk.post(again, f"p.{kind}")
        content = refused(desk, csv_of(back, header=head), "csv")
    assert Action.objects.count() == 2


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_row_that_was_too_long_says_what_is_wrong_with_it(desk: Desk, account: Account, kind: str) -> None:
    row = [str(account.uid), "deposit", "2", "500.50", "wages", "T7"]
    _, back = cells_of(refused(desk, MAKE[kind](row, header=COLUMNS), kind), kind)
    said = "The row has 6 cells, the header 5. All of it stands in the cell of the account: put each part where it belongs."
    assert [back[0], *map(str, back[5:])] == [line_of(row), "2", "malformed_row", said]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_row_of_another_shape_is_posted_once_mended(desk: Desk, account: Account, kind: str) -> None:
    content = csv_of(
        (account.uid, "deposit", "2", "500.50", "wages", "T7"), (account.uid, "deposit", "7"), header=COLUMNS
    )
    names, long, short = cells_of(refused(desk, content, "csv"), "csv")
    long[:5] = [str(account.uid), "deposit", "2500.50", "wages", "T7"]
    short[:5] = [*short[0].split(","), "tips", ""]
    done = desk.post(MAKE[kind](long, short, header=names), f"p.{kind}")
    account.refresh_from_db()
    assert (done.posted, done.refused, account.balance) == (2, 0, 2607.5)


def test_rows_of_the_header_s_shape_come_back_as_ever_beside_others(desk: Desk, account: Account) -> None:
    fine = [str(account.uid), "deposit", "1.001", "=1+1", ""]
    content = csv_of(fine, [str(account.uid), "gift"], (account.uid, "deposit", "1", "", ""), header=COLUMNS)
    _, first, second = cells_of(refused(desk, content, "csv"), "csv")
    assert first[:6] == [*fine[:3], "'=1+1", "", "2"]
    assert (len(first), second[0]) == (8, f"{account.uid},gift")
    assert Action.objects.count() == 3
