"""The cast of all tests: who works here, who banks here, and on whose books."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from backoffice.grants import grant
from backoffice.models import Entity, User
from ledger.models import Account

PASSWORD = "correct horse battery"
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
OpenAccount = Callable[..., Account]


@pytest.fixture
def nord() -> Entity:
    """A legal entity."""
    return Entity.objects.create(code="nord", name="Nordbank")


@pytest.fixture
def agent(nord: Entity) -> User:
    """A support agent who works on nord; what an agent may do is given by groups, here only that they exist."""
    agent = User.objects.create_user("agent", password=PASSWORD, is_staff=True)
    grant(agent, nord)
    return agent


@pytest.fixture
def admin() -> User:
    """An administrator."""
    return User.objects.create_superuser("admin", password=PASSWORD)


@pytest.fixture
def open_account(nord: Entity, agent: User) -> OpenAccount:
    """Open accounts: `open_account(balance="100", currency="CZK", name="Jana Nova")`."""

    def _open(balance: str = "0", currency: str = "CZK", name: str = "Jana Nova", using: str = "default") -> Account:
        number = User.all_objects_including_void().using(using).count()
        first, _, last = name.partition(" ")
        customer = User.objects.using(using).create(
            username=f"customer{number}", first_name=first, last_name=last, email=f"customer{number}@example.com"
        )
        account, _ = Account.create(user=customer, entity=nord, currency=currency, by=agent, asof=LONG_AGO, using=using)
        if Decimal(balance):
            account, _ = Account.deposit(
                uid=account.uid,
                amount=Decimal(balance),
                by=agent,
                asof=LONG_AGO + timedelta(days=1),
                using=using,
            )
        return account

    return _open


@pytest.fixture
def account(open_account: OpenAccount) -> Account:
    """Jana's open account with CZK 100.00 on it."""
    return open_account("100")


@pytest.fixture
def now() -> datetime:
    """The moment of the test."""
    return timezone.now()
