"""`Model.objects.as_of(moment)`: filters, joins and relations of the past, and one answer where timestamps are equal."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from backoffice.models import Entity, User
from imports.models import Import
from ledger.models import Account, Action, Hold, Limit
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db


def moment() -> datetime:
    """Return the database's clock, between two of its own ticks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.002)")
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        cursor.execute("SELECT pg_sleep(0.002)")
    return now


def test_rows_are_filtered_sorted_and_counted_as_they_stood(nord: Entity) -> None:
    Entity.objects.create(code="sud", name="Sud")
    before = moment()
    Entity.objects.filter(code="nord").update(name="Z")
    Entity.objects.create(code="new", name="New")
    past = Entity.objects.as_of(before)
    assert [entity.name for entity in past.order_by("name")] == ["Nordbank", "Sud"]
    assert (past.filter(name="Nordbank").count(), past.filter(name="Z").exists(), past.count()) == (1, False, 2)
    assert list(past.filter(code="nord").values_list("name", flat=True)) == ["Nordbank"]
    assert past.get(pk=nord.pk).name == "Nordbank"
    assert Entity.objects.filter(code__startswith="n").as_of(moment()).count() == 2


def test_deleted_and_void_rows_are_there_before_and_not_after(nord: Entity) -> None:
    other = Entity.objects.create(code="sud", name="Sud")
    before = moment()
    other.purge_from_db()
    nord.delete()
    assert Entity.objects.as_of(before).count() == 2
    assert list(Entity.objects.as_of(moment())) == []
    assert list(Entity.objects.as_of(LONG_AGO)) == []


def test_joins_and_subqueries_are_of_the_moment_too(nord: Entity, account: Account) -> None:
    Limit.objects.create(kind="max_balance", currency="CZK", amount=9, entity=nord)
    before = moment()
    Entity.objects.update(name="Later")
    assert Limit.objects.as_of(before).filter(entity__name="Nordbank").count() == 1
    assert Limit.objects.as_of(before).filter(entity__in=Entity.objects.filter(name="Nordbank")).count() == 1
    [limit] = Limit.objects.as_of(before).filter(entity=nord).select_related("entity")
    assert str(limit.entity) == "Nordbank"
    counted = Entity.objects.as_of(before).annotate(number=Count("limits")).values_list("name", "number")
    assert list(counted) == [("Nordbank", 1)]
    assert Account.objects.as_of(before).filter(user__first_name="Jana").get().entity.name == "Nordbank"


def test_relations_lead_to_the_same_moment(nord: Entity, account: Account) -> None:
    group = Group.objects.create(name="Night shift")
    account.user.groups.add(group)
    Limit.objects.create(kind="max_balance", currency="CZK", amount=9, entity=nord)
    before = moment()
    account.user.groups.clear()
    Entity.objects.update(name="Later")
    Limit.objects.update(amount=10)
    User.objects.filter(pk=account.user_id).update(first_name="Eva")
    then = Account.objects.as_of(before).get()
    assert (then.entity.name, then.user.first_name, then.user.account.user.first_name) == ("Nordbank", "Jana", "Jana")
    assert [limit.amount for limit in then.entity.limits.all()] == [Decimal(9)]
    assert list(then.user.groups.all()) == [group]
    assert list(account.user.groups.all()) == []
    [entity] = Entity.objects.as_of(before).prefetch_related("limits", "accounts__user")
    assert [limit.amount for limit in entity.limits.all()] == [Decimal(9)]
    assert [each.user.first_name for each in entity.accounts.all()] == ["Jana"]


def test_accounts_have_the_balance_of_the_moment_and_are_not_sought_by_it(
    open_account: OpenAccount, agent: User
) -> None:
    account = open_account("100")
    before = moment()
    Account.withdraw(uid=account.uid, amount=Decimal(40), by=agent, asof=timezone.now())
    [then] = Account.objects.as_of(before)
    assert (then.balance, then.version, then.status) == (100, 2, "open")
    [user] = User.objects.as_of(before).filter(pk=account.user_id).select_related("account")
    assert user.account.balance == 100
    for how in ({"balance__gt": 0}, {"user__account__version": 2}):
        with pytest.raises(FieldError, match="is not captured"):
            Account.objects.as_of(before).filter(**how)
    with pytest.raises(FieldError, match="is not captured"):
        Account.objects.as_of(before).order_by("-balance")


def test_actions_and_holds_stand_as_the_actions_until_then_say(open_account: OpenAccount, agent: User) -> None:
    account = open_account("100")
    hold, placed = Hold.place(uid=account.uid, amount=Decimal(30), by=agent, asof=timezone.now())
    before = moment()
    _, captured = Hold.capture(uid=hold.uid, amount=Decimal(10), by=agent, asof=timezone.now())
    after = moment()
    assert Action.objects.as_of(before).latest() == placed
    assert (Action.objects.as_of(before).count(), Action.objects.as_of(after).latest()) == (3, captured)
    for at, *told in ((before, "pending", 0, None, 100, 30), (after, "captured", 10, captured, 90, 0)):
        [then] = Hold.objects.as_of(at).select_related("account", "resolved")
        assert [then.state, then.captured, then.resolved, then.account.balance, then.account.held] == told
        assert Hold.objects.as_of(at).get(state=told[0], account__user=account.user) == hold
    stood = Account.objects.as_of(before).get()
    assert (stood.actions.count(), [each.state for each in stood.holds.all()]) == (3, ["pending"])
    assert not Hold.objects.as_of(LONG_AGO).exists()


def test_the_past_is_not_changed(nord: Entity) -> None:
    past = Entity.objects.as_of(moment())
    with pytest.raises(TypeError, match="cannot be changed"):
        past.update(name="Forged")
    with pytest.raises(TypeError, match="cannot be changed"):
        past.delete()
    assert Entity.objects.get().name == "Nordbank"


def test_what_is_not_captured_has_no_past() -> None:
    with pytest.raises(TypeError, match="not captured"):
        Import.objects.as_of(LONG_AGO)
    with pytest.raises(ValueError, match="time zone"):
        Entity.objects.as_of(datetime(2026, 1, 1))  # noqa: DTZ001  that is the point
