"""Files that cannot be used, and rows that cannot: a sentence each, and nothing posted."""

import io
import random
import zipfile
from datetime import datetime, time
from typing import Any

import pytest

from backoffice.grants import revoke
from backoffice.models import User
from imports import xlsx_file
from imports.deciding import MOST_ROWS
from imports.models import Import
from ledger.importing.source import BadFile
from ledger.models import Account, Action
from tests.imports.conftest import Desk
from tests.imports.files import HEADER, csv_of, xlsx_of

pytestmark = pytest.mark.django_db
COLUMNS = (
    "The columns are account, type, amount, asof, reference_type, reference, comment, key; the last 5 are optional."
)
SAVE_AS = "Save it as “CSV UTF-8”."
UID = "11111111-2222-3333-4444-555555555555"
GOOD = (UID, "deposit", "1", "", "", "", "", "")


def zip_of(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\n\n", "The file is empty: its first line must name the columns account, type, amount."),
        (b"account,type,amount\n", "The file has a header and no rows."),
        (b"account,type,amount\n\n , ,\n", "The file has a header and no rows."),
        (b"account,type,sum\n", f"The file lacks the column amount. The file has the unknown column sum. {COLUMNS}"),
        (b"type\n", f"The file lacks the columns account, amount. {COLUMNS}"),
        (b"account,type,amount,Amount\n", f"The file has the column amount more than once. {COLUMNS}"),
        (b"account,type,amount,,x\n", f"The file has the unknown columns (no name), x. {COLUMNS}"),
        (csv_of(GOOD, encoding="utf-16"), f"The file is UTF-16 and not UTF-8 text. {SAVE_AS}"),
        (csv_of(GOOD, encoding="utf-16-le"), f"Line 1 holds a NUL, which no text has; the file may be UTF-16. {SAVE_AS}"),
        (csv_of((UID, "deposit", "1", "", "", "", "P\0", "")), f"Line 2 holds a NUL, which no text has; the file may be UTF-16. {SAVE_AS}"),
        (csv_of((UID, "deposit", "1", "", "", "", "Café", ""), encoding="latin-1"), f"The file is not UTF-8 text. {SAVE_AS}"),
        (b"account,type,amount\n\"open,deposit,1\n", "Line 2 cannot be read (unexpected end of data): look for a quote that is never closed."),
        (xlsx_of(GOOD), "The file is a workbook and not CSV: name it .xlsx, or save it as CSV."),
        (csv_of(*[GOOD] * (MOST_ROWS + 1)), "The file has more than 2,000 rows, which are the most for one upload: split it."),
        (b"x" * (2 * 1024 * 1024 + 1), "The file has 2.0 MB, 2 MB are the most: split it."),
    ],
)  # fmt: skip
def test_csv_that_cannot_be_used_gets_a_sentence(desk: Desk, content: bytes, sentence: str) -> None:
    assert desk.error(content) == sentence
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (csv_of(GOOD), "The file is not an XLSX workbook. If it is CSV, name it .csv."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "The file is an old .xls workbook: save it as .xlsx."),
        (b"\xd0\xcf\x11\xe0" + bytes(99) + xlsx_file.ENCRYPTED, "The workbook is encrypted: save it without a password."),
        (zip_of(bomb=bytes(30 * 1024 * 1024)), "The workbook unpacks to more than 20 MB: keep only the rows to import, then save it."),
        (zip_of(**{f"part{n}": b"" for n in range(201)}), "The workbook unpacks to more than 20 MB: keep only the rows to import, then save it."),
        (zip_of(some=b"thing"), "The file is not an XLSX workbook. It is damaged (KeyError): save it again."),
        (zip_of(some=b"<!DOCTYPE lolz>"), "The file is not an XLSX workbook. It declares a document type, which no workbook does."),
        (xlsx_of(GOOD)[:900], "The file is not an XLSX workbook. It is damaged (BadZipFile): save it again."),
        (xlsx_of(header=()), "The file is empty: its first line must name the columns account, type, amount."),
        (xlsx_of(), "The file has a header and no rows."),
        (xlsx_of(header=("account", "type", 7)), f"The file lacks the column amount. The file has the unknown column 7. {COLUMNS}"),
        (xlsx_of(*[GOOD] * (MOST_ROWS + 1)), "The file has more than 2,000 rows, which are the most for one upload: split it."),
    ],
)  # fmt: skip
def test_workbook_that_cannot_be_used_gets_a_sentence(desk: Desk, content: bytes, sentence: str) -> None:
    assert desk.error(content, "postings.xlsx") == sentence
    assert not Action.objects.exists()


@pytest.mark.parametrize("name", ["postings.xls", "postings.txt", "postings"])
def test_file_of_another_kind_is_refused_by_its_name(desk: Desk, name: str) -> None:
    assert desk.error(csv_of(GOOD), name) == "Choose a file whose name ends in .csv or .xlsx."


def test_no_file_is_asked_for(desk: Desk) -> None:
    answer = desk.console.post("/console/imports/import/add/", {"how": "valid", "reason": "The bank sent it"})
    assert answer.context["form"].errors == {"file": ["Choose a file."]}


@pytest.mark.parametrize(
    ("column", "cell", "code", "sentence"),
    [
        ("account", "", "unknown_account", "The account is empty, which is no public id; copy it from the account's page."),
        ("account", "12", "unknown_account", "The account is “12”, which is no public id; copy it from the account's page."),
        ("account", UID, "unknown_account", f"There is no account {UID}."),
        ("type", "fee", "unknown_type", "The type is “fee”; it must be deposit or withdrawal."),
        ("type", "", "unknown_type", "The type is empty; it must be deposit or withdrawal."),
        ("amount", "", "invalid_amount", "The amount is empty: write it as a number, such as 1234.50."),
        ("amount", "1,234.50", "invalid_amount", "The amount is “1,234.50”: write it with a point and without thousands separators, such as 1234.50."),
        ("amount", "1 234.50", "invalid_amount", "The amount is “1 234.50”: write it with a point and without thousands separators, such as 1234.50."),
        ("amount", "1234,50", "invalid_amount", "The amount is “1234,50”: write it with a point and without thousands separators, such as 1234.50."),
        ("amount", "1e3", "invalid_amount", "The amount is “1e3”: write it as a number, such as 1234.50."),
        ("amount", "NaN", "invalid_amount", "The amount is “NaN”: write it as a number, such as 1234.50."),
        ("amount", "٣", "invalid_amount", "The amount is “٣”: write it as a number, such as 1234.50."),
        ("amount", "-5", "invalid_amount", "The amount is negative: it must be more than zero."),
        ("amount", "0", "invalid_amount", "The amount must be more than zero."),
        ("amount", "1.001", "invalid_amount", "CZK has 2 decimals, 1.001 has more."),
        ("amount", "9" * 40, "invalid_amount", "The amount is larger than any account can hold."),
        ("asof", "31.01.2024", "invalid_moment", "The asof is “31.01.2024”: write it as 2024-01-31 or 2024-01-31T14:30, or leave it empty for now."),
        ("asof", "2024-02-30", "invalid_moment", "The asof is “2024-02-30”: write it as 2024-01-31 or 2024-01-31T14:30, or leave it empty for now."),
        ("asof", "0001-01-01", "invalid_moment", "The account exists since 2024-01-01 00:00 only."),
        ("asof", "2999-01-01", "invalid_moment", "The business time is in the future."),
        ("reference_type", "pigeon", "invalid_reference", "The reference_type is “pigeon”; it must be one of none, bank_transfer, card, cash, cheque, invoice, other."),
        ("reference", "B-1", "invalid_reference", "Say what kind of reference it is."),
        ("comment", "x" * 501, "invalid_text", "The comment has 501 characters, 500 are the most."),
        ("key", "x" * 81, "invalid_text", "The key has 81 characters, 80 are the most."),
    ],
)  # fmt: skip
def test_bad_cell_gets_a_sentence_at_its_row(
    desk: Desk, account: Account, *, column: str, cell: str, code: str, sentence: str
) -> None:
    row = dict(zip(HEADER, (account.uid, "deposit", "1", "", "", "", "", ""), strict=True)) | {column: cell}
    assert desk.errors(csv_of(tuple(row.values()))) == {2: (code, sentence)}
    assert desk.errors(xlsx_of([str(cell) or None for cell in row.values()]), "postings.xlsx") == {2: (code, sentence)}
    assert Action.objects.count() == 2


def test_all_bad_cells_of_a_row_are_named_at_once(desk: Desk, account: Account) -> None:
    [(code, sentence)] = desk.errors(csv_of(("x", "fee", "1,0", "", "", "", "", ""))).values()
    assert code == "unknown_account"
    assert [word in sentence for word in ("“x”", "“fee”", "“1,0”")] == [True, True, True]


def test_key_twice_in_a_file_is_refused_the_second_time(desk: Desk, account: Account) -> None:
    row = (account.uid, "deposit", "1", "", "", "", "", "k")
    assert desk.errors(csv_of(row, row)) == {3: ("duplicate_key", "Line 2 has the same key: each row needs its own.")}


def test_row_of_another_shape_is_refused(desk: Desk, account: Account) -> None:
    content = csv_of(("a", "b"), (*GOOD, "", ""), (*GOOD, "more"))
    errors = desk.errors(content)
    assert errors[2] == ("malformed_row", "The row has 2 cells, the header 8.")
    assert errors[4] == ("malformed_row", "The row has 9 cells, the header 8.")
    assert errors[3][0] == "unknown_account"  # empty cells behind the last column do not count


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_byte_order_mark_are_understood(
    desk: Desk, account: Account, separator: str, encoding: str
) -> None:
    row = (account.uid, "Deposit", " 1.50 ", "", "", "", "Žluť, \nsecond line", "")
    done = desk.post(csv_of(row, separator=separator, encoding=encoding))
    assert (done.posted, account.actions.latest().comment) == (1, "Žluť, \nsecond line")


def test_blank_rows_are_left_out_and_counted_as_lines(desk: Desk, account: Account) -> None:
    good = (account.uid, "deposit", "1", "", "", "", "", "")
    blank = [""] * 8
    lines = [line.line for line, _ in desk.upload(csv_of(blank, good, [], good)).context["lines"]]
    assert lines == [3, 5]
    workbook = xlsx_of([], [str(cell) or None for cell in good], [None], [str(cell) or None for cell in good])
    assert [line.line for line, _ in desk.upload(workbook, "p.xlsx").context["lines"]] == [3, 5]


@pytest.mark.parametrize(
    ("amount", "after"), [(1234.5, "CZK 1,334.50"), (7, "CZK 107.00"), (0.07, "CZK 100.07"), ("12.30", "CZK 112.30")]
)
def test_numbers_of_a_workbook_are_exact(desk: Desk, account: Account, amount: Any, after: str) -> None:
    [(line, _)] = desk.upload(xlsx_of((str(account.uid), "deposit", amount)), "p.xlsx").context["lines"]
    assert (line.after, line.error) == (after, "")


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (("=1+1",), "The amount holds a formula: replace it by its value."),
        (("#N/A",), "The amount holds the error #N/A."),
        ((True,), "The amount is “True”: write it as a number, such as 1234.50."),
        ((1, 45000), "The asof is “45000”: write it as 2024-01-31 or 2024-01-31T14:30, or leave it empty for now."),
        (
            (1, time(10, 0)),
            "The asof is “10:00:00”: write it as 2024-01-31 or 2024-01-31T14:30, or leave it empty for now.",
        ),
        ((1, "=NOW()"), "The asof holds a formula: replace it by its value."),
    ],
)
def test_cells_that_a_workbook_gets_wrong_are_refused(desk: Desk, account: Account, cells: Any, sentence: str) -> None:
    [(_, said)] = desk.errors(xlsx_of((str(account.uid), "deposit", *cells)), "p.xlsx").values()
    assert said == sentence


def test_sum_of_binary_floats_is_refused_by_the_decimals_of_the_currency(desk: Desk, account: Account) -> None:
    content = xlsx_of((str(account.uid), "deposit", 0.25))
    archive = zipfile.ZipFile(io.BytesIO(content))
    parts = {part: archive.read(part) for part in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b">0.25<", b">0.30000000000000004<")  # as Excel writes 0.1 + 0.2
    [(_, said)] = desk.errors(zip_of(**parts), "p.xlsx").values()
    assert said == "CZK has 2 decimals, 0.30000000000000004 has more."


def test_date_cell_of_a_workbook_is_a_moment_of_the_site(desk: Desk, account: Account) -> None:
    desk.post(xlsx_of((str(account.uid), "deposit", 1, datetime(2024, 7, 1, 12, 0))), "p.xlsx")  # noqa: DTZ001  a workbook knows no zones
    assert account.actions.latest().created.isoformat() == "2024-07-01T10:00:00+00:00"


def test_damaged_workbooks_never_fail_otherwise() -> None:
    good, dice = xlsx_of(GOOD), random.Random(7)  # noqa: S311  not for secrets
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        try:
            list(xlsx_file.read_xlsx(io.BytesIO(bytes(bad))).rows)
        except BadFile:
            continue


def test_cell_far_down_and_far_right_costs_nothing(desk: Desk) -> None:
    from openpyxl import Workbook  # noqa: PLC0415

    book, file = Workbook(), io.BytesIO()
    sheet: Any = book.active
    for number, name in enumerate(HEADER, start=1):
        sheet.cell(1, number, name)
    sheet.cell(1_048_576, 16_384, "x")
    book.save(file)
    assert desk.error(file.getvalue(), "p.xlsx") == "The file has a header and no rows."


def test_nothing_is_kept_of_a_file_that_cannot_be_read(desk: Desk) -> None:
    desk.error(zip_of(some=b"thing"), "p.xlsx")
    assert [(item.state, bytes(item.content)) for item in Import.objects.all()] == [("unreadable", b"")]


def test_row_that_is_no_posting_is_told_with_its_customer(desk: Desk, account: Account) -> None:
    uid = str(account.uid)
    rows = [
        (uid, "gift", "1"),
        (uid, "deposit", "much"),
        (uid, "deposit", "1", "", "", "", "", "k" * 99),
        ("x", "deposit", "1"),
    ]
    preview = desk.upload(csv_of(*(row + ("",) * (8 - len(row)) for row in rows)))
    assert [whose for _, whose in preview.context["lines"]] == [account, account, account, None]
    assert preview.content.decode().count(f'<th scope="row">{account}</th>') == 3


def test_customer_of_a_row_is_not_told_to_who_may_not_see_the_account(
    desk: Desk, account: Account, importer: User
) -> None:
    revoke(importer, account.entity)
    preview = desk.upload(csv_of((str(account.uid), "gift", "1", "", "", "", "", "")))
    assert [whose for _, whose in preview.context["lines"]] == [None]
    assert account.user.last_name not in preview.content.decode()
