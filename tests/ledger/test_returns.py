"""Action.reverse and Action.refund: at most once, never more than there was, by the same rules as any posting."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Action, Cap, Limit
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db


@pytest.fixture
def deposited(account: Account, agent: User, now: datetime) -> Action:
    """CZK 40.00 that came to Jana's account, which holds 140.00 now."""
    return Account.deposit(uid=account.uid, amount=Decimal(40), by=agent, asof=now)[1]


def back(action: Action, now: datetime, **more: Any) -> Any:
    return {"uid": action.uid, "by": action.by, "asof": now, "comment": "Booked twice", **more}


def balance(account: Account) -> Decimal:
    return Account.objects.get(pk=account.pk).balance


def test_reverse_takes_a_deposit_back(account: Account, deposited: Action, now: datetime) -> None:
    [action] = Action.reverse(**back(deposited, now))
    assert (action.type, action.delta, action.balance, action.reverses) == ("reversed", -40, 100, deposited)
    assert balance(account) == 100


def test_reverse_gives_a_withdrawal_back(account: Account, agent: User, now: datetime) -> None:
    _, withdrawn = Account.withdraw(uid=account.uid, amount=Decimal(60), by=agent, asof=now)
    [action] = Action.reverse(**back(withdrawn, now))
    assert (action.delta, balance(account)) == (60, 100)


def test_reverse_of_either_leg_takes_the_whole_transfer_back(
    open_account: OpenAccount, agent: User, now: datetime
) -> None:
    source, target = open_account("100"), open_account("5")
    legs = Account.transfer(uid=source.uid, to=target.uid, amount=Decimal(30), by=agent, asof=now)
    undone = Action.reverse(**back(legs[1][1], now))
    assert [(a.account_id, a.delta) for a in undone] == [(target.pk, -30), (source.pk, 30)]
    assert undone[0].transfer == undone[1].transfer != legs[0][1].transfer
    assert (balance(source), balance(target)) == (100, 5)
    with pytest.raises(errors.AlreadyReversed):
        Action.reverse(**back(legs[0][1], now))


def test_reverse_twice_is_refused(account: Account, deposited: Action, now: datetime) -> None:
    Action.reverse(**back(deposited, now))
    with pytest.raises(errors.AlreadyReversed, match=r"CZK 40\.00 of .* went back before"):
        Action.reverse(**back(deposited, now))
    assert balance(account) == 100


def test_reverse_needs_a_reason(deposited: Action, now: datetime) -> None:
    with pytest.raises(errors.ReasonRequired):
        Action.reverse(**back(deposited, now, comment=" "))


def test_reverse_of_what_is_spent_is_refused(account: Account, deposited: Action, agent: User, now: datetime) -> None:
    Account.withdraw(uid=account.uid, amount=Decimal(101), by=agent, asof=now)
    with pytest.raises(errors.InsufficientFunds):
        Action.reverse(**back(deposited, now))


def test_reverse_on_a_frozen_account_is_refused(
    account: Account, deposited: Action, agent: User, now: datetime
) -> None:
    Account.freeze(uid=account.uid, by=agent, asof=now, comment="Fraud")
    with pytest.raises(errors.AccountFrozen):
        Action.reverse(**back(deposited, now))


def test_reverse_of_a_withdrawal_passes_neither_maximum_balance_nor_cap(
    open_account: OpenAccount, agent: User, now: datetime
) -> None:
    Cap.set(currency="KWD", ceiling=Decimal(100))
    account = open_account("100", "KWD")
    _, withdrawn = Account.withdraw(uid=account.uid, amount=Decimal(60), by=agent, asof=now)
    Cap.set(currency="KWD", ceiling=Decimal(90))
    with pytest.raises(errors.ExceedsCap):
        Action.reverse(**back(withdrawn, now))
    Limit.objects.create(kind="max_balance", currency="KWD", account=account, amount=Decimal(99))
    with pytest.raises(errors.ExceedsLimit) as refusal:
        Action.reverse(**back(withdrawn, now))
    assert refusal.value.data["limit"] == "max_balance"


@pytest.mark.parametrize("kind", ["created", "frozen", "reversed"])
def test_reverse_of_what_cannot_go_back_is_refused(
    account: Account, deposited: Action, agent: User, now: datetime, kind: str
) -> None:
    Action.reverse(**back(deposited, now))
    Account.freeze(uid=account.uid, by=agent, asof=now, comment="Fraud")
    Account.unfreeze(uid=account.uid, by=agent, asof=now, comment="Cleared")
    with pytest.raises(errors.LedgerError) as refusal:
        Action.reverse(**back(Action.objects.filter(account=account).get(type=kind), now))
    assert refusal.value.code in {"not_reversible", "invalid_amount"}


def test_reverse_of_an_unknown_action_is_refused(deposited: Action, now: datetime) -> None:
    with pytest.raises(errors.UnknownAction):
        Action.reverse(**back(deposited, now, uid=uuid4()))


def test_refunds_never_come_to_more_than_the_original(account: Account, deposited: Action, now: datetime) -> None:
    Action.refund(amount=Decimal(15), **back(deposited, now))
    Action.refund(amount=Decimal(20), **back(deposited, now))
    with pytest.raises(errors.ExceedsOriginal, match=r"CZK 5\.01 is more than the CZK 5\.00 of"):
        Action.refund(amount=Decimal("5.01"), **back(deposited, now))
    Action.refund(amount=Decimal(5), **back(deposited, now))
    with pytest.raises(errors.AlreadyReversed):
        Action.refund(amount=Decimal("0.01"), **back(deposited, now))
    assert balance(account) == 100


def test_reverse_after_a_refund_is_refused(deposited: Action, now: datetime) -> None:
    Action.refund(amount=Decimal(15), **back(deposited, now))
    with pytest.raises(errors.AlreadyReversed, match=r"CZK 15\.00"):
        Action.reverse(**back(deposited, now))


def test_refund_of_a_transfer_moves_both_accounts(open_account: OpenAccount, agent: User, now: datetime) -> None:
    source, target = open_account("100"), open_account("5")
    (_, out), _ = Account.transfer(uid=source.uid, to=target.uid, amount=Decimal(30), by=agent, asof=now)
    Action.refund(amount=Decimal(10), **back(out, now))
    assert (balance(source), balance(target)) == (80, 25)


def test_reverse_repeated_under_its_key_returns_the_first_result(deposited: Action, now: datetime) -> None:
    first = Action.reverse(**back(deposited, now, idempotency_key="k"))
    assert Action.reverse(**back(deposited, now, idempotency_key="k")) == first


def test_what_goes_back_is_no_turnover(account: Account, deposited: Action, now: datetime) -> None:
    before = Account.objects.get(pk=account.pk).turnover
    Action.reverse(**back(deposited, now))
    assert Account.objects.get(pk=account.pk).turnover == before == 140


def test_preview_of_a_reversal_is_what_it_then_does(deposited: Action, now: datetime) -> None:
    foreseen = Action.reverse_preview(**back(deposited, now))
    [action] = Action.reverse(**back(deposited, now))
    assert [(a.delta, a.balance) for a in foreseen.actions] == [(action.delta, action.balance)]
    assert Action.refund_preview(amount=Decimal(1), **back(deposited, now)).error


@pytest.mark.parametrize("change", [("reversed", -39), ("refunded", -41), ("refunded", 40)])
def test_database_refuses_to_give_back_more_or_other_than_there_was(
    account: Account, deposited: Action, agent: User, now: datetime, change: tuple[str, int]
) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, turnover, status, version,
                created, latest, reference_type, external_reference, comment, by_id, reverses_id)
            SELECT id, entity_id, currency, %s, %s, balance + %s, turnover, 'open', version + 1, %s, greatest(latest, %s), 'none', '',
                'x', %s, %s FROM ledger_account WHERE id = %s
            """,
            [change[0], change[1], change[1], now, now, agent.pk, deposited.pk, account.pk],
        )
    assert "goes back" in str(refusal.value)
