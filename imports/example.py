"""The file to begin with: every column, one row to replace, and in a workbook a sheet of notes."""

from datetime import date
from decimal import Decimal
from functools import partial
from typing import IO

from backoffice.sheets import Number, write_csv, write_xlsx
from imports.deciding import MOST_ROWS
from imports.resource import TYPES
from imports.table import COLUMNS, HANDED_BACK
from ledger.choices import ReferenceType

ROW = (
    "00000000-0000-0000-0000-000000000000",
    "deposit",
    Number(Decimal("1234.50"), 2),
    date(2024, 1, 31),
    "bank_transfer",
    "RF18539007547034",
    "Refund of a double payment",
    "",
)
NOTES = (
    "account: the account's public id, from “Technical facts” on its page.",
    f"type: {' or '.join(TYPES)}.",
    "amount: more than zero, with a point and without thousands separators, in the account's currency.",
    "In CSV separated by semicolons an amount may have a decimal comma: 1234,50.",
    "asof: when it happened, 2024-01-31 or 2024-01-31T14:30; empty means now.",
    f"reference_type: {', '.join(ReferenceType.values)}; empty means none. Needed where there is a reference.",
    "reference: how the bank, the cheque or the invoice calls it. comment: the reason of the row. Both may be empty.",
    "key: a name of your own for the row. A row with a key is posted once, whatever file it comes in.",
    "Without keys the same file posts once; a changed file is another file and posts all its rows.",
    "account, type and amount are needed, the other columns may be left out.",
    f"{', '.join(HANDED_BACK)} are ignored: they are in the files of refused rows.",
    f"Up to {MOST_ROWS:,} rows. Rows are posted in the order of the file; formulas are refused.",
)


def write_example(file: IO[bytes], kind: str) -> None:
    """Write the file to begin with."""
    write = partial(write_xlsx, notes=NOTES) if kind == "xlsx" else write_csv
    write(file, COLUMNS, [ROW])
