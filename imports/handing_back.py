"""The rows that were refused, as a table to mend and bring again: as they came, with line, code and error added.

Invariant: a row with another number of cells than the header says nothing of which cell stands in which column. It comes back
with all of its cells and always with more than the header has, the last of them filled: brought again unmended it is refused
again, however often, and also where a spreadsheet has filled shorter rows up with empty cells.
"""

import re
from collections.abc import Sequence
from typing import Any

from imports.deciding import table_of
from imports.models import Import
from imports.results import Result
from imports.source import MALFORMED, another_shape
from imports.table import HANDED_BACK

MEND = "Mend the row, then empty this cell."
SAID = re.compile(another_shape(r"\d+", r"\d+").replace(".", r"\."))  # what an earlier round said


def handed_back(upload: Import, results: Sequence[Result]) -> tuple[list[str], list[list[Any]]]:
    """Return header and rows of what was refused. Raises BadFile."""
    refused = {result.line: result for result in results if result.error}
    table = table_of(upload)
    own = [position for position, name in enumerate(table.columns) if name not in HANDED_BACK]
    rows = []
    for line, cells in table.rows:
        if result := refused.get(line):
            why = [line, result.code, result.error]
            fits = len(cells) == len(table.columns)
            rows.append([*(cells[position] for position in own), *why] if fits else _whole(cells, len(own), why))
    return [*(table.columns[position] for position in own), *HANDED_BACK], rows


def _whole(cells: list[Any], width: int, why: list[Any]) -> list[Any]:
    """Return a row of another shape, too long for a header of `width` columns and those that are added."""
    cells = _as_it_came(cells)
    if len(cells) > width:
        return [*cells, *why]
    return [*cells, *[None] * (width - len(cells)), *why, MEND]


def _as_it_came(cells: list[Any]) -> list[Any]:
    """Return the row without what an earlier round put behind it."""
    row = cells[:-1] if cells[-1] == MEND else cells
    ours = len(row) > len(HANDED_BACK) and row[-2] == MALFORMED and SAID.fullmatch(str(row[-1]))
    return row[: -len(HANDED_BACK)] if ours else cells
