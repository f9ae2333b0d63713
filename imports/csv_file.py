"""CSV, read as it streams: UTF-8 with or without a mark, separated by commas, semicolons or tabs.

Where a country's decimals follow a comma, its spreadsheets separate cells by semicolons. So of such a file, and of no other, an
amount may have a decimal comma, where that reads in one way only: three digits behind it may be thousands.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

from imports.table import COLUMNS, Table, checked_header, fitted, is_blank
from ledger.importing.source import BadFile

SEPARATORS = ",;\t"
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
SAVE_AS = "Save it as “CSV UTF-8”."
DECIMAL_COMMA = re.compile(r"(\s*-?[0-9]{1,40}),([0-9]{1,2}\s*)")
LONGEST_HEADER = 10_000  # characters; without it one endless line would be read whole


def read_csv(file: IO[bytes]) -> Table:
    """Return the table. Raises BadFile, now or while its rows are taken."""
    start = file.read(4)
    file.seek(0)
    if start in {ZIP, OLE}:
        raise BadFile("The file is a workbook and not CSV: name it .xlsx, or save it as CSV.")
    if start[:2] in UTF16:
        raise BadFile(f"The file is UTF-16 and not UTF-8 text. {SAVE_AS}")
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    with ExitStack() as stack:
        stack.callback(text.detach)  # the file stays the caller's, who closes it
        separator, columns = _header(text)
        stack.pop_all()
    rows = _rows(text, separator, len(columns))
    return Table(columns, _pointed(rows, columns) if separator == ";" else rows)


def _header(text: io.TextIOWrapper) -> tuple[str, list[str]]:
    """Return the separator and the names of the columns."""
    try:
        first = text.readline(LONGEST_HEADER)
    except UnicodeDecodeError:
        raise BadFile(f"The file is not UTF-8 text. {SAVE_AS}") from None
    _refuse_nul(first, 1)
    separator = _separator(first)
    return separator, checked_header(next(csv.reader([first], delimiter=separator), []))


def _separator(header: str) -> str:
    """Return the one that makes most columns of ours."""

    def known(separator: str) -> int:
        names = next(csv.reader([header], delimiter=separator), [])
        return sum(name.strip().casefold() in COLUMNS for name in names)

    return max(SEPARATORS, key=known)


def _rows(text: io.TextIOWrapper, separator: str, width: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, delimiter=separator, strict=True)
    line = 2
    with ExitStack() as stack:
        stack.callback(text.detach)
        while (cells := _next(reader, line)) is not None:
            if not is_blank(cells):
                for cell in cells:
                    _refuse_nul(cell, line)
                yield line, fitted(cells, width)
            line = reader.line_num + 2


def _pointed(rows: Iterator[tuple[int, list[str]]], columns: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Write amounts with a point, as all that reads them does; a row of another shape stays as it is."""
    amount = columns.index("amount")
    for line, cells in rows:
        if len(cells) == len(columns):
            found = DECIMAL_COMMA.fullmatch(cells[amount])
            cells[amount] = f"{found[1]}.{found[2]}" if found else cells[amount]
        yield line, cells


def _next(reader: Iterator[list[str]], line: int) -> list[str] | None:
    """Return the next row, or None behind the last."""
    try:
        return next(reader, None)
    except UnicodeDecodeError:
        raise BadFile(f"The file is not UTF-8 text: look at line {line} and after it. {SAVE_AS}") from None
    except csv.Error as error:
        raise BadFile(f"Line {line} cannot be read ({error}): look for a quote that is never closed.") from None


def _refuse_nul(text: str, line: int) -> None:
    if "\x00" in text:
        raise BadFile(f"Line {line} holds a NUL, which no text has; the file may be UTF-16. {SAVE_AS}")
