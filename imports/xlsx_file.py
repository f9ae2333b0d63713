"""XLSX, read with openpyxl from its first sheet, row by row.

Invariants:
- Nothing is unpacked before the sizes that the archive declares are found small enough (zipfile gives no more than it
  declares), so a small upload cannot fill the memory.
- A row may say that it is row one billion, and those before it are read as blank: reading ends at MOST_LINES, the most that
  a spreadsheet has.
- A formula is never taken for its value, cached or not: the row that holds one is refused. That is why the workbook is
  read with its formulas (`data_only=False`) and not with the values that some program once computed for them.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from struct import error as StructError  # noqa: N812  it is one
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.cell.read_only import EMPTY_CELL
from openpyxl.utils.exceptions import InvalidFileException

from imports.table import Table, Unusable, checked_header, fitted, is_blank
from ledger.importing.source import BadFile

MOST_UNPACKED = 20 * 1024 * 1024  # bytes; 2,000 rows need less than one million
MOST_PARTS = 200
MOST_LINES = 2**20  # of the sheet, blank ones too
WIDEST = 50  # columns that are looked at
OLE = b"\xd0\xcf\x11\xe0"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
NO_WORKBOOK = "The file is not an XLSX workbook."
# What zipfile, the XML parser and openpyxl raise on a damaged workbook.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, SyntaxError, KeyError, IndexError, ValueError, TypeError,
    AttributeError, EOFError, OverflowError, NotImplementedError, StructError, AssertionError, OSError,
)  # fmt: skip


def read_xlsx(file: IO[bytes]) -> Table:
    """Return the table of the first sheet. Raises BadFile, now or while its rows are taken."""
    content = file.read()
    _refuse_other_kinds(content)
    try:
        _refuse_bombs(content)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        if not book.worksheets:
            raise BadFile("The workbook has no sheet of rows.")
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what it declares of its size need not be true
        lines = _lines(sheet)
        columns = checked_header([_header(cell) for cell in next(lines, (1, []))[1]])
    except DAMAGED as error:
        raise BadFile(f"{NO_WORKBOOK} It is damaged ({type(error).__name__}): save it again.") from None
    return Table(columns, _rows(lines, len(columns)))


def _refuse_other_kinds(content: bytes) -> None:
    if content.startswith(OLE):
        if ENCRYPTED in content:
            raise BadFile("The workbook is encrypted: save it without a password.")
        raise BadFile("The file is an old .xls workbook: save it as .xlsx.")
    if not content.startswith(b"PK"):
        raise BadFile(f"{NO_WORKBOOK} If it is CSV, name it .csv.")


def _refuse_bombs(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise BadFile("The workbook is encrypted: save it without a password.")
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            most = MOST_UNPACKED // 1024 // 1024
            raise BadFile(f"The workbook unpacks to more than {most} MB: keep only the rows to import, then save it.")
        for part in parts:
            data = archive.read(part)
            if any("<!DOCTYPE".encode(code) in data for code in ("ascii", "utf-16-le", "utf-16-be")):
                raise BadFile(f"{NO_WORKBOOK} It declares a document type, which no workbook does.")


def _lines(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for line, cells in enumerate(sheet.iter_rows(max_col=WIDEST), start=1):
        if line > MOST_LINES:
            raise BadFile(f"{NO_WORKBOOK} It goes on below line {MOST_LINES:,}, which no workbook does.")
        yield line, [] if all(cell is EMPTY_CELL for cell in cells) else [_value(cell) for cell in cells]


def _value(cell: Any) -> Any:
    kind = getattr(cell, "data_type", "n")
    if kind == "f":
        return Unusable("holds a formula: replace it by its value", str(cell.value))
    if kind == "e":
        return Unusable(f"holds the error {cell.value}", str(cell.value))
    return cell.value


def _header(cell: Any) -> Any:
    return cell.text if isinstance(cell, Unusable) else cell


def _rows(lines: Iterator[tuple[int, list[Any]]], width: int) -> Iterator[tuple[int, list[Any]]]:
    try:
        for line, cells in lines:
            if not is_blank(cells):
                yield line, fitted(cells, width)
    except DAMAGED as error:
        raise BadFile(f"{NO_WORKBOOK} It is damaged ({type(error).__name__}): save it again.") from None
