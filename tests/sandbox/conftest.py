"""Two databases with people and accounts of their own, and browsers of those who may use the sandbox."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client

from backoffice.grants import grant
from backoffice.models import Entity, User
from ledger.models import Account, Limit
from sandbox.models import Refresh
from tests.cast import LONG_AGO

OpenThere = Callable[..., Account]


class Recorder:
    """Every statement of a block, by the alias it went to."""

    def __init__(self) -> None:
        self.statements: dict[str, list[str]] = {"default": [], "sandbox": []}

    def __call__(self, alias: str) -> Callable[..., Any]:
        def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            self.statements[alias].append(str(sql))
            return execute(sql, params, many, context)

        return note


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record what is asked of both databases."""
    recorder = Recorder()
    with ExitStack() as stack:
        for alias in recorder.statements:
            stack.enter_context(connections[alias].execute_wrapper(recorder(alias)))
        yield recorder


@pytest.fixture
def analyst() -> User:
    """Jun, who may use the sandbox and nothing else; a user of the console."""
    person = User.objects.create_user("jun", password="correct horse battery", is_staff=True, first_name="Jun")
    person.user_permissions.add(Permission.objects.get(codename="use_sandbox"))
    return person


@pytest.fixture
def filled() -> None:
    """The sandbox as a refresh leaves it behind, without its rows."""
    Refresh.objects.using("sandbox").create(users=0, accounts=0, actions=0)


@pytest.fixture
def open_there(filled: None) -> OpenThere:
    """Open accounts in the sandbox: `open_there("100")`. Ids are far from those of live, as after a refresh."""
    there = "sandbox"
    entity = Entity.objects.using(there).create(pk=10**12, code="sandnord", name="Sandnord")
    clerk = User.objects.using(there).create(pk=10**12, username="clerk", is_staff=True)

    def _open(balance: str = "0", name: str = "Petra Kolar") -> Account:
        number = 10**12 + User.objects.using(there).count()
        first, _, last = name.partition(" ")
        customer = User.objects.using(there).create(
            pk=number, username=f"masked{number}", first_name=first, last_name=last, email=f"{number}@example.com"
        )
        asof = LONG_AGO + timedelta(days=1)
        account, _ = Account.create(user=customer, entity=entity, currency="CZK", by=clerk, asof=LONG_AGO, using=there)
        if Decimal(balance):
            account, _ = Account.deposit(uid=account.uid, amount=Decimal(balance), by=clerk, asof=asof, using=there)
        return account

    return _open


@pytest.fixture
def sandbox(client: Client, admin: User, filled: None) -> Client:
    """A browser of an administrator, who sees all entities in either place."""
    client.force_login(admin)
    return client


@pytest.fixture
def own(client: Client, analyst: User, open_there: OpenThere) -> Account:
    """An account of the one entity that the analyst, who is logged in, works on."""
    account = open_there("100")
    grant(analyst, Entity.objects.create(pk=account.entity_id, code="nord", name="Nord"))
    Entity.objects.using("sandbox").create(code="sued", name="Süd")
    Limit.objects.using("sandbox").filter(entity=None, account=None, kind="max_deposit").delete()
    client.force_login(analyst)
    return account
