"""Requests of the demo's bank: a threshold for the main currency, and requests in every state, for the inbox to show.

Made after the movements, which the threshold would have stopped. Asked for at the end of the demo's time or a day before
now, so that what waits does not expire at once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from backoffice.models import User
from backoffice.scope import acting, announce
from ledger.choices import LimitKind, Status
from ledger.demo.limits import CAUTIOUS_OFFICE
from ledger.models import Account, Approval, Limit

CURRENCY = "CZK"
THRESHOLD = Decimal(200_000)
PENDING = (
    (Decimal(250_000), "Inheritance, the notary's decision is in the mail"),
    (Decimal(480_000), "Sale of a flat, contract seen at the desk"),
    (Decimal(310_000), "Transfer from another bank, confirmed by phone"),
)


def set_requests(staff: dict[str, User], using: str) -> None:
    """Set the threshold, and ask and decide; once, whatever is loaded later."""
    if Limit.objects.using(using).filter(kind=LimitKind.APPROVAL, currency=CURRENCY).exists():
        return
    Limit.objects.using(using).create(kind=LimitKind.APPROVAL, currency=CURRENCY, amount=THRESHOLD)
    asked = timezone.now() - timedelta(hours=20)
    rich = Account.objects.using(using).filter(currency=CURRENCY, status=Status.OPEN, latest__lt=asked, limits=None)
    rich = rich.exclude(entity__code=CAUTIOUS_OFFICE)  # what its limits refuse cannot be asked for
    accounts = list(rich.order_by("-balance", "id")[3:9])
    if len(accounts) < len(PENDING) + 3:
        return
    agent, lead = staff["agent"], staff["lead"]
    with _by(agent, using):
        for account, (amount, comment) in zip(accounts, PENDING, strict=False):
            _ask(account, amount, comment, by=agent, asof=asked, using=using)
        Approval.request_limit(
            kind=LimitKind.MAX_BALANCE, currency=CURRENCY, amount=Decimal(25_000_000), account=accounts[0], by=agent,
            asof=asked, reason="The customer sells a company in spring", using=using,
        )  # fmt: skip
    _decided(accounts[len(PENDING) :], agent, lead, asked, using)


@contextmanager
def _by(person: User, using: str) -> Iterator[None]:
    """Have the record say that a person does it, and afterwards who did it before."""
    with acting(actor=person.pk, username=person.username, request_id=f"demo_data {person.username}", using=using):
        yield
    announce(using)


def _ask(account: Account, amount: Decimal, comment: str, *, by: User, asof: datetime, using: str) -> Approval:
    return Approval.request(
        verb="deposit", uid=account.uid, amount=amount, comment=comment, by=by, asof=asof, using=using
    )


def _decided(accounts: Sequence[Account], agent: User, lead: User, asked: datetime, using: str) -> None:
    """Decide an hour later: one is approved, one turned down, one fails. None posts: the number of actions is given."""
    decided = asked + timedelta(hours=1)
    with _by(agent, using):
        approved = Approval.request_limit(
            kind=LimitKind.MAX_WITHDRAWAL, currency=CURRENCY, amount=Decimal(50_000), account=accounts[0], by=agent,
            asof=asked, reason="As the customer wishes, after a stolen phone", using=using,
        )  # fmt: skip
        rejected = _ask(accounts[1], Decimal(900_000), "Gift", by=agent, asof=asked, using=using)
        failed = _ask(accounts[2], Decimal(260_000), "Back pay", by=agent, asof=asked, using=using)
    Limit.objects.using(using).create(
        kind=LimitKind.MAX_DEPOSIT, currency=CURRENCY, amount=Decimal(100_000), account=accounts[2]
    )
    with _by(lead, using):
        Approval.approve(uid=approved.uid, by=lead, asof=decided, comment="Called back", using=using)
        Approval.reject(
            uid=rejected.uid, by=lead, asof=decided, comment="Where the money comes from is not shown", using=using
        )
        Approval.approve(uid=failed.uid, by=lead, asof=decided, comment="Payslips seen", using=using)
