"""Exports of the log: the file and all that its signature tells of it are proved by `audit_verify --export`."""

import base64
import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from audit.exports import COLUMNS, signed_zip
from audit.signing import export_key, public_key
from tests.scope import call_command

ROWS: list[dict[str, Any]] = [dict.fromkeys(COLUMNS, "x"), dict.fromkeys(COLUMNS, "y")]
FACTS = {"by": "reviewer", "search": {"success": "1"}}


@pytest.fixture(autouse=True)
def key(settings: Settings, tmp_path: Path) -> Path:
    """A key of this test's own."""
    settings.AUDIT_EXPORT_KEY = str(tmp_path / "export.pem")
    return tmp_path / "export.pem"


@pytest.fixture(params=["csv", "json"])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A signed ZIP."""
    path = tmp_path / "events.zip"
    path.write_bytes(signed_zip(ROWS, request.param, **FACTS)[1])
    return path


def with_signature(export: Path, **other: object) -> Path:
    """Write the ZIP anew with other facts beside the file."""
    with zipfile.ZipFile(export) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    [name] = [name for name in content if name.endswith(".sig")]
    content[name] = json.dumps({**json.loads(content[name]), **other}).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for one, text in content.items():
            archive.writestr(one, text)
    export.write_bytes(file.getvalue())
    return export


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """Check by the command and return what it found."""
    with suppress(SystemExit):
        call_command("audit_verify", "--json", "--export", *arguments)
    told = json.loads(capsys.readouterr().out)
    assert (told.keys(), {one["kind"] for one in told["findings"]} <= {"export"}) == ({"export", "findings"}, True)
    assert bool(told["export"]) != bool(told["findings"])
    return [one["text"] for one in told["findings"]]


def test_export_as_it_was_made_is_good_and_says_what_it_is(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit_verify", "--json", "--export", str(export))
    said = json.loads(capsys.readouterr().out)
    assert said["findings"] == []
    told = said["export"]
    assert (told["by"], told["rows"], told["search"], told["kind"]) == ("reviewer", 2, {"success": "1"}, told["file"][-len(told["kind"]):])  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        {"by": "lead"}, {"rows": 3}, {"search": {}}, {"made": "2020-01-01T00:00:00+00:00"}, {"file": "other.csv"},
        {"kind": "xlsx"}, {"sha256": "00"}, {"algorithm": "none"}, {"added": "x"},
    ],
)  # fmt: skip
def test_no_fact_beside_the_signature_can_be_changed(
    export: Path, other: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(with_signature(export, **other))
    with pytest.raises(SystemExit, match="1"):
        call_command("audit_verify", "--export", path)
    capsys.readouterr()
    said = found(capsys, path)
    assert said == ["What the signature file tells of the file was changed after it was signed."]


@pytest.mark.parametrize("other", [{"signature": "zz!"}, {"signature": None}, {"public_key": "?"}, {"signature": ""}])
def test_signature_that_is_none_is_found(
    export: Path, other: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(found(capsys, str(with_signature(export, **other)))) == 1


def test_other_key_is_found_and_can_be_named(export: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = base64.b64encode(public_key()).decode()
    key.unlink()
    assert found(capsys, str(export)) == [
        "This site has no key yet that it signs exports with: say which public key is to be trusted."
    ]
    assert not key.exists()
    assert found(capsys, str(export), "--export-key", first) == []
    export_key()
    assert found(capsys, str(export)) == ["The file was signed with another key than this site's."]


def test_answer_says_what_was_checked(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit_verify", "--export", str(export))
    said = capsys.readouterr().out
    assert "is as it was made: 2 rows, by reviewer on " in said
    assert f"of a search for success 1; signed with the key {base64.b64encode(public_key()).decode()}." in said
    assert "blocks" not in said


def test_zip_with_more_in_it_is_none(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(export, "a") as archive:
        archive.writestr("more.csv", "x")
    assert found(capsys, str(export)) == ["The ZIP does not hold one file and its signature."]


@pytest.mark.parametrize("forged", [b"id,created\n", b"PK\x03\x04 is how it begins\n"])
def test_forged_file_with_a_genuine_zip_behind_it_is_found(
    export: Path, forged: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = export.with_name("forged.csv")
    path.write_bytes(forged + export.read_bytes())
    [said] = found(capsys, str(path))
    assert said in {
        "There is no signature forged.csv.sig beside the file.",
        "Something stands before the first file of the ZIP: it is not as it was made.",
    }


def damaged(content: bytes, at: int, by: bytes) -> bytes:
    """Return a ZIP with other bytes in the first entry of its directory, and in the header of that file."""
    entry = content.index(b"PK\x01\x02")
    other = content[: entry + 8 + at] + by + content[entry + 8 + at + len(by) :]
    return other[: 6 + at] + by + other[6 + at + len(by) :]


def test_zip_that_is_odd_is_found(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, empty = export.read_bytes(), io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    odd = [
        damaged(good, 0, b"\x01\x00"),  # encrypted
        damaged(good, 2, b"\x63\x00"),  # a method that there is not
        damaged(good, 2, b"\x0e\x00"),  # LZMA, which it is not
        good[:40], b"PK\x03\x04", b"PK\x03\x04" + empty.getvalue(), empty.getvalue(), b"",
    ]  # fmt: skip
    for content in odd:
        export.write_bytes(content)
        assert len(found(capsys, str(export))) == 1


def test_key_that_others_may_read_signs_nothing(key: Path) -> None:
    export_key()
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o640)
    with pytest.raises(ImproperlyConfigured, match="Others may read"):
        signed_zip(ROWS, "csv")


def test_production_names_its_key(settings: Settings) -> None:
    settings.AUDIT_EXPORT_KEY = ""
    settings.PRODUCTION = True
    with pytest.raises(ImproperlyConfigured, match="Production needs AUDIT_EXPORT_KEY"):
        export_key()
