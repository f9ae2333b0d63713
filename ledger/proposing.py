"""The shape of a limit or a cap that somebody proposes: what has to hold before anybody is asked to approve it."""

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Required, TypedDict

from ledger import errors
from ledger.bounding import Bound
from ledger.choices import LimitKind
from ledger.shape import check_zone, valid_amount

if TYPE_CHECKING:
    from backoffice.models import Entity
    from ledger.models.account import Account

CURRENCY = re.compile("[A-Z]{3}")
NOT_ITS_OWN = "The account is in {}, the limit in {}."


class LimitRequest(TypedDict, total=False):
    """The keywords of a limit; `amount` None ends it."""

    kind: Required[str]
    currency: Required[str]
    amount: Required[Decimal | None]
    entity: "Entity | None"
    account: "Account | None"
    valid_from: datetime | None
    valid_until: datetime | None


def bound_of(asked: LimitRequest, *, asof: datetime, using: str) -> Bound:
    """Return the limit as it is asked for, where it can be one. One query. Errors are those of `Approval.request_limit`."""
    entity, account = asked.get("entity"), asked.get("account")
    kind, currency, amount = asked["kind"], asked["currency"], asked["amount"]
    if kind not in LimitKind.values:
        raise errors.InvalidLimit(f"There is no limit called {kind}.")
    if entity and account:
        raise errors.InvalidLimit("A limit is for an entity or for an account, not for both.")
    if account and account.currency != currency:
        raise errors.InvalidLimit(NOT_ITS_OWN.format(account.currency, currency))
    check_currency(currency, using)
    if amount is not None:
        check_bound(amount, currency)
    since, until = asked.get("valid_from"), asked.get("valid_until")
    check_time(since, until, asof)
    return Bound(
        kind=kind,
        currency=currency,
        amount=amount,
        entity_id=entity.pk if entity else None,
        account_id=account.pk if account else None,
        since=since,
        until=until,
    )


def check_time(since: datetime | None, until: datetime | None, asof: datetime) -> None:
    """Refuse a time that is over, and one without a zone."""
    for name, moment in (("begins", since), ("ends", until)):
        if moment is not None:
            check_zone(moment, f"moment at which the limit {name}")
    if since and since < asof:
        raise errors.InvalidMoment("A limit binds from its approval on, not before.", why="past")
    if until and until <= (since or asof):
        raise errors.InvalidLimit("The limit would be over before it begins.")


def check_currency(currency: str, using: str) -> None:
    """Refuse a currency that the ledger does not keep."""
    from ledger.models.cap import Cap  # noqa: PLC0415  the models import this module

    if not Cap.objects.using(using).filter(currency=currency).exists():
        raise errors.UnknownCurrency(f"The ledger keeps no {currency}: no cap is set for it.", currency=currency)


def check_bound(amount: Decimal, currency: str) -> None:
    """Refuse what is no amount; zero is one for a limit."""
    if not (isinstance(amount, Decimal) and amount == 0):
        valid_amount(amount, currency)


def check_ceiling(currency: str, ceiling: Decimal) -> None:
    """Refuse what is no cap; a currency that is new is kept from then on."""
    if not CURRENCY.fullmatch(currency):
        raise errors.UnknownCurrency("A currency is written as three capital letters, such as CZK.", currency=currency)
    check_bound(ceiling, currency)
