"""What CSV and XLSX have in common: a header that is checked, and rows of cells with their lines.

A fault of the file raises `BadFile` wherever it is found, so nothing is posted of a file that cannot be read to its end.
Blank rows are left out and counted as lines.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.importing.source import BadFile

REQUIRED = ("account", "type", "amount")
OPTIONAL = ("asof", "reference_type", "reference", "comment", "key")
COLUMNS = (*REQUIRED, *OPTIONAL)
HANDED_BACK = ("line", "code", "error")  # added to rows that are handed back; ignored when they come again
SHOWN = 40  # characters of a strange column's name in a sentence


class Unusable(NamedTuple):
    """A cell whose value must not be used; `why` goes on with the name of its column."""

    why: str
    text: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Table:
    """The columns as the file orders them, and its rows: line and cells.

    A row has more or fewer cells than there are columns where it has another shape.
    """

    columns: list[str]
    rows: Iterator[tuple[int, list[Any]]]

    def limited(self, most: int) -> "Table":
        """Return the table, which raises BadFile behind the row number `most`."""
        return Table(self.columns, _limited(self.rows, most))


def _limited(rows: Iterator[tuple[int, list[Any]]], most: int) -> Iterator[tuple[int, list[Any]]]:
    for count, row in enumerate(rows, start=1):
        if count > most:
            raise BadFile(f"The file has more than {most:,} rows, which are the most for one upload: split it.")
        yield row


def checked_header(cells: Sequence[Any]) -> list[str]:
    """Return the names of the columns. Raises BadFile with everything that is wrong with them."""
    names = [str("" if cell is None else cell).strip().casefold() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise BadFile(f"The file is empty: its first line must name the columns {', '.join(REQUIRED)}.")
    faults = [*_missing(names), *_unknown(names), *_repeated(names)]
    if faults:
        raise BadFile(
            f"{' '.join(faults)} The columns are {', '.join(COLUMNS)}; the last {len(OPTIONAL)} are optional."
        )
    return names


def _missing(names: list[str]) -> list[str]:
    missing = [name for name in REQUIRED if name not in names]
    return [f"The file lacks the column{_s(missing)} {', '.join(missing)}."] if missing else []


def _unknown(names: list[str]) -> list[str]:
    unknown = [name[:SHOWN] or "(no name)" for name in names if name not in (*COLUMNS, *HANDED_BACK)]
    return [f"The file has the unknown column{_s(unknown)} {', '.join(unknown[:5])}."] if unknown else []


def _repeated(names: list[str]) -> list[str]:
    repeated = [name for name, times in Counter(names).items() if times > 1 and name]
    return [f"The file has the column{_s(repeated)} {', '.join(repeated[:5])} more than once."] if repeated else []


def _s(words: list[str]) -> str:
    return "s" if len(words) > 1 else ""


def is_blank(cells: Sequence[Any]) -> bool:
    """Say whether a row holds nothing."""
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def fitted(cells: list[Any], width: int) -> list[Any]:
    """Return the cells without the empty ones behind the last column, which spreadsheets like to add."""
    while len(cells) > width and is_blank(cells[-1:]):
        cells = cells[:-1]
    return cells
