"""Limits of the demo's bank: some accounts and one entity have their own, close to what they hold."""

from collections.abc import Sequence
from decimal import Decimal

from backoffice.models import Entity
from ledger.choices import LimitKind, Status
from ledger.demo.people import Person
from ledger.models import Account, Limit

EVERY = 97  # customers, one has a limit of the account's own
TURNOVER = {LimitKind.DAILY_TURNOVER: 7, LimitKind.MONTHLY_TURNOVER: 8}  # of EVERY, the customer who has it
CAUTIOUS_OFFICE = "ostrava"  # takes no fortunes
LARGEST_DEPOSIT_THERE = Decimal(150_000)  # more than any salary


def set_limits(block: Sequence[Person], using: str) -> None:
    """Set limits as rows, after the movements they would have refused: limits bind at the time of recording."""
    uids = [person.uid for person in block if person.number % EVERY == 1]
    near = Account.objects.using(using).filter(uid__in=uids, status=Status.OPEN, balance__gt=0).order_by("id")
    Limit.objects.using(using).bulk_create(
        Limit(
            kind=LimitKind.MAX_BALANCE, currency=account.currency, account=account, amount=_just_over(account.balance)
        )
        for account in near
    )
    for kind, number in TURNOVER.items():
        uids = [person.uid for person in block if person.number % EVERY == number]
        watched = Account.objects.using(using).filter(uid__in=uids, status=Status.OPEN, turnover__gt=0).order_by("id")
        Limit.objects.using(using).bulk_create(
            Limit(kind=kind, currency=account.currency, account=account, amount=_just_over(account.turnover))
            for account in watched
        )
    Limit.objects.using(using).get_or_create(
        kind=LimitKind.MAX_DEPOSIT,
        currency="CZK",
        entity=Entity.objects.using(using).get(code=CAUTIOUS_OFFICE),
        defaults={"amount": LARGEST_DEPOSIT_THERE},
    )


def _just_over(balance: Decimal) -> Decimal:
    """Return the amount rounded up to its second digit: 13,250 becomes 14,000."""
    step = Decimal(10) ** (balance.adjusted() - 1)
    return (balance // step + 1) * step
