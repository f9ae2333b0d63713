"""An action before it is written: a row of what the engine decided, which becomes an `Action` when somebody looks at it.

A batch makes thousands of rows and mostly nobody looks at them; a model instance costs more than deciding the posting.
"""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from ledger.choices import ActionType
from ledger.rules import Change, Leg

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.models.action import Action
    from ledger.posting import Posting


class Row(NamedTuple):
    """What the engine writes of an action, in the order of its columns; the database adds id, uid, reference, recorded."""

    account_id: int
    entity_id: int
    currency: str
    type: str
    delta: Decimal
    balance: Decimal
    held_delta: Decimal
    held: Decimal
    turnover: Decimal
    status: str
    version: int
    created: datetime
    latest: datetime
    reference_type: str
    external_reference: str
    comment: str
    by_id: int
    idempotency_key: str | None
    counterparty_id: int | None
    transfer: UUID | None
    reverses_id: int | None
    hold_id: int | None
    expires: datetime | None
    approval_id: int | None


KINDS = {  # of the columns that hold neither text nor amounts, in SQL
    "account_id": "bigint", "entity_id": "bigint", "version": "int", "created": "timestamptz", "latest": "timestamptz",
    "by_id": "bigint", "counterparty_id": "bigint", "transfer": "uuid", "reverses_id": "bigint", "hold_id": "bigint",
    "expires": "timestamptz", "approval_id": "bigint", "delta": "numeric", "balance": "numeric", "held_delta": "numeric",
    "held": "numeric", "turnover": "numeric",
}  # fmt: skip


class Given(NamedTuple):
    """What the database gave to an action."""

    id: int
    uid: UUID
    reference: str
    recorded: datetime


class Draft:
    """A row on its way, or an action that was there before."""

    __slots__ = ("_action", "account", "given", "posting", "row")

    def __init__(self, row: Row, account: "Account | None" = None, posting: "Posting | None" = None) -> None:
        self.row, self.account, self.posting = row, account, posting
        self.given: Given | None = None
        self._action: Action | None = None

    @classmethod
    def of(cls, action: "Action") -> "Draft":
        """Return an action that was there before."""
        draft = cls(Row(*(getattr(action, name) for name in Row._fields)))
        draft._action = action
        return draft

    @property
    def action(self) -> "Action":
        """The action; without id and reference as long as it is not written."""
        from ledger.models.action import Action  # noqa: PLC0415  the model imports the engine

        if self._action is None:
            self._action = Action.of(self)
        return self._action


def drafted(leg: Leg, posting: "Posting", change: Change, other: "Account | None", transfer: UUID | None) -> Draft:
    """Move the account along and return the row that says so."""
    account = leg.account
    account.balance += change.delta
    account.held += change.held
    account.turnover += change.turnover
    account.status = change.status
    account.version += 1
    account.modified = posting.asof
    account.latest = max(account.latest, posting.asof)
    row = Row(
        account.id,
        account.entity_id,
        account.currency,
        leg.type,
        change.delta,
        account.balance,
        change.held,
        account.held,
        account.turnover,
        account.status,
        account.version,
        posting.asof,
        account.latest,
        posting.reference_type,
        posting.reference,
        posting.comment,
        posting.by.id,
        posting.idempotency_key if leg.first else None,
        other.id if other else None,
        transfer,
        leg.reverses.pk if leg.reverses else None,
        posting.hold.pk if posting.hold else None,
        posting.expires if leg.type == ActionType.HELD else None,
        posting.approval.pk if posting.approval and leg.first else None,
    )
    return Draft(row, account, posting)
