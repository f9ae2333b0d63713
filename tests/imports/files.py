"""Files for the tests of imports, made of rows."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

HEADER = ("account", "type", "amount", "asof", "reference_type", "reference", "comment", "key")


def csv_of(
    *rows: Sequence[Any], header: Sequence[str] = HEADER, separator: str = ",", encoding: str = "utf-8"
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([header, *rows])
    return text.getvalue().encode(encoding)


def xlsx_of(*rows: Sequence[Any], header: Sequence[Any] = HEADER) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in (header, *rows):
        book.active.append(list(row))  # type: ignore[union-attr]  # a new workbook has a sheet
    book.save(file)
    return file.getvalue()


def upload(content: bytes, name: str = "postings.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)
