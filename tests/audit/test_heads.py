"""The file of heads: whatever stands in it, every line counts that can be read, and every other is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from audit.heads import read_heads
from audit.trusted import append
from tests.audit.sealed import kinds, make_events, seal_events, tamper, verify, wait_until_due
from tests.scope import call_command

pytestmark = pytest.mark.usefixtures("committing")
GARBAGE = [
    "",
    "{",
    "[]",
    "7",
    "null",
    '{"block": 1}',
    "\x00\x01",
    '{"block": true, "hash": "", "published": "", "key": "", "signature": ""}',
]


@pytest.fixture
def heads(committing: None, audit_files: Path) -> Path:
    """A store of two blocks, with a head of each in the file."""
    for _ in range(2):
        make_events(1)
        wait_until_due()
        call_command("audit_relay", "--once")
    path: Path = settings.AUDIT_HEADS_FILE
    return path


def found(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Run the command, which exits with 1, and return its findings."""
    capsys.readouterr()
    with pytest.raises(SystemExit, match="1"):
        call_command("audit_verify", "--json")
    return list(json.loads(capsys.readouterr().out)["findings"])


@pytest.mark.parametrize("line", GARBAGE)
@pytest.mark.parametrize("place", [0, 1, 99])
def test_line_that_is_no_head_is_a_finding_and_the_others_count(
    heads: Path, line: str, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = heads.read_text().splitlines()
    lines.insert(place, line)
    heads.write_text("\n".join(lines) + "\n")
    tamper("DELETE FROM audit_seal WHERE number = 2", "DELETE FROM audit_event WHERE block = 2")
    torn = f"Line {min(place + 1, len(lines))} of {heads} is no head: it was torn, or somebody wrote it."
    assert [(one["block"], one["kind"], one["text"]) for one in found(capsys)][:2][0] == (None, "head", torn)
    assert [(one["block"], one["kind"]) for one in found(capsys)] == [(None, "head"), (2, "tail")]


def test_cut_tail_is_found_by_a_copy_of_the_heads_kept_elsewhere(
    heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(heads.read_bytes())
    tamper("DELETE FROM audit_seal WHERE number = 2", "DELETE FROM audit_event WHERE block = 2")
    heads.write_text("".join(heads.read_text().splitlines(keepends=True)[:1]))  # whoever cut the tail cut the heads too
    call_command("audit_verify", "--json")
    capsys.readouterr()
    with pytest.raises(SystemExit, match="1"):
        call_command("audit_verify", "--json", "--head", str(copy))
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [(one["block"], one["kind"]) for one in findings] == [(2, "tail")]


def test_line_that_was_torn_does_not_swallow_the_next(heads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_heads(heads)[0]
    heads.write_bytes(heads.read_bytes()[:-30])
    make_events(1)
    wait_until_due()
    call_command("audit_relay", "--once")
    after, troubles = read_heads(heads)
    assert (after[:-1], after[-1]["block"], len(troubles)) == (before[:-1], 3, 1)
    assert [one["kind"] for one in found(capsys)] == ["head"]


def test_bytes_that_are_no_text_are_told(heads: Path) -> None:
    with heads.open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert len(read_heads(heads)[1]) == 1


@pytest.mark.parametrize("name", ["hash", "signature", "key", "published"])
@pytest.mark.parametrize("value", ["zz", "", "00"])
def test_bad_hexadecimal_is_a_finding(heads: Path, name: str, value: str) -> None:
    read, _ = read_heads(heads)
    bad = {**read[-1], "block": 9, name: value}
    assert kinds(verify([*read, bad])) == [(9, None, "head")]
    if name == "hash":
        assert kinds(verify([*read, {**read[-1], name: value}])) == [(2, None, "head")]


def test_line_is_appended_to_a_file_that_is_new_empty_or_torn(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    append(path, "one")
    assert path.read_text() == "one\n"
    path.write_text("")
    append(path, "two")
    path.write_text(path.read_text() + "to")
    append(path, "three")
    assert path.read_text() == "two\nto\nthree\n"


def test_head_that_lies_about_a_block_that_is_there_is_told() -> None:
    seal_events(2)
    lie = {"block": 1, "hash": "00" * 32, "published": "x", "key": "k", "signature": ""}
    assert kinds(verify([lie])) == [(1, None, "head")]
