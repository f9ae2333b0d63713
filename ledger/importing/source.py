"""What a format gives to the runner: who the file speaks of, and its rows as postings or problems.

A fault of a row is that row's `Problem`. A fault of the file is `BadFile`, raised by `survey` or before it, so that
nothing is posted of a file that cannot be read to its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol
from uuid import UUID

from backoffice.models import User
from ledger.posting import Posting


class BadFile(Exception):
    """A file that cannot be imported at all; `str()` is the sentence."""


class Problem(NamedTuple):
    """Why a row is no posting: a stable code and a sentence, as the ledger's errors have."""

    code: str
    text: str


class RowError(Exception):
    """Raised while a row is read, to become its problem."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(code, text)


class Row(NamedTuple):
    """One row: its line in the file, the header being line 1, and what it asks for.

    A posting has an idempotency key that the same row of the same file always gets. Under `memory` a refusal of it is
    kept; by default that is its key. A format whose keys outlive the file gives another one, so that the row may come
    again in a mended file and be tried again. `named` is the account that a row without a posting names, where it does.
    """

    line: int
    entry: Posting | Problem
    memory: str | None = None
    named: UUID | None = None

    @property
    def uid(self) -> UUID | None:
        """The account that it speaks of, as far as that can be told."""
        return self.entry.uid if isinstance(self.entry, Posting) else self.named

    @property
    def remembered_as(self) -> str:
        """The key of its refusal."""
        return self.memory or (isinstance(self.entry, Posting) and self.entry.idempotency_key) or ""


class Branch(NamedTuple):
    """An entity on the way from the top of the group to an account."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer with the one account: made on the way if the ledger has no account of this uid."""

    uid: UUID
    username: str
    first_name: str
    last_name: str
    branches: tuple[Branch, ...]
    currency: str
    asof: datetime


class Survey(NamedTuple):
    """A first look through the whole file: how many rows, and whose accounts occur in them."""

    rows: int
    customers: list[Customer]


class Source(Protocol):
    """A file in some format. Both passes over it stream."""

    name: ClassVar[str]

    def __init__(self, path: Path) -> None: ...

    def survey(self) -> Survey:
        """Read the file to its end. Raises BadFile."""

    def rows(self, by: User) -> Iterator[Row]:
        """Give the rows in file order, as postings of `by`."""
