"""Account.transfer: both legs or none, and nothing of the cap."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Action, Cap, Headroom, Limit
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db


def request(source: Account, target: Account, by: User, asof: datetime, amount: str = "30", **more: Any) -> Any:
    return {"uid": source.uid, "to": target.uid, "amount": Decimal(amount), "by": by, "asof": asof, **more}


def test_transfer_moves_the_amount_in_two_legs(open_account: OpenAccount, agent: User, now: datetime) -> None:
    source, target = open_account("100"), open_account("5")
    (sender, out), (receiver, into) = Account.transfer(**request(source, target, agent, now, comment="Rent"))
    assert (sender.balance, receiver.balance) == (Decimal(70), Decimal(35))
    assert (out.type, out.delta, into.type, into.delta) == ("transferred_out", -30, "transferred_in", 30)
    assert (out.transfer, out.counterparty_id, into.counterparty_id) == (into.transfer, target.pk, source.pk)
    assert out.counterparts() == [into]


def test_transfer_takes_nothing_from_the_cap(open_account: OpenAccount, agent: User, now: datetime) -> None:
    Cap.set(currency="KWD", ceiling=Decimal(100))
    source, target = open_account("100", "KWD"), open_account("0", "KWD")
    before = list(Headroom.objects.order_by("pk").values_list("remaining"))
    Account.transfer(**request(source, target, agent, now))
    assert list(Headroom.objects.order_by("pk").values_list("remaining")) == before


@pytest.mark.parametrize("refusing", ["sender", "receiver"])
def test_transfer_refused_by_either_leg_moves_neither(
    open_account: OpenAccount, agent: User, now: datetime, refusing: str
) -> None:
    source, target = open_account("100"), open_account("5")
    Account.freeze(uid={"sender": source, "receiver": target}[refusing].uid, by=agent, asof=now, comment="Fraud")
    with pytest.raises(errors.AccountFrozen):
        Account.transfer(**request(source, target, agent, now))
    assert list(Account.objects.order_by("pk").values_list("balance", flat=True)) == [100, 5]


def test_transfer_over_the_receiver_s_maximum_balance_is_refused(
    open_account: OpenAccount, agent: User, now: datetime
) -> None:
    source, target = open_account("100"), open_account("5")
    Limit.objects.create(kind="max_balance", currency="CZK", account=target, amount=Decimal(10))
    with pytest.raises(errors.ExceedsLimit) as refusal:
        Account.transfer(**request(source, target, agent, now))
    assert refusal.value.data["limit"] == "max_balance"


@pytest.mark.parametrize("broken", [("min_transfer", "10", "9.99"), ("max_transfer", "20", "20.01")])
def test_transfer_names_the_limit_it_breaks(
    open_account: OpenAccount, agent: User, now: datetime, broken: tuple[str, str, str]
) -> None:
    kind, bound, amount = broken
    source, target = open_account("100"), open_account("5")
    Limit.objects.create(kind=kind, currency="CZK", account=source, amount=Decimal(bound))
    with pytest.raises(errors.ExceedsLimit) as refusal:
        Account.transfer(**request(source, target, agent, now, amount))
    assert refusal.value.data["limit"] == kind
    assert Account.transfer(**request(source, target, agent, now, bound))


def test_transfer_of_more_than_is_available_is_refused(open_account: OpenAccount, agent: User, now: datetime) -> None:
    with pytest.raises(errors.InsufficientFunds):
        Account.transfer(**request(open_account("100"), open_account("5"), agent, now, "100.01"))


def test_transfer_to_itself_is_refused(account: Account, agent: User, now: datetime) -> None:
    with pytest.raises(errors.SameAccount):
        Account.transfer(**request(account, account, agent, now))


def test_transfer_across_currencies_is_refused(open_account: OpenAccount, agent: User, now: datetime) -> None:
    with pytest.raises(errors.CurrencyMismatch, match=r"CZK.*EUR"):
        Account.transfer(**request(open_account("100"), open_account("5", "EUR"), agent, now))


def test_transfer_to_an_unknown_account_is_refused(account: Account, agent: User, now: datetime) -> None:
    with pytest.raises(errors.UnknownAccount):
        Account.transfer(**{**request(account, account, agent, now), "to": agent.pk})


def test_transfer_repeated_under_its_key_returns_both_first_legs(
    open_account: OpenAccount, agent: User, now: datetime
) -> None:
    source, target, other = open_account("100"), open_account("5"), open_account("5")
    first = Account.transfer(**request(source, target, agent, now, idempotency_key="k"))
    again = Account.transfer(**request(source, target, agent, now, idempotency_key="k"))
    assert [action for _, action in again] == [action for _, action in first]
    with pytest.raises(errors.IdempotencyConflict):
        Account.transfer(**request(source, other, agent, now, idempotency_key="k"))


def test_preview_of_a_transfer_is_what_it_then_does(open_account: OpenAccount, agent: User, now: datetime) -> None:
    asked = request(open_account("100"), open_account("5"), agent, now)
    foreseen = Account.transfer_preview(**asked)
    assert not Action.objects.filter(type="transferred_out").exists()
    done = Account.transfer(**asked)
    assert [(a.delta, a.balance) for a in foreseen.actions] == [(a.delta, a.balance) for _, a in done]


@pytest.mark.parametrize("legs", [[-30], [-30, 29], [-30, 30, 0]])
def test_database_refuses_a_transfer_that_does_not_come_to_nothing(
    open_account: OpenAccount, agent: User, now: datetime, legs: list[int]
) -> None:
    accounts = [open_account("100") for _ in range(3)]
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, turnover, status, version,
                created, latest, reference_type, external_reference, comment, by_id, transfer, counterparty_id)
            SELECT a.id, a.entity_id, a.currency, CASE WHEN l.delta < 0 THEN 'transferred_out' ELSE 'transferred_in' END, l.delta,
                a.balance + l.delta, a.turnover + abs(l.delta), 'open', a.version + 1, %s, greatest(a.latest, %s), 'none', '', '',
                %s, '018f0000-0000-7000-8000-000000000000', a.id
            FROM unnest(%s::bigint[], %s::numeric[]) l (id, delta) JOIN ledger_account a ON a.id = l.id
            """,
            [now, now, agent.pk, [a.pk for a in accounts[: len(legs)]], legs],
        )
