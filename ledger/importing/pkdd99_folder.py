"""The files beside a pkdd99 file: whose an account is, since when, and on which books.

account.asc gives the account's district and date, disp.asc its owner, client.asc the clients that exist, district.asc the
names of districts and their regions. Districts become entities under their region, regions stand under one root. The ids
of the ledger follow from those of the files, so every run finds what an earlier one made.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID, uuid5

from django.utils.text import slugify

from ledger.importing.source import BadFile, Branch, Customer, RowError
from ledger.importing.tables import records

ROOT = Branch("pkdd99", "PKDD'99 Bank")
CURRENCY = "CZK"
NAMESPACE = UUID("6f0b7d0e-5d0c-5b7e-9a57-1b9c6f3f9d11")
LONGEST_CODE = 32
DATE = re.compile(r"[0-9]{6}")


class Folder:
    """Accounts and their owners, read once: some thousand rows."""

    def __init__(self, folder: Path) -> None:
        """Read the four files. Raises BadFile."""
        self._districts = {number: _branches(number, name, region) for number, name, region in _districts(folder)}
        clients = {number for (number,) in records(folder / "client.asc", ("client_id",))}
        dispositions = records(folder / "disp.asc", ("client_id", "account_id", "type"))
        self._owners = {
            account: client for client, account, kind in dispositions if kind == "OWNER" and client in clients
        }
        self._accounts: dict[str, tuple[str, datetime]] = {}
        path = folder / "account.asc"
        for number, district, date in records(path, ("account_id", "district_id", "date")):
            try:
                self._accounts[number] = (district, moment(date))
            except RowError as error:
                raise BadFile(f"{path}, account {number}: {error}") from None
        self._uids: dict[str, UUID] = {}

    def why_not(self, account: str) -> str:
        """Return why an account cannot be posted to, or nothing."""
        if account not in self._accounts:
            return f"account.asc has no account {account}."
        if account not in self._owners:
            return f"disp.asc and client.asc name no owner of account {account}."
        if (district := self._accounts[account][0]) not in self._districts:
            return f"district.asc has no district {district}, where account {account} is kept."
        return ""

    def uid(self, account: str) -> UUID:
        """Return the ledger's uid of an account."""
        if account not in self._uids:
            self._uids[account] = uuid5(NAMESPACE, f"account:{account}")
        return self._uids[account]

    def customer(self, account: str) -> Customer:
        """Return who has the account; the files name no person, so the number of the client serves."""
        district, since = self._accounts[account]
        owner = self._owners[account]
        return Customer(
            uid=self.uid(account),
            username=f"pkdd99-client-{owner}",
            first_name="Client",
            last_name=owner,
            branches=self._districts[district],
            currency=CURRENCY,
            asof=since,
        )


@lru_cache(maxsize=1000)
def moment(text: str) -> datetime:
    """Return the midnight that starts a day written YYMMDD. Raises RowError."""
    try:
        if DATE.fullmatch(text):
            return datetime(1900 + int(text[:2]), int(text[2:4]), int(text[4:]), tzinfo=UTC)
    except ValueError:
        pass  # no such day: said below, like any other text that is no date
    raise RowError("invalid_moment", f"The date is {text!r}, which is no day written YYMMDD.")


def _districts(folder: Path) -> list[tuple[str, ...]]:
    return list(records(folder / "district.asc", ("A1", "A2", "A3")))


def _branches(number: str, name: str, region: str) -> tuple[Branch, ...]:
    above = Branch(f"{ROOT.code}-{slugify(region)}"[:LONGEST_CODE], region[:1].upper() + region[1:])
    return (ROOT, above, Branch(f"{ROOT.code}-district-{slugify(number)}"[:LONGEST_CODE], name))
