"""Account.withdraw: what differs from deposit."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Limit

pytestmark = pytest.mark.django_db


def test_withdraw_takes_the_amount_and_records_it(account: Account, agent: User, now: datetime) -> None:
    after, action = Account.withdraw(uid=account.uid, amount=Decimal("30.25"), by=agent, asof=now, comment="Cash")
    assert (after.balance, after.version, after.modified) == (Decimal("69.75"), 3, now)
    assert (action.type, action.delta, action.balance) == ("withdrawn", Decimal("-30.25"), Decimal("69.75"))


def test_withdraw_everything_leaves_zero(account: Account, agent: User) -> None:
    after, _ = Account.withdraw(uid=account.uid, amount=Decimal(100), by=agent, asof=timezone.now())
    assert after.balance == 0


def test_withdraw_more_than_the_balance_is_refused(account: Account, agent: User) -> None:
    with pytest.raises(errors.InsufficientFunds) as refusal:
        Account.withdraw(uid=account.uid, amount=Decimal("100.01"), by=agent, asof=timezone.now())
    assert str(refusal.value) == "CZK 100.01 is more than the available CZK 100.00."
    assert refusal.value.data == {"available": Decimal(100), "amount": Decimal("100.01"), "currency": "CZK"}
    account.refresh_from_db()
    assert (account.balance, account.version) == (Decimal(100), 2)


@pytest.mark.parametrize(("kind", "bound", "amount"), [("min_withdrawal", "10", "9"), ("max_withdrawal", "50", "51")])
def test_withdraw_names_the_limit_it_breaks(account: Account, agent: User, kind: str, bound: str, amount: str) -> None:
    Limit.objects.create(kind=kind, currency="CZK", account=account, amount=Decimal(bound))
    with pytest.raises(errors.ExceedsLimit) as refusal:
        Account.withdraw(uid=account.uid, amount=Decimal(amount), by=agent, asof=timezone.now())
    assert (refusal.value.data["limit"], refusal.value.data["scope"]) == (kind, "account")
    assert Account.withdraw(uid=account.uid, amount=Decimal(bound), by=agent, asof=timezone.now())


def test_preview_says_what_withdraw_then_does(account: Account, agent: User) -> None:
    request = {"uid": account.uid, "amount": Decimal(101), "by": agent, "asof": timezone.now()}
    foreseen = Account.withdraw_preview(**request)  # type: ignore[arg-type]  # keywords made by the test
    with pytest.raises(errors.InsufficientFunds) as refusal:
        Account.withdraw(**request)  # type: ignore[arg-type]  # as above
    assert str(foreseen.error) == str(refusal.value)
