"""What a request asks for, each kind in its own way: what it would do now, and doing it.

`effects` locks and writes nothing; `carry_out` needs a transaction and returns the effects that came of it. Both raise the
LedgerError that refuses.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from backoffice.effects import Effect
from ledger import asking, bounding, capping, errors
from ledger.choices import ApprovalKind
from ledger.effects import of_drafts
from ledger.posting import Outcome, Posting, post, preview

if TYPE_CHECKING:
    from ledger.models.approval import Approval

Effects = tuple[Effect, ...]


class Deed(Protocol):
    """One kind of request."""

    @classmethod
    def effects(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Return what it would do."""

    @classmethod
    def carry_out(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Do it, and return what it did."""


class PostingDeed:
    """A posting: `ledger.posting`, as the maker's."""

    @staticmethod
    def posting(approval: "Approval", asof: datetime, using: str) -> Posting:
        """Return the posting as it would be made now."""
        if not approval.maker.is_active:
            raise errors.UnknownUser(f"{approval.maker}, who asked for it, does not work here any more.")
        verb, asked = asking.of_json(approval.asked)
        return asking.posting_of(verb, asked, by=approval.maker, asof=asof, approval=approval, using=using)

    @classmethod
    def effects(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Return what it would do."""
        from ledger.models.account import Account  # noqa: PLC0415  the models import this module

        return cls._effects(preview(Account, [cls.posting(approval, asof, using)], using=using))

    @classmethod
    def carry_out(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Post it."""
        from ledger.models.account import Account  # noqa: PLC0415  the models import this module

        return cls._effects(post(Account, [cls.posting(approval, asof, using)], using=using))

    @staticmethod
    def _effects(outcomes: Sequence[Outcome]) -> Effects:
        [outcome] = outcomes
        _, action = outcome.unwrap()
        if outcome.replayed:
            raise errors.IdempotencyConflict(f"It was posted before, as {action.reference}.")
        return of_drafts(outcome.drafts)


class LimitDeed:
    """A limit that is set or ended."""

    @classmethod
    def effects(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Return what it would do."""
        return bounding.effects(bounding.Bound.of_json(approval.asked), using)

    @classmethod
    def carry_out(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Set or end it."""
        return bounding.carry_out(bounding.Bound.of_json(approval.asked), using)


class CapDeed:
    """A cap that is set."""

    @classmethod
    def effects(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Return what it would do."""
        return capping.effects(approval.currency, Decimal(approval.asked["ceiling"]), using)

    @classmethod
    def carry_out(cls, approval: "Approval", asof: datetime, using: str) -> Effects:
        """Set it."""
        return capping.carry_out(approval.currency, Decimal(approval.asked["ceiling"]), using)


DEEDS: dict[str, type[Deed]] = {
    ApprovalKind.POSTING: PostingDeed,
    ApprovalKind.LIMIT: LimitDeed,
    ApprovalKind.CAP: CapDeed,
}
