"""docs/ledger.md says what the code does."""

import re
from pathlib import Path

from ledger import errors
from ledger.choices import ActionType, Status
from ledger.rules import ALLOWED

TEXT = (Path(__file__).resolve().parents[2] / "docs/ledger.md").read_text()


def section(title: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    body = TEXT.partition(f"## {title}")[2].partition("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_table_of_what_each_status_allows_is_the_code() -> None:
    written = {row[0]: row[1:] for row in section("What each status allows")}
    expected = {
        kind: ["yes" if kind in ALLOWED[status] else "no" for status in (Status.OPEN, Status.FROZEN, Status.CLOSED)]
        for kind in ActionType
        if kind != ActionType.CREATED
    }
    assert written == expected


def test_table_of_errors_is_the_code() -> None:
    written = {code for row in section("Errors") for code in re.findall(r"`(\w+)`", row[0])}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LedgerError)]
    assert written == {kind.code for kind in kinds}
