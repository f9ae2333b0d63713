"""Batches and keys: per-item results, all or nothing, and nothing posted twice."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from backoffice.models import User
from ledger import errors, posting
from ledger.choices import ActionType
from ledger.models import Account, Action, Cap
from ledger.posting import Posting
from ledger.reading import FEW
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db
IN, OUT = ActionType.DEPOSITED, ActionType.WITHDRAWN


def ask(account: Account, by: User, kind: ActionType, amount: str, **more: Any) -> Posting:
    return Posting(type=kind, uid=account.uid, by=by, asof=timezone.now(), amount=Decimal(amount), **more)


def test_batch_is_folded_in_its_order(open_account: OpenAccount, agent: User) -> None:
    a, b = open_account(), open_account()
    outcomes = Account.post_batch(
        [ask(a, agent, OUT, "5"), ask(a, agent, IN, "10"), ask(b, agent, IN, "1"), ask(a, agent, OUT, "4")]
    )
    assert [outcome.error and outcome.error.code for outcome in outcomes] == ["insufficient_funds", None, None, None]
    assert [outcome.action and outcome.action.balance for outcome in outcomes] == [None, 10, 1, 6]
    assert [outcome.balance_before for outcome in outcomes] == [None, 0, 0, 10]
    a.refresh_from_db()
    assert (a.balance, a.version) == (6, 3)


def test_batch_of_all_or_nothing_changes_nothing(open_account: OpenAccount, agent: User) -> None:
    a = open_account("10")
    with pytest.raises(errors.InsufficientFunds):
        Account.post_batch([ask(a, agent, IN, "10"), ask(a, agent, OUT, "21")], all_or_nothing=True)
    a.refresh_from_db()
    assert (a.balance, a.version) == (10, 2)


def test_batch_over_the_cap_posts_what_fits(open_account: OpenAccount, agent: User) -> None:
    a = open_account(currency="KWD")
    Cap.set(currency="KWD", ceiling=Decimal(100))
    asked = [ask(a, agent, IN, "60"), ask(a, agent, IN, "60"), ask(a, agent, OUT, "50"), ask(a, agent, IN, "60")]
    outcomes = Account.post_batch(asked)
    assert [outcome.error and outcome.error.code for outcome in outcomes] == [None, "exceeds_cap", None, None]
    a.refresh_from_db()
    assert a.balance == 70


@pytest.mark.parametrize("size", [1, 50])
def test_batch_takes_the_same_statements_at_any_size(
    open_account: OpenAccount, agent: User, django_assert_num_queries: DjangoAssertNumQueries, size: int
) -> None:
    asked = [ask(open_account(), agent, IN, "1", idempotency_key=f"k{number}") for number in range(size)]
    with django_assert_num_queries(
        7 if size > FEW else 6
    ):  # savepoint, lock, accounts, limits of many, keys, insert, release
        Account.post_batch(asked)


def test_batch_over_the_maximum_size_is_refused(account: Account, agent: User) -> None:
    with pytest.raises(errors.BatchTooLarge):
        Account.post_batch([ask(account, agent, IN, "1")] * (posting.LARGEST_BATCH + 1))


def test_empty_batch_does_nothing() -> None:
    assert Account.post_batch([]) == []


def test_same_key_and_request_returns_the_first_result(account: Account, agent: User) -> None:
    request: dict[str, Any] = {"uid": account.uid, "amount": Decimal(10), "by": agent, "idempotency_key": "k"}
    _, first = Account.deposit(**request, asof=timezone.now())
    again, second = Account.deposit(**request, asof=timezone.now() + timedelta(0))
    assert (second.reference, second.replayed, first.replayed) == (first.reference, True, False)
    assert (again.balance, Action.objects.filter(account=account).count()) == (110, 3)


@pytest.mark.parametrize(
    "change", [{"amount": Decimal(11)}, {"comment": "other"}, {"reference_type": "cash", "reference": "7"}]
)
def test_same_key_for_another_request_is_refused(account: Account, agent: User, change: dict[str, Any]) -> None:
    request: dict[str, Any] = {"uid": account.uid, "amount": Decimal(10), "by": agent, "asof": timezone.now()}
    Account.deposit(**request, idempotency_key="k")
    with pytest.raises(errors.IdempotencyConflict):
        Account.deposit(**{**request, **change}, idempotency_key="k")


def test_same_key_for_another_account_is_refused(open_account: OpenAccount, agent: User) -> None:
    a, b = open_account(), open_account()
    outcomes = Account.post_batch(
        [ask(a, agent, IN, "1", idempotency_key="k"), ask(b, agent, IN, "1", idempotency_key="k")]
    )
    assert [outcome.error and outcome.error.code for outcome in outcomes] == [None, "idempotency_conflict"]


def test_same_key_twice_in_a_batch_posts_once(account: Account, agent: User) -> None:
    outcomes = Account.post_batch([ask(account, agent, IN, "1", idempotency_key="k")] * 2)
    assert outcomes[0].action is outcomes[1].action
    assert [outcome.replayed for outcome in outcomes] == [False, True]
    account.refresh_from_db()
    assert account.balance == 101


def test_refused_request_can_be_tried_again_under_its_key(account: Account, agent: User) -> None:
    request: dict[str, Any] = {"uid": account.uid, "amount": Decimal(150), "by": agent, "idempotency_key": "k"}
    with pytest.raises(errors.InsufficientFunds):
        Account.withdraw(**request, asof=timezone.now())
    Account.deposit(uid=account.uid, amount=Decimal(50), by=agent, asof=timezone.now())
    assert Account.withdraw(**request, asof=timezone.now())[0].balance == 0


def test_unknown_account_in_a_batch_hinders_no_other(account: Account, agent: User) -> None:
    stray = Posting(type=IN, uid=uuid4(), by=agent, asof=timezone.now(), amount=Decimal(1))
    outcomes = Account.post_batch([stray, ask(account, agent, IN, "1")])
    assert [outcome.error and outcome.error.code for outcome in outcomes] == ["unknown_account", None]


def test_same_key_by_another_person_is_refused(account: Account, agent: User, admin: User) -> None:
    request: dict[str, Any] = {"uid": account.uid, "amount": Decimal(10), "asof": timezone.now()}
    _, first = Account.deposit(**request, by=agent, idempotency_key="k")
    for refused in (
        Account.deposit_preview(**request, by=admin, idempotency_key="k").error,
        Account.post_batch([ask(account, admin, IN, "10", idempotency_key="k")])[0].error,
    ):
        assert refused
        assert (refused.code, str(refused)) == (
            "idempotency_conflict", f"The key k was used by somebody else for the same, {first.reference}."
        )  # fmt: skip


def test_same_key_at_another_moment_returns_the_first_result(account: Account, agent: User) -> None:
    request: dict[str, Any] = {"uid": account.uid, "amount": Decimal(10), "by": agent, "idempotency_key": "k"}
    _, first = Account.deposit(**request, asof=timezone.now() - timedelta(hours=1))
    _, second = Account.deposit(**request, asof=timezone.now())
    assert (second.reference, second.replayed, second.created) == (first.reference, True, first.created)
