"""Changes of limits and caps as requests: what is asked for, what it would do, and doing it.

A change cuts its own time out of the limits of the same kind and subject that stand there, and puts itself in: the limit
before ends where it begins, and comes back where it ends. Nothing is overwritten: a limit that never began to bind is
voided. Locks: the subject (advisory), then the branches (advisory, as whoever changes the tree of entities), then its rows.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.db import connections
from django.utils import timezone
from django.utils.formats import date_format
from psycopg.types.range import TimestamptzRange

from backoffice.effects import Effect
from ledger import errors
from ledger.choices import LimitKind
from ledger.money import written

if TYPE_CHECKING:
    from ledger.models.limit import Limit

ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
BRANCHES = "ledger_branches"  # what the triggers of limits and entities lock before any row


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A limit as it is asked for; `amount` None ends it. `since` None is the moment of approval, `until` None no end."""

    kind: str
    currency: str
    amount: Decimal | None
    entity_id: int | None = None
    account_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def as_json(self) -> dict[str, Any]:
        """The same as JSON: amounts as text, moments in ISO 8601."""
        return {
            "kind": self.kind,
            "currency": self.currency,
            "amount": None if self.amount is None else str(self.amount),
            "entity": self.entity_id,
            "account": self.account_id,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
        }

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Self:
        """Return what `as_json` made."""
        moments = {name: kept[name] and datetime.fromisoformat(kept[name]) for name in ("since", "until")}
        return cls(
            kind=kept["kind"],
            currency=kept["currency"],
            amount=None if kept["amount"] is None else Decimal(kept["amount"]),
            entity_id=kept["entity"],
            account_id=kept["account"],
            **moments,
        )

    def beginning(self, earliest: datetime) -> Self:
        """Return the bound as it begins where it cannot begin before `earliest`."""
        return replace(self, since=max(self.since or earliest, earliest))

    @property
    def name(self) -> str:
        """What the bound is called: `Maximum deposit for this account`."""
        subject = "this account" if self.account_id else "this entity" if self.entity_id else f"all of {self.currency}"
        return f"{LimitKind(self.kind).label} for {subject}"


def effects(bound: Bound, using: str) -> tuple[Effect, ...]:
    """Return what the change would do now. Two queries.

    Raises:
        InvalidLimit: it is over before it begins, there is nothing to end, or nothing would change.
    """
    return _effects(bound, bound.beginning(_now(using)), using)


def _now(using: str) -> datetime:
    """Return the moment by the database's clock, by which limits bind."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [(now,)] = cursor.fetchall()
    moment: datetime = now
    return moment


def alone(what: str, using: str) -> None:
    """Let nobody else do something until the end of the transaction: wait for an advisory lock, and keep it."""
    with connections[using].cursor() as cursor:
        cursor.execute(ALONE, [what])


def _effects(bound: Bound, begun: Bound, using: str) -> tuple[Effect, ...]:
    rows = _standing(begun, using)
    _check(begun, rows)
    before = next((row.amount for row in rows if begun.since in row.valid), None)
    words = "now" if bound.since is None else _moment(bound.since)
    after = _amount(bound.amount, bound.currency)
    back = [row for row in rows if bound.until and bound.until in row.valid]
    if bound.until:
        then = _amount(back[0].amount if back else None, bound.currency)
        after = f"{after} from {words} until {_moment(bound.until)}, then {then}"
    elif bound.since:
        after = f"{after} from {words} on"
    return (Effect(what=bound.name, before=_amount(before, bound.currency), after=after),)


def carry_out(bound: Bound, using: str) -> tuple[Effect, ...]:
    """Set or end the limit, and return what that did. Needs a transaction; errors as in `effects`.

    It begins now and not at the moment that whoever approves gives: which limit bound in the past is never rewritten.
    """
    subject = f"limit/{bound.kind}/{bound.currency}/{bound.entity_id}/{bound.account_id}"
    alone(subject, using)
    alone(BRANCHES, using)  # before a row is cut: a new entity locks it, and then the rows
    begun = bound.beginning(_now(using))
    done = _effects(bound, begun, using)
    rows = _standing(begun, using)
    new = [_piece(row.amount, bound.until, row.valid.upper, bound) for row in rows if _outlasts(row, bound)]
    for row in rows:
        _cut(row, begun.since, using)
    if bound.amount is not None:
        new.append(_piece(bound.amount, begun.since, bound.until, bound))
    for limit in new:
        limit.save(using=using, force_insert=True)
    return done


def _standing(begun: Bound, using: str) -> "list[Limit]":
    """Return the limits of the kind and subject that stand in the bound's time, the earliest first."""
    from ledger.models.limit import Limit  # noqa: PLC0415  the models import this module

    if begun.until and begun.since and begun.until <= begun.since:
        raise errors.InvalidLimit("The limit would be over before it begins.")
    subject = {"entity": begun.entity_id, "account": begun.account_id}
    of_kind = Limit.objects.using(using).filter(kind=begun.kind, currency=begun.currency, **subject)
    return list(of_kind.filter(valid__overlap=TimestamptzRange(begun.since, begun.until)).order_by("valid"))


def _check(begun: Bound, rows: "list[Limit]") -> None:
    if begun.amount is None and not rows:
        raise errors.InvalidLimit("There is no such limit to end.")
    if any(row.amount == begun.amount and row.valid.upper == begun.until and begun.since in row.valid for row in rows):
        raise errors.InvalidLimit("That is the limit already.")


def _outlasts(row: "Limit", bound: Bound) -> bool:
    return bound.until is not None and (row.valid.upper is None or row.valid.upper > bound.until)


def _piece(amount: Decimal, lower: datetime | None, upper: datetime | None, bound: Bound) -> "Limit":
    from ledger.models.limit import Limit  # noqa: PLC0415  the models import this module

    return Limit(
        kind=bound.kind,
        currency=bound.currency,
        entity_id=bound.entity_id,
        account_id=bound.account_id,
        amount=amount,
        valid=TimestamptzRange(lower, upper),
    )


def _cut(row: "Limit", since: datetime | None, using: str) -> None:
    """End a limit where the new one begins; one that would begin later is void."""
    if row.valid.lower is None or (since and row.valid.lower < since):
        row.valid = TimestamptzRange(row.valid.lower, since)
        row.save(using=using, update_fields=["valid"])
    else:
        row.delete()


def _amount(amount: Decimal | None, currency: str) -> str:
    return "none" if amount is None else written(amount, currency)


def _moment(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")
