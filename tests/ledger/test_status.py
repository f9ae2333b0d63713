"""Opening, freezing, unfreezing and closing: what each status allows."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from backoffice.models import Entity, User
from ledger import errors
from ledger.choices import ActionType, Status
from ledger.models import Account, Action
from ledger.posting import Posting
from ledger.rules import ALLOWED
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db


def turn(account: Account, by: User, *types: str) -> Account:
    for kind in types:
        request = {"uid": account.uid, "by": by, "asof": timezone.now(), "comment": "Reason"}
        account, _ = getattr(Account, kind)(**request)
    return account


def test_create_opens_an_empty_account_and_records_it(nord: Entity, agent: User) -> None:
    customer = User.objects.create(username="jana")
    account, action = Account.create(user=customer, entity=nord, currency="EUR", by=agent, asof=LONG_AGO)
    assert (account.balance, account.status, account.version) == (0, "open", 1)
    assert (account.created, account.modified) == (LONG_AGO, LONG_AGO)
    assert (action.type, action.delta, action.version, action.created, action.by) == ("created", 0, 1, LONG_AGO, agent)


def test_a_customer_has_one_account_at_most(account: Account, nord: Entity, agent: User) -> None:
    with pytest.raises(errors.AlreadyHasAccount):
        Account.create(user=account.user, entity=nord, currency="EUR", by=agent, asof=LONG_AGO)
    assert Account.objects.count() == 1


def test_not_every_user_has_an_account(agent: User) -> None:
    assert not Account.objects.filter(user=agent).exists()


def test_an_account_of_a_currency_without_a_cap_is_refused(nord: Entity, agent: User) -> None:
    with pytest.raises(errors.UnknownCurrency, match="XXX"):
        Account.create(user=agent, entity=nord, currency="XXX", by=agent, asof=LONG_AGO)


@pytest.mark.parametrize("asof", [datetime(2025, 1, 1), datetime(2100, 1, 1, tzinfo=LONG_AGO.tzinfo)])  # noqa: DTZ001
def test_create_refuses_an_impossible_moment(nord: Entity, agent: User, asof: datetime) -> None:
    with pytest.raises(errors.InvalidMoment):
        Account.create(user=agent, entity=nord, currency="EUR", by=agent, asof=asof)
    assert not Account.objects.exists()


def test_freeze_stops_money_both_ways_until_unfreeze(account: Account, agent: User) -> None:
    frozen = turn(account, agent, "freeze")
    assert (frozen.status, frozen.balance) == ("frozen", Decimal(100))
    for verb in (Account.deposit, Account.withdraw):
        with pytest.raises(errors.AccountFrozen):
            verb(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    assert turn(account, agent, "unfreeze").status == "open"
    assert Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())[0].balance == Decimal(101)


def test_status_changes_are_in_the_record_with_their_reason(account: Account, agent: User) -> None:
    turn(account, agent, "freeze", "unfreeze")
    record = (
        Action.objects.filter(account=account).order_by("version").values_list("type", "status", "delta", "comment")
    )
    assert list(record)[2:] == [("frozen", "frozen", 0, "Reason"), ("unfrozen", "open", 0, "Reason")]


@pytest.mark.parametrize("verb", ["freeze", "unfreeze", "close"])
def test_status_changes_need_a_reason(open_account: OpenAccount, agent: User, verb: str) -> None:
    account = open_account()
    if verb == "unfreeze":
        turn(account, agent, "freeze")
    with pytest.raises(errors.ReasonRequired):
        getattr(Account, verb)(uid=account.uid, by=agent, asof=timezone.now(), comment="  ")


def test_close_needs_an_empty_account(account: Account, agent: User) -> None:
    with pytest.raises(errors.NotEmpty, match=r"CZK 100\.00"):
        turn(account, agent, "close")


def test_closed_is_for_good(open_account: OpenAccount, agent: User) -> None:
    account = turn(open_account(), agent, "close")
    assert account.status == "closed"
    for verb in ("freeze", "unfreeze"):
        with pytest.raises(errors.AccountClosed):
            turn(account, agent, verb)
    with pytest.raises(errors.AccountClosed):
        Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())


@pytest.mark.parametrize(("first", "verb"), [("freeze", "freeze"), ("", "unfreeze"), ("close", "close")])
def test_the_status_it_has_already_is_refused(open_account: OpenAccount, agent: User, first: str, verb: str) -> None:
    account = turn(open_account(), agent, *filter(None, [first]))
    with pytest.raises(errors.StatusUnchanged):
        turn(account, agent, verb)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", [kind for kind in ActionType if kind != ActionType.CREATED])
def test_what_a_status_allows_is_its_table(
    open_account: OpenAccount, agent: User, status: Status, kind: ActionType
) -> None:
    account, other = open_account("0"), open_account("0")
    if status != Status.OPEN:
        turn(account, agent, "freeze" if status == Status.FROZEN else "close")
    amount = Decimal(0) if kind not in {ActionType.DEPOSITED, ActionType.WITHDRAWN} else Decimal(1)
    uid, to = account.uid, other.uid if kind == ActionType.TRANSFERRED_OUT else None
    if kind == ActionType.TRANSFERRED_IN:  # comes with the leg that goes out of another account
        other, _ = Account.deposit(uid=other.uid, amount=Decimal(1), by=agent, asof=timezone.now())
        kind, amount, uid, to = ActionType.TRANSFERRED_OUT, Decimal(1), other.uid, account.uid
    posting = Posting(type=kind, uid=uid, by=agent, asof=timezone.now(), amount=amount, comment="Reason", to=to)
    [outcome] = Account.post_batch([posting])
    refused_by_status = (errors.AccountFrozen, errors.AccountClosed, errors.StatusUnchanged)
    assert isinstance(outcome.error, refused_by_status) is (kind not in ALLOWED[status])


def test_a_second_creation_is_refused(account: Account, agent: User) -> None:
    posting = Posting(type=ActionType.CREATED, uid=account.uid, by=agent, asof=timezone.now())
    [outcome] = Account.post_batch([posting])
    assert isinstance(outcome.error, errors.StatusUnchanged)
