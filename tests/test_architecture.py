"""What import-linter cannot say: the ledger's own modules know neither HTTP nor forms nor the admin."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = sorted([*(ROOT / "ledger").glob("*.py"), *(ROOT / "ledger/models").glob("*.py")])
FRAMES = ("django.http", "django.forms", "django.contrib.admin", "django.views", "django.shortcuts")


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: str(path.relative_to(ROOT)))
def test_domain_knows_no_frame_around_it(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
    assert not [name for name in imported if name.startswith(FRAMES)]
