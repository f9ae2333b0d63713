"""The rows that were refused, as a table to mend and bring again: as they came, with line, code and error added.

Invariant: a row with another number of cells than the header says nothing of which cell stands in which column. It comes back
with all that it was in the cell of its account, where that is no account: nothing of it is posted, however often it is brought
and whatever else of it is emptied, until somebody has put each part where it belongs.
"""

import csv
import io
from collections.abc import Sequence
from typing import Any

from imports.deciding import table_of
from imports.models import Import
from imports.results import Result
from imports.table import HANDED_BACK

MEND = "All of it stands in the cell of the account: put each part where it belongs."


def handed_back(upload: Import, results: Sequence[Result]) -> tuple[list[str], list[list[Any]]]:
    """Return header and rows of what was refused. Raises BadFile."""
    refused = {result.line: result for result in results if result.error}
    table = table_of(upload)
    own = [position for position, name in enumerate(table.columns) if name not in HANDED_BACK]
    names = [table.columns[position] for position in own]
    rows = []
    for line, cells in table.rows:
        if not (result := refused.get(line)):
            continue
        if len(cells) == len(table.columns):
            rows.append([*(cells[position] for position in own), line, result.code, result.error])
        else:
            rows.append([*_in_one_cell(cells, names), line, result.code, f"{result.error} {MEND}"])
    return [*names, *HANDED_BACK], rows


def _in_one_cell(cells: Sequence[Any], names: Sequence[str]) -> list[str | None]:
    """Return a row of these columns of which the account is all that came, as a line of CSV."""
    whole = io.StringIO()
    csv.writer(whole, lineterminator="").writerow("" if cell is None else str(cell) for cell in cells)
    return [whole.getvalue() if name == "account" else None for name in names]
