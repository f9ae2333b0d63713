"""The statement of an account for a period of business time: opening, movements, closing.

Invariants:
- The period is [since, until): what happened at `since` is in it, what happened at `until` is in the next one. So the
  closing of a period is the opening of the next, and opening + movements = closing, always.
- Movements are the actions that moved money, in the order of business time, then version, whenever they were booked. Their
  balance is counted from the opening; for a back-dated one it is not what the books said when it was booked.
- A statement speaks of the actions up to the version `known`, of which there are no others and none change. So its pages
  fit together while postings go on, and the same period with the same `known` is the same statement for ever.

A page costs the same wherever it is and however long the account: the ends are found by bisection, the totals come of the
running turnover, and two index walks give the movements, those in order and those back-dated. What it does grow with is how
many actions before the period's end are back-dated or given back. Nothing is locked.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.db import connections
from django.db.models import F, Q, QuerySet

from ledger.errors import InvalidMoment
from ledger.shape import check_zone

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.models.action import Action

# What some actions speak of and most do not. It is read by key, beside the page: joins of so many tables take longer to plan
# than to do, and could be planned as a walk over all actions.
RELATED = ("counterparty__user", "reverses", "hold__placed")
PAGE, MANY = 50, 1_000  # movements read at once, for a page and for a file
FRAME = """
    SELECT known, s.* FROM ledger_account a
    CROSS JOIN LATERAL least(a.version, %s::int) known
    CROSS JOIN LATERAL ledger_statement(a.id, %s, %s, known) s WHERE a.id = %s
"""
AFTER = "SELECT first, balance FROM ledger_statement_after(%s, %s, %s, %s)"


class Position(NamedTuple):
    """The place of a movement in every statement of its account."""

    created: datetime
    version: int

    def __str__(self) -> str:
        return f"{self.created.astimezone(UTC).replace(tzinfo=None).isoformat()}~{self.version}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `str` wrote. Raises ValueError."""
        moment, _, version = text.partition("~")
        return cls(datetime.fromisoformat(moment).replace(tzinfo=UTC), int(version))


class Movement(NamedTuple):
    """One line of a statement: the action, and the balance after it, counted from the opening."""

    action: "Action"
    balance: Decimal


class Page(NamedTuple):
    """Some movements in a row: the balance before them, and where the next page begins, if there is one."""

    carried: Decimal
    movements: list[Movement]
    next: Position | None

    @property
    def balance(self) -> Decimal:
        """The balance after the last movement."""
        return self.movements[-1].balance if self.movements else self.carried


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What happened on an account in a period; amounts in units of its currency. Made by `Account.statement`."""

    account: "Account"
    since: datetime
    until: datetime
    known: int  # the account's actions that it speaks of
    first: int  # the version before those in order of the period, and the last of them
    last: int
    opening: Decimal
    closing: Decimal
    came_in: Decimal
    went_out: Decimal

    @classmethod
    def of(cls, account: "Account", *, since: datetime, until: datetime, known: int | None = None) -> Self:
        """Return the statement of a period; `known` repeats an earlier one. One query.

        Raises:
            InvalidMoment: an end without a zone, or the period ends before it begins.
        """
        for moment in (since, until):
            check_zone(moment)
        if until < since:
            raise InvalidMoment("The period ends before it begins.", asof=until, why="ends_before")
        [frame] = _rows(account, FRAME, [known, since, until, account.pk])
        known, first, last, opening, closing, moved = frame
        net = closing - opening
        return cls(
            account=account,
            since=since,
            until=until,
            known=known,
            first=first,
            last=last,
            opening=opening,
            closing=closing,
            came_in=(moved + net) / 2,
            went_out=(moved - net) / 2,
        )

    def page(self, *, after: Position | None = None, most: int = PAGE) -> Page:
        """Return at most `most` movements, from the beginning or after one of them. Two queries, three with `after`."""
        first, carried = self.first, self.opening
        if after and after.created >= self.since:
            [(first, carried)] = _rows(self.account, AFTER, [self.account.pk, *after, self.known])
        lines = merge(
            self._in_order(first)[: most + 1], self._back_dated(after)[: most + 1], key=lambda a: (a.created, a.version)
        )
        actions = list(islice(lines, most + 1))
        shown = actions[:most]
        last = Position(shown[-1].created, shown[-1].version) if len(actions) > most else None
        return Page(carried, list(_counted(shown, carried)), last)

    def movements(self) -> Iterator[Movement]:
        """Give all movements, MANY at a time."""
        page = self.page(most=MANY)
        yield from page.movements
        while page.next:
            page = self.page(after=page.next, most=MANY)
            yield from page.movements

    def _in_order(self, first: int) -> "QuerySet[Action]":
        """Return what was booked for the latest time until then: by version, which is by business time too."""
        return self._moving().filter(version__gt=first, version__lte=self.last, created=F("latest")).order_by("version")

    def _back_dated(self, after: Position | None) -> "QuerySet[Action]":
        """Return what was booked for a time before the latest; it has an index of its own, by business time."""
        # The sum keeps the planner from walking all versions instead of that index.
        actions = self._moving().alias(number=F("version") + 0).filter(created__lt=F("latest"), number__lte=self.known)
        if after and after.created >= self.since:
            passed = Q(created=after.created, number__lte=after.version)
            actions = actions.filter(~passed, created__gte=after.created)
        return actions.filter(created__gte=self.since, created__lt=self.until).order_by("created", "version")

    def _moving(self) -> "QuerySet[Action]":
        actions: Any = self.account.actions
        moving: QuerySet[Action] = actions.using(self.account._state.db).exclude(delta=0).select_related("by")
        return moving.prefetch_related(*RELATED)


def _counted(actions: Iterable["Action"], balance: Decimal) -> Iterator[Movement]:
    for action in actions:
        balance += action.delta
        yield Movement(action, balance)


def _rows(account: "Account", query: str, given: list[Any]) -> list[Any]:
    with connections[account._state.db or "default"].cursor() as cursor:
        cursor.execute(query, given)
        found: list[Any] = cursor.fetchall()
    return found
