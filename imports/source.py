"""From a table to postings: keys, duplicates, and the format `csv` of `manage.py import_postings`.

A row with a `key` is posted once under it, whatever file brings it. A row without one has the key of its place: the
content of the file and the line, so the same file again posts nothing, and any other content is another file. Refusals
are kept under the place in both cases: the same file gets the same answer, a mended one is tried again.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from django.utils import timezone

from backoffice.models import User
from imports.csv_file import read_csv
from imports.resource import Draft, PostingResource
from imports.table import Table
from ledger.importing.source import BadFile, Problem, Row, RowError, Survey
from ledger.posting import Posting
from ledger.shape import storable

LONGEST_KEY = 80  # characters; with its prefix it fits the ledger's
COMMENT = "Imported from a file"  # of a row without its own; always the same, as a key is compared with its comment too


class Reading:
    """The rows of one table as postings of `by`; a row without a time is posted as of `now`."""

    def __init__(self, *, sha256: str, by: User, now: datetime) -> None:
        self._sha256 = sha256
        self._by = by
        self._now = now
        self._resource = PostingResource()
        self._lines: dict[str, int] = {}

    def rows(self, table: Table) -> Iterator[Row]:
        """Give the rows in file order. Raises BadFile."""
        for line, cells in table.rows:
            yield self.row(line, table.columns, cells)

    def row(self, line: int, columns: list[str], cells: list[Any]) -> Row:
        """Return one row."""
        place = f"import-file:{self._sha256}:{line}"
        if len(cells) != len(columns):
            problem = Problem("malformed_row", f"The row has {len(cells)} cells, the header {len(columns)}.")
            return Row(line, problem, place)
        named = dict(zip(columns, cells, strict=True))
        try:
            return Row(line, self._posting(line, place, named), place)
        except RowError as error:
            return Row(line, error.problem, place, self._resource.account_of(named))

    def _posting(self, line: int, place: str, cells: dict[str, Any]) -> Posting:
        draft = self._resource.draft(cells)
        assert draft.uid is not None  # noqa: S101  for the type checker: the resource refuses a row without
        assert draft.type is not None  # noqa: S101  as above
        return Posting(
            type=draft.type,
            uid=draft.uid,
            by=self._by,
            asof=draft.asof or self._now,
            amount=draft.amount,
            reference_type=draft.reference_type,
            reference=draft.reference,
            comment=draft.comment or COMMENT,
            idempotency_key=self._key(draft, line) or place,
        )

    def _key(self, draft: Draft, line: int) -> str:
        if not draft.key:
            return ""
        if len(draft.key) > LONGEST_KEY:
            raise RowError("invalid_text", f"The key has {len(draft.key)} characters, {LONGEST_KEY} are the most.")
        if not storable(draft.key):
            raise RowError("invalid_text", "The key holds a character that cannot be stored.")
        first = self._lines.setdefault(draft.key, line)
        if first != line:
            raise RowError("duplicate_key", f"Line {first} has the same key: each row needs its own.")
        return f"import-key:{draft.key}"


class CsvFile:
    """`import_postings --format csv`: the console's file, of any length."""

    name: ClassVar[str] = "csv"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sha256 = ""

    def survey(self) -> Survey:
        """Read the file to its end; its accounts exist already, so it names no customers."""
        try:
            with self._path.open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                rows = sum(1 for _ in read_csv(file).rows)
        except OSError as error:
            raise BadFile(f"{self._path} cannot be read: {error.strerror}.") from None
        if not rows:
            raise BadFile("The file has a header and no rows.")
        return Survey(rows, [])

    def rows(self, by: User) -> Iterator[Row]:
        """Give the rows in file order, as postings of `by`."""
        with self._path.open("rb") as file:
            yield from Reading(sha256=self._sha256, by=by, now=timezone.now()).rows(read_csv(file))
