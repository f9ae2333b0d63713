"""Balances as of a moment, from the running balances of the actions: found by index, never by summing them.

Every action has two times. By business time (`Clock.BUSINESS`, its `created`) a balance is what it should have been then
by all that is known today: what is booked later for a time before counts too. By recording time (`Clock.RECORDING`) it is
what the books said then, and never changes again. What happened at the very moment is included.

The search is in the database (`ledger_balance_at`): a bisection over the account's versions, and of those booked for a time
before the latest one only the back-dated are added. The cost grows with the logarithm of an account's actions and with how
many of them are back-dated. An account that has not moved since costs nothing: its own row answers.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, Case, DateTimeField, DecimalField, F, Func, QuerySet, Sum, Value, When

from ledger.choices import Clock
from ledger.errors import UnknownAccount
from ledger.shape import check_zone

if TYPE_CHECKING:
    from ledger.models.account import Account


class BalanceAt(Func):
    """The balance of the account of this id at a moment."""

    function = "ledger_balance_at"
    output_field = DecimalField(max_digits=19, decimal_places=4)

    def __init__(self, account: Any, moment: datetime, clock: Clock) -> None:
        business = Value(clock == Clock.BUSINESS, output_field=BooleanField())
        super().__init__(account, Value(moment, output_field=DateTimeField()), business)


class Total(NamedTuple):
    """What the balances of one entity in one currency came to, in units of the currency."""

    entity_id: int
    currency: str
    balance: Decimal


def balances(accounts: "QuerySet[Account]", moment: datetime, clock: Clock) -> Any:
    """Annotate accounts with `balance_then`, in units of their currencies. Raises InvalidMoment."""
    return accounts.annotate(balance_then=_then(moment, clock))


def balances_of(accounts: "QuerySet[Account]", uids: list[UUID], moment: datetime, clock: Clock) -> dict[UUID, Decimal]:
    """Return the balances of the accounts of these uids. Raises InvalidMoment, UnknownAccount."""
    found = dict(balances(accounts.filter(uid__in=uids), moment, clock).order_by().values_list("uid", "balance_then"))
    if missing := set(uids) - set(found):
        raise UnknownAccount(f"There is no account {min(map(str, missing))}.", uids=sorted(map(str, missing)))
    return found


def totals(accounts: "QuerySet[Account]", moment: datetime, clock: Clock) -> list[Total]:
    """Return what the balances of these accounts came to, for each entity and currency. One query; raises InvalidMoment."""
    groups = accounts.order_by().values("entity_id", "currency").annotate(total=Sum(_then(moment, clock)))
    return sorted(Total(group["entity_id"], group["currency"], group["total"]) for group in groups)


def by_currency(found: Iterable[Total]) -> dict[str, Decimal]:
    """Add up over entities, never over currencies; by currency, alphabetically."""
    result: dict[str, Decimal] = {}
    for total in sorted(found, key=lambda each: each.currency):
        result[total.currency] = result.get(total.currency, Decimal(0)) + total.balance
    return result


def _then(moment: datetime, clock: Clock) -> Any:
    """Return the expression of a balance at a moment; an account that has not moved since answers from its own row."""
    check_zone(moment)
    searched = BalanceAt(F("pk"), moment, clock)
    if clock == Clock.RECORDING:
        return searched
    return Case(When(latest__lte=moment, then=F("balance")), default=searched)
