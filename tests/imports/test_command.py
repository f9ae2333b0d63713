"""`import_postings --format csv`: the console's file from the command line."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from ledger.models import Account
from tests.imports.conftest import Desk
from tests.imports.files import csv_of
from tests.scope import call_command

pytestmark = pytest.mark.django_db


def run(path: Path, content: bytes) -> Any:
    path.write_bytes(content)
    out = StringIO()
    call_command("import_postings", path, "--format", "csv", "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_command_posts_the_file_of_the_console_once(tmp_path: Path, account: Account) -> None:
    content = csv_of(
        (account.uid, "deposit", "10", "", "", "", "", ""),
        (account.uid, "withdrawal", "1000", "", "", "", "", "big"),
        ("nobody", "deposit", "1", "", "", "", "", ""),
        separator=";",
    )
    first, again = (run(tmp_path / "postings.csv", content) for _ in range(2))
    account.refresh_from_db()
    refused = [(row["line"], row["code"]) for row in first["refused"]]
    assert (first["accepted"], first["already_posted"], refused) == (
        1, 0, [(3, "insufficient_funds"), (4, "unknown_account")],
    )  # fmt: skip
    assert (again["accepted"], again["already_posted"], again["refused"]) == (0, 1, first["refused"])
    assert account.balance == 110


def test_command_and_console_know_each_others_files(tmp_path: Path, account: Account, desk: Desk) -> None:
    content = csv_of((account.uid, "deposit", "10", "", "", "", "", ""))
    desk.post(content)
    assert run(tmp_path / "postings.csv", content)["already_posted"] == 1


def test_command_tries_a_mended_file_again_under_its_key(tmp_path: Path, account: Account) -> None:
    run(tmp_path / "postings.csv", csv_of((account.uid, "withdrawal", "1000", "", "", "", "", "k")))
    assert (
        run(tmp_path / "postings.csv", csv_of((account.uid, "withdrawal", "10", "", "", "", "", "k")))["accepted"] == 1
    )
    account.refresh_from_db()
    assert account.balance == Decimal(90)


@pytest.mark.parametrize("content", [b"", b"account,type\n", b"account,type,amount\n"])
def test_command_refuses_a_bad_file_as_misuse(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CommandError) as refused:
        run(tmp_path / "postings.csv", content)
    assert refused.value.returncode == 2
