"""What becomes of each row, in words, and what the rows come to."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.timezone import localtime

from backoffice.said import told
from ledger.choices import ReferenceType
from ledger.money import written
from ledger.posting import Posting

PREVIEW_ONLY = {"asof", "referred", "comment", "delta", "currency"}  # the action that is posted has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a row does, or did, in words; `error` is the sentence that refuses it."""

    line: int
    account: str = ""
    asof: str = ""
    referred: str = ""
    comment: str = ""
    before: str = ""
    change: str = ""
    after: str = ""
    code: str = ""
    error: str = ""
    replayed: bool = False
    reference: str = ""
    action: int | None = None
    delta: Decimal = Decimal(0)
    currency: str = ""

    @property
    def shown(self) -> str:
        """What the person decides on."""
        asked = (self.line, self.account, self.asof, self.referred, self.comment)
        parts = (*asked, self.before, self.change, self.after, self.code, self.error, self.replayed)
        return "\x1f".join(map(str, parts))

    @property
    def is_new(self) -> bool:
        """Whether it would be posted now."""
        return not self.error and not self.replayed


class Total(NamedTuple):
    """What the new rows of one currency come to, and how many of it are refused; without a code: of no known account."""

    currency: str
    deposits: int
    deposited: str
    withdrawals: int
    withdrawn: str
    refused: int


def asked(posting: Posting, now: datetime) -> dict[str, str]:
    """Return what a row says of itself beside the amount; the date only where it gives one, and not `now`."""
    kind = ReferenceType(posting.reference_type)
    name = "" if kind == ReferenceType.NONE else kind.label
    return {
        "asof": "" if posting.asof == now else _day(posting.asof),
        "referred": f"{name} {posting.reference}".strip(),
        "comment": posting.comment,
    }


def _day(moment: datetime) -> str:
    """Return a day, with the time where it is not the day's first moment."""
    try:
        local = localtime(moment)
    except OverflowError:  # the first or the last day that there is, in another zone
        return moment.isoformat()
    return told(moment) if local.time() != time() else date_format(local, "j M Y")


def totals(results: Sequence[Result]) -> list[Total]:
    """Return what the rows come to, by currency: what the sender of the file can be asked for."""
    return [_total(code, [row for row in results if row.currency == code]) for code in _codes(results)]


def _codes(results: Sequence[Result]) -> list[str]:
    return sorted({row.currency for row in results}, key=lambda code: (not code, code))


def _total(code: str, rows: Sequence[Result]) -> Total:
    new = [row.delta for row in rows if row.is_new]
    ins, outs = [delta for delta in new if delta > 0], [-delta for delta in new if delta < 0]
    refused = sum(bool(row.error) for row in rows)
    sums = [written(sum(some, Decimal(0)), code) if code else "" for some in (ins, outs)]
    return Total(code, len(ins), sums[0], len(outs), sums[1], refused)


def digest_of(results: Sequence[Result]) -> str:
    """Return the fingerprint of what was shown."""
    return hashlib.sha256("\x1e".join(result.shown for result in results).encode()).hexdigest()


def kept(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the results as the import keeps them."""
    return [{name: value for name, value in asdict(row).items() if name not in PREVIEW_ONLY} for row in results]
