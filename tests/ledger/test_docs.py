"""docs/ledger.md says what the code does."""

import ast
import re
from pathlib import Path

from ledger import errors
from ledger.choices import ActionType, Status
from ledger.rules import ALLOWED

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/ledger.md").read_text()
SEVERAL = (errors.InvalidAmount, errors.InvalidMoment, errors.InvalidText)  # whose causes are told apart by `why`


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


def test_every_cause_of_an_error_with_several_is_named_and_told() -> None:
    told = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in section("Errors")}
    codes = {error.__name__: error.code for error in SEVERAL}
    found: dict[str, set[str]] = {}
    for path in (ROOT / "ledger").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func).rpartition(".")[2]) in codes:
                causes = [keyword.value for keyword in node.keywords if keyword.arg == "why"]
                assert causes, f"{path}:{node.lineno} names no cause."
                found.setdefault(codes[name], set()).update(
                    str(why.value) for why in causes if isinstance(why, ast.Constant)
                )
    assert {code for code, named in found.items() if not named <= told[code]} == set()
