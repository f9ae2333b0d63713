"""Rows of another shape than the header: handed back whole, and refused as often as they are brought unmended."""

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
MEND = "Mend the row, then empty this cell."
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


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_row_with_a_cell_too_many_comes_back_whole_and_posts_nothing(desk: Desk, account: Account, kind: str) -> None:
    row = [str(account.uid), "deposit", "2", "500.50", "wages", "T7"]
    content = MAKE[kind](row, header=COLUMNS)
    for cells, header in ((6, 5), (9, 8), (9, 8)):
        content = refused(desk, content, kind)
        sentence = f"The row has {cells} cells, the header {header}."
        names, back = cells_of(content, kind)
        assert (unfilled(names), unfilled(back)) == ([*COLUMNS, *ADDED], [*row, "2", "malformed_row", sentence])
        assert desk.errors(content, f"p.{kind}") == {2: ("malformed_row", "The row has 9 cells, the header 8.")}
    assert Action.objects.count() == 2


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_row_with_cells_missing_comes_back_with_one_to_empty_and_posts_nothing(
    desk: Desk, account: Account, count: int
) -> None:
    row = [str(account.uid), "deposit", "2", "wages"][:count]
    content = csv_of(row, header=COLUMNS)
    for cells, header in ((count, 5), (9, 8), (9, 8)):
        content = refused(desk, content, "csv")
        sentence = f"The row has {cells} cells, the header {header}."
        assert cells_of(content, "csv")[1] == [*row, *[""] * (5 - count), "2", "malformed_row", sentence, MEND]
        assert list(desk.errors(content)) == [2]
    assert Action.objects.count() == 2


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("names", "count"),
    [((*COLUMNS, *ADDED), n) for n in (2, 5, 6, 9, 11)] + [(("line", *COLUMNS), n) for n in (3, 5, 8, 9)],
)
def test_no_number_of_cells_fits_by_chance(
    desk: Desk, account: Account, kind: str, names: tuple[str, ...], count: int
) -> None:
    row = [str(account.uid), "deposit", "2", *"abcdefghijklmnopq"][:count]
    content = csv_of(row, header=names)
    for _ in range(3):
        table = cells_of(refused(desk, content, "csv"), "csv")
        widest = max(map(len, table))  # as a spreadsheet saves it
        content = MAKE[kind](*(line + [""] * (widest - len(line)) for line in table[1:]), header=table[0])
        [(code, _)] = desk.errors(content, f"p.{kind}").values()
        assert (code, table[1][:count]) == ("malformed_row", row)
        if kind == "xlsx":
            content = refused(desk, content, kind)
            [(code, _)] = desk.errors(content, "p.xlsx").values()
            assert code == "malformed_row"
            assert unfilled(cells_of(content, kind)[1])[:count] == row
            content = csv_of(*map(unfilled, cells_of(content, kind)[1:]), header=unfilled(cells_of(content, kind)[0]))
    assert Action.objects.count() == 2


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_row_of_another_shape_is_posted_once_mended(desk: Desk, account: Account, kind: str) -> None:
    content = csv_of(
        (account.uid, "deposit", "2", "500.50", "wages", "T7"), (account.uid, "deposit", "7"), header=COLUMNS
    )
    names, long, short = cells_of(refused(desk, content, "csv"), "csv")
    long[2:4] = ["2500.50"]
    short[3:5] = ["tips", ""]
    assert short.pop() == MEND
    done = desk.post(MAKE[kind](long, short, header=names), f"p.{kind}")
    account.refresh_from_db()
    assert (done.posted, done.refused, account.balance) == (2, 0, 2607.5)


def test_rows_of_the_header_s_shape_come_back_as_ever_beside_others(desk: Desk, account: Account) -> None:
    fine = [str(account.uid), "deposit", "1.001", "=1+1", ""]
    content = csv_of(fine, [str(account.uid), "gift"], (account.uid, "deposit", "1", "", ""), header=COLUMNS)
    _, first, second = cells_of(refused(desk, content, "csv"), "csv")
    assert first[:6] == [*fine[:3], "'=1+1", "", "2"]
    assert (len(first), len(second)) == (8, 9)
    assert Action.objects.count() == 3
