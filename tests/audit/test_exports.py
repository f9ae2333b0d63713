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
from django.core.management import CommandError, call_command
from pytest_django import Settings

from audit.exports import COLUMNS, signed_zip
from audit.signing import export_key, public_key

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
    assert (told["events"], told["blocks"], {one["kind"] for one in told["findings"]} <= {"export"}) == (0, 0, True)
    return [one["text"] for one in told["findings"]]


def test_export_as_it_was_made_is_good_and_says_what_it_is(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit_verify", "--json", "--export", str(export))
    said = capsys.readouterr()
    assert json.loads(said.out)["findings"] == []
    told = json.loads(said.err)
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


def test_zip_with_more_in_it_is_none(export: Path) -> None:
    with zipfile.ZipFile(export, "a") as archive:
        archive.writestr("more.csv", "x")
    with pytest.raises(CommandError, match="does not hold one file"):
        call_command("audit_verify", "--export", str(export))


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
