"""Separated text with a header: rows by the names of their columns, each with its line.

A row is a line: a quote that is never closed costs that line and not the rest of the file.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ledger.importing.source import BadFile

SEPARATOR = ";"
HEADER_LINE = 1

Cells = tuple[str, ...]


def table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Cells | None]]:
    """Give line and cells of every row, in the order of `columns`; no cells where the row has not the header's shape.

    Raises:
        BadFile: the file is missing, is no UTF-8 text, or lacks a column.
    """
    line = HEADER_LINE
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = _header(file, path, columns)
            wanted = [header.index(column) for column in columns]
            for line, text in enumerate(file, start=HEADER_LINE + 1):
                if text.strip():
                    cells = _cells(text)
                    yield line, _picked(cells, wanted) if cells and len(cells) == len(header) else None
    except UnicodeDecodeError:
        raise BadFile(f"{path} is not UTF-8 text: look after line {line}.") from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from None


def records(path: Path, columns: tuple[str, ...]) -> Iterator[Cells]:
    """Give the rows of a file in which every row must have its shape.

    Raises:
        BadFile: as in `table`, or a row has another number of columns.
    """
    for line, cells in table(path, columns):
        if cells is None:
            raise BadFile(f"{path}, line {line}: the row has not the columns of the header.")
        yield cells


def _header(file: TextIO, path: Path, columns: tuple[str, ...]) -> list[str]:
    header = _cells(file.readline()) or []
    if missing := [column for column in columns if column not in header]:
        raise BadFile(
            f"{path} lacks the column {', '.join(missing)}: its first line must name {SEPARATOR.join(columns)}."
        )
    return header


def _picked(cells: list[str], wanted: list[int]) -> Cells:
    return tuple([cells[position] for position in wanted])


def _cells(text: str) -> list[str] | None:
    try:
        return next(csv.reader((text,), delimiter=SEPARATOR, strict=True), None)
    except csv.Error:
        return None
