"""pkdd99: movements of a Czech bank in the nineties, as the PKDD'99 discovery challenge published them.

The file's own columns are in COLUMNS; whose account it is stand in other files of its folder (`pkdd99_folder`). Dates are
YYMMDD of the 1900s and mean midnight UTC. `balance` is what that bank thought and is not used: the ledger counts itself.
The texts made here are part of what a repeated import is compared with: changing one turns old rows into conflicts.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from backoffice.models import User
from ledger.choices import ActionType, ReferenceType
from ledger.importing.pkdd99_folder import Folder, moment
from ledger.importing.source import Row, RowError, Survey
from ledger.importing.tables import Cells, table
from ledger.posting import Posting

COLUMNS = ("trans_id", "account_id", "date", "type", "operation", "amount", "balance", "k_symbol", "bank", "account")
TYPES = {"PRIJEM": ActionType.DEPOSITED, "VYDAJ": ActionType.WITHDRAWN, "VYBER": ActionType.WITHDRAWN}
OPERATIONS = {
    "VKLAD": (ReferenceType.CASH, "Cash deposit"),
    "VYBER": (ReferenceType.CASH, "Cash withdrawal"),
    "VYBER KARTOU": (ReferenceType.CARD, "Card withdrawal"),
    "PREVOD Z UCTU": (ReferenceType.BANK_TRANSFER, "Transfer from another bank"),
    "PREVOD NA UCET": (ReferenceType.BANK_TRANSFER, "Transfer to another bank"),
}
SYMBOLS = {
    "UROK": "interest",
    "SANKC. UROK": "penalty interest",
    "SLUZBY": "statement fee",
    "SIPO": "household payment",
    "DUCHOD": "pension",
    "POJISTNE": "insurance",
    "UVER": "loan payment",
}
NUMBER = re.compile(r"[0-9]{1,18}")
AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Pkdd99:
    """A file of movements and the folder it lies in."""

    name: ClassVar[str] = "pkdd99"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = Folder(path.parent)

    def survey(self) -> Survey:
        """Read the file to its end; the customers are those of accounts that are known, in order of appearance."""
        rows, seen = 0, dict[str, None]()
        for _, cells in table(self._path, COLUMNS):
            rows += 1
            if cells:
                seen[cells[1]] = None
        return Survey(rows, [self._folder.customer(number) for number in seen if not self._folder.why_not(number)])

    def rows(self, by: User) -> Iterator[Row]:
        """Give the rows in file order."""
        for line, cells in table(self._path, COLUMNS):
            try:
                yield Row(line, self._posting(cells, by))
            except RowError as error:
                yield Row(line, error.problem)

    def _posting(self, cells: Cells | None, by: User) -> Posting:
        if cells is None:
            raise RowError("malformed_row", f"The row has not the {len(COLUMNS)} columns of the header.")
        number, account, date, kind, operation, amount, _, symbol, bank, partner = cells
        if not NUMBER.fullmatch(number):
            raise RowError("malformed_row", f"trans_id is {number!r}, which is no number.")
        if kind not in TYPES:
            raise RowError("unknown_type", f"The type is {kind!r}; known are {', '.join(TYPES)}.")
        if why := self._folder.why_not(account):
            raise RowError("unknown_account", why)
        reference_type, what = OPERATIONS.get(operation, (ReferenceType.OTHER, operation))
        return Posting(
            type=TYPES[kind],
            uid=self._folder.uid(account),
            by=by,
            asof=moment(date),
            amount=_amount(amount),
            reference_type=reference_type,
            reference=number,
            comment=_comment(what, symbol, bank, partner),
            idempotency_key=f"{self.name}:{number}",
        )


def _amount(text: str) -> Decimal:
    if not AMOUNT.fullmatch(text):
        raise RowError("invalid_amount", f"The amount is {text!r}, which is no number.")
    return Decimal(text)


@lru_cache(maxsize=10_000)
def _comment(what: str, symbol: str, bank: str, partner: str) -> str:
    purpose = SYMBOLS.get(symbol.strip(), symbol.strip())
    other = f"account {partner} at {bank}" if bank.strip() and partner.strip() else ""
    text = ", ".join(part for part in (what, purpose, other) if part)
    return text[:1].upper() + text[1:]
