"""Posting a file: batch after batch in file order, one transaction each, so that a broken run goes on where it stopped.

Invariants:
- A row is decided once. What was posted is found by its key; what the state of an account refused is kept as a `Refusal`
  under its key, in the same transaction, and reported again without being tried: a later balance might allow it, and the
  same file again must post nothing new.
- What the row itself is to blame for is not kept: once mended it is posted.
- One import of a format at a time decides a batch (an advisory lock, taken before the accounts'), and every run begins at
  the top: so two at once come to the same as one after the other.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeVar

from backoffice.models import User
from backoffice.scope import acting
from ledger import errors
from ledger.bounding import alone
from ledger.importing.customers import open_missing
from ledger.importing.source import Customer, Problem, Row, Source
from ledger.models import Account, Action, Refusal
from ledger.posting import Outcome, Posting

ROW_TO_BLAME = (
    errors.InvalidAmount,
    errors.InvalidText,
    errors.InvalidReference,
    errors.InvalidMoment,
    errors.UnknownAccount,
    errors.IdempotencyConflict,  # its key belongs to the posting that came first
)

ASK = " A file posts only what nobody has to approve: ask for this row on the page of its account."

T = TypeVar("T")


class Refused(NamedTuple):
    """A row that was handed back."""

    line: int
    code: str
    text: str


@dataclass
class Report:
    """What became of a file."""

    accepted: int = 0
    already_posted: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Import:
    """One run over one file; `advance` is told after each batch how many rows it had, and what became of all until then."""

    source: Source
    by: User
    using: str
    batch: int
    advance: Callable[[int, Report], None]

    def run(self, customers: Iterable[Customer]) -> Report:
        """Open the accounts that are missing, post the rows and return what became of them.

        Raises:
            BadFile: the file has changed since it was surveyed; the batches before are posted.
            LedgerError: an account cannot be opened, or something else posts under the same keys right now.
        """
        for chunk in chunks(customers, self.batch):
            with self._alone():
                open_missing(chunk, by=self.by, using=self.using)
        report = Report()
        for rows in batches(self.source.rows(self.by), self.batch):
            self._post(rows, report)
            self.advance(len(rows), report)
        return report

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be in one transaction, the only one of this format."""
        request_id = f"import_postings {uuid.uuid4()}"
        why = f"Import of a file, format {self.source.name}"
        with acting(actor=self.by.pk, request_id=request_id, reason=why, using=self.using):
            wait_turn(self.source.name, using=self.using)
            yield

    def _post(self, rows: Sequence[Row], report: Report) -> None:
        asked = {row.line: row for row in rows if isinstance(row.entry, Posting)}
        refused = {row.line: row.entry for row in rows if isinstance(row.entry, Problem)}
        with self._alone():
            refused |= recall(asked.values(), using=self.using)
            tried = {line: row for line, row in asked.items() if line not in refused}
            postings = [row.entry for row in tried.values() if isinstance(row.entry, Posting)]
            outcomes = dict(zip(tried, Account.post_batch(postings, using=self.using), strict=True))
            remember([(row, outcomes[line]) for line, row in tried.items()], using=self.using)
        refused |= {line: problem(o.error) for line, o in outcomes.items() if o.error and not by_another(o)}
        new = sum(bool(outcome.action) and not outcome.replayed for outcome in outcomes.values())
        report.accepted += new
        report.already_posted += sum(bool(o.action or by_another(o)) for o in outcomes.values()) - new
        report.refused += [Refused(line, *refused[line]) for line in sorted(refused)]


def wait_turn(name: str, *, using: str) -> None:
    """Wait until no other transaction imports this format, and keep it to this one until that ends. One query."""
    alone(f"import {name}", using)


def recall(rows: Iterable[Row], *, using: str) -> dict[int, Problem]:
    """Return line and problem of the rows that were refused before. One query."""
    lines = {row.remembered_as: row.line for row in rows}
    known = Refusal.objects.using(using).filter(idempotency_key__in=list(lines))
    return {lines[refusal.idempotency_key]: Problem(refusal.code, refusal.text) for refusal in known}


def remember(decided: Iterable[tuple[Row, Outcome]], *, using: str) -> None:
    """Keep the refusals for which not the row itself is to blame. One statement."""
    Refusal.objects.using(using).bulk_create(
        Refusal(
            idempotency_key=row.remembered_as,
            account=outcome.account,
            code=outcome.error.code,
            text=problem(outcome.error).text,
        )
        for row, outcome in decided
        if outcome.error and not isinstance(outcome.error, ROW_TO_BLAME)
    )


def by_another(outcome: Outcome) -> Action | None:
    """Return the action of a row that somebody else posted from the same file before: a colleague goes on with it."""
    return outcome.error.data.get("by_another") if isinstance(outcome.error, errors.IdempotencyConflict) else None


def problem(error: errors.LedgerError) -> Problem:
    """Return the ledger's refusal as a row's problem, with what to do where another person has to approve it."""
    advice = ASK if isinstance(error, errors.ApprovalRequired) else ""
    return Problem(error.code, f"{error}{advice}")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Give the items in lists of `size`, the last one shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Give the rows in lists of at most `size`, in none of which a key occurs twice.

    What refused the first row of a key must be remembered before the second one comes.
    """
    batch, keys = list[Row](), set[str | None]()
    for row in rows:
        key = row.entry.idempotency_key if isinstance(row.entry, Posting) else None
        if batch and (len(batch) == size or (key and key in keys)):
            yield batch
            batch, keys = [], set()
        batch.append(row)
        keys.add(key)
    if batch:
        yield batch
