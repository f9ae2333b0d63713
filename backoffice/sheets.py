"""Tables as files that people open in a spreadsheet: CSV and XLSX, numbers as numbers, no text that runs as a formula.

Invariants:
- A text that a spreadsheet would take for a formula gets an apostrophe in front; `unguarded` takes it off again, so a file
  of ours can come back as it was.
- Rows are written as they come: nothing but the file itself grows with their number.
- A number with more digits than a spreadsheet keeps is written as text rather than rounded.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, NamedTuple

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
APOSTROPHE = "'"
TELLING = frozenset((*FORMULA_STARTS, APOSTROPHE))  # first characters of texts that have to be looked at
EXACT_DIGITS = 15  # of a spreadsheet's numbers
Row = Sequence[Any]


class Number(NamedTuple):
    """A decimal and how many places it is written with."""

    value: Decimal
    places: int

    def __str__(self) -> str:
        return f"{self.value:.{self.places}f}"


def number(value: Decimal, places: int = 0) -> Number:
    """Return a decimal with at least `places` decimals, more where it has them: an export never rounds."""
    exponent = value.normalize().as_tuple().exponent
    return Number(value, max(places, -exponent if isinstance(exponent, int) else 0))


def guarded_text(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    if text[:1] not in TELLING:
        return text
    return APOSTROPHE + text if text.lstrip(APOSTROPHE).startswith(FORMULA_STARTS) else text


def unguarded(text: str) -> str:
    """Return what `guarded_text` was given."""
    return text[1:] if text.startswith(APOSTROPHE) and text.lstrip(APOSTROPHE).startswith(FORMULA_STARTS) else text


def write_csv(file: IO[bytes], header: Row, rows: Iterable[Row]) -> int:
    """Write UTF-8 with a byte order mark, without which Excel takes it for another encoding; return how many rows."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer, count = csv.writer(text), 0
    writer.writerow(header)
    for row in rows:
        writer.writerow([_as_text(value) for value in row])
        count += 1
    text.detach()
    return count


def _as_text(value: Any) -> str:
    return TEXTS.get(type(value), _other_text)(value)


def _other_text(value: Any) -> str:
    kind = next((kind for kind in TEXTS if isinstance(value, kind)), None)
    return TEXTS[kind](value) if kind else guarded_text(str(value))


# By type, as a file has a million cells; bool before int, of which it is one.
TEXTS: dict[type[Any], Callable[[Any], str]] = {
    str: guarded_text,
    type(None): lambda _: "",
    Number: str,
    bool: lambda value: str(value).lower(),
    int: str,
    float: str,
    Decimal: str,
    datetime: lambda value: (timezone.localtime(value) if timezone.is_aware(value) else value).isoformat(),
    date: date.isoformat,
}


def write_xlsx(file: IO[bytes], header: Row, rows: Iterable[Row], notes: Sequence[str] = ()) -> int:
    """Write a workbook of one sheet, and a second one of notes if there are any; return how many rows."""
    book, count = Workbook(write_only=True), 0
    sheet = book.create_sheet("rows")
    sheet.freeze_panes = "A2"
    sheet.append(header)
    for row in rows:
        sheet.append([_as_cell(sheet, value) for value in row])
        count += 1
    if notes:
        about = book.create_sheet("notes")
        for note in notes:
            about.append([note])
    book.save(file)
    return count


def _as_cell(sheet: Any, value: Any) -> Any:
    """Return what openpyxl writes: a bare value where its type says it all, else a cell."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Number):
        return _number_cell(sheet, value)
    if isinstance(value, datetime):
        naive = timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
        return _formatted(sheet, naive, "yyyy-mm-dd hh:mm:ss")
    if isinstance(value, date):
        return _formatted(sheet, value, "yyyy-mm-dd")
    if isinstance(value, float | Decimal):
        return value
    return _text_cell(sheet, str(value))


def _number_cell(sheet: Any, number: Number) -> Any:
    if len(number.value.normalize().as_tuple().digits) > EXACT_DIGITS:
        return _text_cell(sheet, str(number), guard=False)
    return _formatted(sheet, number.value, "#,##0" + (f".{'0' * number.places}" if number.places else ""))


def _formatted(sheet: Any, value: Any, number_format: str) -> Any:
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = number_format
    return cell


def _text_cell(sheet: Any, text: str, *, guard: bool = True) -> Any:
    text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)
    cell = WriteOnlyCell(sheet, guarded_text(text) if guard else text)
    cell.data_type = "s"  # whatever it looks like
    return cell


class SheetFormat(NamedTuple):
    """A kind of file."""

    name: str
    label: str
    content_type: str
    write: Callable[[IO[bytes], Row, Iterable[Row]], int]


FORMATS = {
    kind.name: kind
    for kind in (
        SheetFormat("csv", "CSV", "text/csv; charset=utf-8", write_csv),
        SheetFormat("xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
    )
}
