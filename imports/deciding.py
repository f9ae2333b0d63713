"""What an uploaded file would do and does: read, previewed and posted through `Account`'s batches.

Statements: a constant number, whatever the number of rows.
Lock order of `post`: the import's row (the caller's), the files' lock, accounts, slots of the cap.
"""

import io
from collections.abc import Callable, Sequence
from typing import IO, Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backoffice.models import User
from imports.csv_file import read_csv
from imports.models import Import
from imports.results import Result, asked, digest_of
from imports.source import CsvFile, Reading
from imports.table import Table
from imports.xlsx_file import read_xlsx
from ledger.errors import LedgerError
from ledger.importing.runner import by_another, problem, recall, remember, wait_turn
from ledger.importing.source import BadFile, Problem, Row
from ledger.models import Account
from ledger.money import written
from ledger.posting import Outcome, Posting

MOST_ROWS = 2_000
MOST_BYTES = 2 * 1024 * 1024
READERS: dict[str, Callable[[IO[bytes]], Table]] = {"csv": read_csv, "xlsx": read_xlsx}
AGAIN = "Refused when this very file was imported before: {text} To try it again, bring the row in a file of its own."


class Drift(Exception):
    """Something happened to these accounts between the preview and the confirmation; nothing was posted."""


def table_of(upload: Import) -> Table:
    """Return the uploaded table. Raises BadFile, now or while its rows are taken."""
    return READERS[upload.format](io.BytesIO(bytes(upload.content))).limited(MOST_ROWS)


class Decision:
    """The rows of one upload as `by` may post them: to `visible` accounts and no others."""

    def __init__(self, upload: Import, *, by: User, visible: QuerySet[Account]) -> None:
        """Read the file and whose accounts it speaks of; two queries. Raises BadFile."""
        self._now = timezone.now()
        reading = Reading(sha256=upload.sha256, by=by, now=self._now)
        self.rows: list[Row] = list(reading.rows(table_of(upload)))
        if not self.rows:
            raise BadFile("The file has a header and no rows.")
        found = visible.filter(uid__in={row.uid for row in self.rows if row.uid}).select_related("user", "entity")
        self.accounts: dict[UUID, Account] = {account.uid: account for account in found}
        self._refused = {row.line: row.entry for row in self.rows if isinstance(row.entry, Problem)}
        for row in self.rows:
            if isinstance(row.entry, Posting) and row.uid not in self.accounts:
                self._refused[row.line] = Problem("unknown_account", f"There is no account {row.uid}.")

    @property
    def entities(self) -> list[int]:
        """The entities of the accounts that it speaks of, ascending."""
        return sorted({account.entity_id for account in self.accounts.values()})

    def preview(self) -> list[Result]:
        """Return what `post` would do now; nothing is locked or written."""
        return [self._result(row, entry) for row, entry in self._decided()]

    def post(self, shown: Sequence[Result]) -> list[Result]:
        """Post the rows that `shown` says are fine, all of them or none, and remember the others.

        Raises:
            Drift: they would not do what was shown; nothing has changed.
        """
        with transaction.atomic():
            wait_turn(CsvFile.name, using="default")
            decided = self._decided()
            fine = [row.entry for row, entry in decided if isinstance(entry, Outcome) and not entry.error]
            try:
                outcomes = iter(Account.post_batch([e for e in fine if isinstance(e, Posting)], all_or_nothing=True))
            except LedgerError as error:
                raise Drift(str(error)) from error
            done = [(row, e if isinstance(e, Problem) or e.error else next(outcomes)) for row, e in decided]
            results = [self._result(row, entry) for row, entry in done]
            if digest_of(results) != digest_of(shown):
                raise Drift("Something has changed since you looked.")
            remember([(row, e) for row, e in done if isinstance(e, Outcome)], using="default")
            return results

    def _decided(self) -> list[tuple[Row, Outcome | Problem]]:
        """Return each row with the problem that is known of it, or with what the ledger would do."""
        asked = [row for row in self.rows if row.line not in self._refused]
        before = recall(asked, using="default")
        again = {line: Problem(code, AGAIN.format(text=text)) for line, (code, text) in before.items()}
        refused = self._refused | again
        tried = [row.entry for row in asked if row.line not in again and isinstance(row.entry, Posting)]
        outcomes = iter(Account.preview_batch(tried))
        return [(row, refused[row.line] if row.line in refused else next(outcomes)) for row in self.rows]

    def _result(self, row: Row, entry: Outcome | Problem) -> Result:
        """Put one row in words."""
        before = by_another(entry) if isinstance(entry, Outcome) else None
        if isinstance(entry, Outcome) and entry.error and not before:
            entry = problem(entry.error)
        facts = self._facts(row)
        if isinstance(entry, Problem):
            return Result(**facts, code=entry.code, error=entry.text)
        action = before or entry.unwrap()[1]
        return Result(
            **facts,
            before=written(action.balance - action.delta, action.currency),
            change=written(action.delta, action.currency),
            after=written(action.balance, action.currency),
            replayed=entry.replayed or before is not None,
            reference=str(action.reference) if action.pk else "",
            action=action.pk,
            delta=action.delta,
        )

    def _facts(self, row: Row) -> dict[str, Any]:
        """Return what a row says, whatever becomes of it."""
        account = self.accounts.get(row.uid) if row.uid else None
        said = asked(row.entry, self._now) if isinstance(row.entry, Posting) else {}
        currency = account.currency if account else ""
        return {"line": row.line, "account": str(row.uid or ""), "currency": currency, **said}
