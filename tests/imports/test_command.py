"""`import_postings --format csv`: the console's file from the command line."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from audit.models import Outbox
from backoffice.scope import acting
from imports.models import Import
from ledger.models import Account
from ledger.progress import Progress
from tests import scope
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


def test_command_says_batch_by_batch_how_far_it_has_come_and_goes_on_with_what_was_stopped(
    tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = csv_of(*[(account.uid, "deposit", str(number), "", "", "", "", "") for number in range(1, 6)])
    (tmp_path / "postings.csv").write_bytes(content)
    seen = []

    def stop_in_the_third(progress: Progress, number: int) -> None:
        with acting(actor=None, request_id="another"):
            seen.append(list(Import.objects.values_list("state", "posted", "rows")))
        if len(seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "advance", stop_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        call_command("import_postings", tmp_path / "postings.csv", "--format", "csv", "--batch", "2", stderr=StringIO())
    assert seen == [[("running", 0, 5)], [("running", 2, 5)], [("running", 4, 5)]]
    stopped = Import.objects.get()
    assert (stopped.state, stopped.problem) == ("stopped", "Somebody stopped it.")
    scope.widen("default")
    monkeypatch.undo()
    assert run(tmp_path / "postings.csv", content)["already_posted"] == 5
    told = [(one.state, one.posted, one.already_posted, one.refused) for one in Import.objects.order_by("pk")]
    assert told == [("continued", 4, 0, 0), ("posted", 0, 5, 0)]
    events = Outbox.objects.filter(object_type="imports.import").order_by("id")
    assert [(event.type, event.data["posted"]) for event in events] == [("import.stopped", 4), ("import.posted", 0)]


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
