"""A limit for an entity binds the accounts of its branch: the nearest one wins, and it follows the tree of entities."""

from datetime import datetime
from decimal import Decimal

import pytest

from backoffice.models import Entity, User
from ledger import errors
from ledger.choices import ActionType
from ledger.models import Account, Limit
from ledger.possible import what_is_possible
from ledger.posting import Posting
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(nord: Entity) -> Entity:
    """An entity above nord, and one above that."""
    top = Entity.objects.create(code="top", name="Top")
    group = Entity.objects.create(code="group", name="Group", parent=top)
    nord.parent = group
    nord.save()
    return group


def limit(amount: int, entity: Entity | None, kind: str = "max_deposit") -> Limit:
    return Limit.objects.create(kind=kind, currency="CZK", entity=entity, amount=Decimal(amount))


def most(account: Account) -> Decimal:
    return what_is_possible(account).deposit.most.amount


def test_a_limit_of_an_entity_binds_the_accounts_below_it(
    account: Account, agent: User, group: Entity, now: datetime
) -> None:
    assert group.parent
    limit(10, group.parent)
    with pytest.raises(errors.ExceedsLimit) as caught:
        Account.deposit(uid=account.uid, amount=Decimal(11), by=agent, asof=now)
    assert str(caught.value) == ("CZK 11.00 is over the maximum deposit of CZK 10.00 set for an entity above its own.")
    assert caught.value.data["scope"] == "entity"
    assert str(what_is_possible(account).deposit) == (
        "Between CZK 0.01 and CZK 10.00 now; the maximum deposit set for an entity above its own binds."
    )


def test_the_nearest_entity_wins_and_the_account_over_all(account: Account, group: Entity, nord: Entity) -> None:
    assert group.parent
    Limit.objects.filter(currency="CZK", kind="max_deposit").purge_from_db()
    limit(50, None)
    assert most(account) == 50
    limit(10, group.parent)
    assert most(account) == 10
    limit(30, group)  # nearer, and more: the nearest wins, not the least
    assert most(account) == 30
    limit(20, nord)
    assert most(account) == 20
    Limit.objects.create(kind="max_deposit", currency="CZK", account=account, amount=Decimal(40))
    assert most(account) == 40


def test_a_limit_binds_neither_above_nor_beside_its_entity(
    open_account: OpenAccount, account: Account, group: Entity
) -> None:
    limit(10, Entity.objects.create(code="below", name="Below", parent=account.entity))
    limit(10, Entity.objects.create(code="beside", name="Beside", parent=group))
    assert most(account) > 10


def test_a_limit_follows_the_tree(account: Account, group: Entity, nord: Entity) -> None:
    row = limit(10, group)
    assert most(account) == 10
    nord.parent = None
    nord.save()
    assert most(account) > 10
    Entity.objects.filter(pk=nord.pk).update(parent=group)
    assert most(account) == 10
    row.refresh_from_db()
    assert row.branch == sorted([group.pk, nord.pk])
    assert Limit.history.filter(id=row.pk).count() == 1  # the tree changed, not the limit


def test_nobody_writes_a_branch_that_the_tree_does_not_say(account: Account, group: Entity, nord: Entity) -> None:
    row = limit(10, nord)
    Limit.objects.filter(pk=row.pk).update(branch=[])
    assert most(account) == 10
    row.refresh_from_db()
    row.entity = group
    row.save()
    row.refresh_from_db()
    assert row.branch == sorted([group.pk, nord.pk])


def test_a_large_batch_reads_the_same_limits_as_a_single_posting(
    open_account: OpenAccount, agent: User, group: Entity, nord: Entity, now: datetime
) -> None:
    assert group.parent
    limit(10, group.parent)
    limit(30, group)
    accounts = [open_account() for _ in range(6)]

    def asked(amount: int) -> list[Posting]:
        return [
            Posting(type=ActionType.DEPOSITED, uid=each.uid, amount=Decimal(amount), by=agent, asof=now)
            for each in accounts
        ]

    assert {outcome.error for outcome in Account.preview_batch(asked(30))} == {None}
    refused = {str(outcome.error) for outcome in Account.preview_batch(asked(31))}
    assert refused == {"CZK 31.00 is over the maximum deposit of CZK 30.00 set for an entity above its own."}
    limit(20, nord)
    refused = {str(outcome.error) for outcome in Account.preview_batch(asked(30))}
    assert refused == {"CZK 30.00 is over the maximum deposit of CZK 20.00 set for its entity."}
