"""What the actions of a posting do, as a checker sees it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backoffice.effects import Effect
from ledger.choices import ActionType
from ledger.money import written

if TYPE_CHECKING:
    from ledger.draft import Draft


def of_drafts(drafts: "Sequence[Draft]") -> tuple[Effect, ...]:
    """Return what the actions of one posting do, its own account first."""
    return tuple(_of_draft(draft, first=draft is drafts[0]) for draft in drafts)


def _of_draft(draft: "Draft", *, first: bool) -> Effect:
    row = draft.row
    held = row.type == ActionType.HELD
    delta, after = (row.held_delta, row.held) if held else (row.delta, row.balance)
    return Effect(
        what=("Held" if held else "Balance") if first else "Balance of the other account",
        before=written(after - delta, row.currency),
        change=written(delta, row.currency),
        after=written(after, row.currency),
    )
