"""The columns of a file of postings, as a resource of django-import-export: what each cell must look like.

Shape only: whether a posting may be is the ledger's to say. A posting is no instance that could be saved, so of the
library's importing half the fields and widgets serve; the rows go to the ledger as one batch.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from import_export.fields import Field
from import_export.resources import Resource
from import_export.widgets import Widget

from backoffice.sheets import unguarded
from imports.table import Unusable
from ledger.choices import ActionType, ReferenceType
from ledger.importing.source import RowError
from ledger.money import AMOUNT

TYPES = {"deposit": ActionType.DEPOSITED, "withdrawal": ActionType.WITHDRAWN}
UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(DATE.pattern + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?")
SHOWN = 60  # characters of a strange cell in a sentence
CODES = {
    "account": "unknown_account",
    "type": "unknown_type",
    "amount": "invalid_amount",
    "asof": "invalid_moment",
    "reference_type": "invalid_reference",
}


@dataclass
class Draft:
    """A row while it is read."""

    uid: UUID | None = None
    type: ActionType | None = None
    amount: Decimal = Decimal(0)
    asof: datetime | None = None
    reference_type: str = ReferenceType.NONE
    reference: str = ""
    comment: str = ""
    key: str = ""


class Cell(Widget):  # type: ignore[misc]  # the library has no types
    """A cell of text."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        """Return what the cell means. Raises ValueError: the sentence at the row."""
        if isinstance(value, Unusable):
            raise ValueError(f"The cell {value.why}.")  # noqa: TRY004  the library collects ValueErrors
        return self.meaning(value.strip() if isinstance(value, str) else value)

    def meaning(self, value: Any) -> Any:
        """Return the text; whole numbers of a workbook are texts as well."""
        return unguarded(_plain(value))


class Account(Cell):
    """The uid of an account."""

    def meaning(self, value: Any) -> UUID:
        if not UID.fullmatch(text := _plain(value)):
            raise ValueError(f"The account is {_quoted(text)}, which is no public id; copy it from the account's page.")
        return UUID(text)


class Type(Cell):
    """Deposit or withdrawal."""

    def meaning(self, value: Any) -> ActionType:
        if (text := _plain(value)).casefold() not in TYPES:
            raise ValueError(f"The type is {_quoted(text)}; it must be {' or '.join(TYPES)}.")
        return TYPES[text.casefold()]


class Amount(Cell):
    """A number, exactly as written: text with a point, or a number of a workbook."""

    def meaning(self, value: Any) -> Decimal:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Decimal(repr(value))  # the shortest text that means this float: 1234.5, not its binary neighbour
        text = unguarded(_plain(value))
        if AMOUNT.fullmatch(text):
            return Decimal(text)
        if "," in text or " " in text or "\xa0" in text:
            raise ValueError(
                f"The amount is {_quoted(text)}: write it with a point and without thousands separators, such as 1234.50."
            )
        raise ValueError(f"The amount is {_quoted(text)}: write it as a number, such as 1234.50.")


class Moment(Cell):
    """A day or a moment; without a zone it is the site's, and a day means its first moment."""

    def meaning(self, value: Any) -> datetime | None:
        if value is None or value == "":
            return None
        try:
            return _aware(_moment(value))
        except (ValueError, OverflowError):
            raise ValueError(
                f"The asof is {_quoted(_plain(value))}: write it as 2024-01-31 or 2024-01-31T14:30, or leave it empty for now."
            ) from None


class Kind(Cell):
    """Which kind of reference."""

    def meaning(self, value: Any) -> str:
        text = _plain(value).casefold() or ReferenceType.NONE
        if text not in ReferenceType.values:
            raise ValueError(
                f"The reference_type is {_quoted(text)}; it must be one of {', '.join(ReferenceType.values)}."
            )
        return str(text)


class PostingResource(Resource):  # type: ignore[misc]  # the library has no types
    """One row, one posting."""

    account = Field("uid", "account", Account())
    type = Field("type", "type", Type())
    amount = Field("amount", "amount", Amount())
    asof = Field("asof", "asof", Moment())
    reference_type = Field("reference_type", "reference_type", Kind())
    reference = Field("reference", "reference", Cell())
    comment = Field("comment", "comment", Cell())
    key = Field("key", "key", Cell())

    def account_of(self, row: dict[str, Any]) -> UUID | None:
        """Return the account that a row names, where that much of it can be read."""
        try:
            uid: UUID = self.fields["account"].clean(row)
        except ValueError:
            return None
        return uid

    def draft(self, row: dict[str, Any]) -> Draft:
        """Read a row. Raises RowError: the code of the first bad cell, the sentences of all."""
        draft = Draft()
        try:
            self.import_instance(draft, row)
        except ValidationError as error:
            columns = {field.attribute: field.column_name for field in self.get_import_fields()}
            faults = {columns[attribute]: " ".join(texts) for attribute, texts in error.message_dict.items()}
            texts = [text.replace("The cell", f"The {column}", 1) for column, text in faults.items()]
            raise RowError(CODES.get(next(iter(faults)), "invalid_text"), " ".join(texts)) from None
        return draft


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _quoted(text: str) -> str:
    return f"“{text[:SHOWN]}{'…' * (len(text) > SHOWN)}”" if text else "empty"


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    text = _plain(value)
    if not isinstance(value, str) or not (DATE.fullmatch(text) or MOMENT.fullmatch(text)):
        raise ValueError
    return datetime.fromisoformat(text)


def _aware(moment: datetime) -> datetime:
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
