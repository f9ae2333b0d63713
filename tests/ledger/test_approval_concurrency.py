"""Deciding at the same moment: one decision, one posting, and no approval that outruns the balance."""

from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Action, Approval, Limit
from tests.cast import OpenAccount
from tests.ledger.test_concurrency import at_once

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def checkers(committing: None) -> list[User]:
    return [User.objects.create_user(f"checker{number}", is_staff=True) for number in range(16)]


def ask(account: Account, agent: User, verb: str = "withdraw", comment: str = "Why") -> Approval:
    Limit.objects.get_or_create(kind="approval", currency="CZK", defaults={"amount": 50})
    return Approval.request(
        verb=verb, uid=account.uid, amount=Decimal(60), comment=comment, by=agent, asof=timezone.now()
    )


def test_many_checkers_at_once_make_one_action(open_account: OpenAccount, agent: User, checkers: list[User]) -> None:
    account = open_account("100")
    approval = ask(account, agent)
    codes = at_once(lambda n: Approval.approve(uid=approval.uid, by=checkers[n], asof=timezone.now()))
    assert codes == {"ok": 1, "approval_decided": 15}
    assert Action.objects.filter(approval=approval).count() == 1
    account.refresh_from_db()
    assert account.balance == 40


def test_approve_reject_and_cancel_at_once_decide_once(
    open_account: OpenAccount, agent: User, checkers: list[User]
) -> None:
    account = open_account("100")
    approval = ask(account, agent)

    def decide(n: int) -> object:
        now, uid = timezone.now(), approval.uid
        if n % 3 == 0:
            return Approval.cancel(uid=uid, by=agent, asof=now)
        if n % 3 == 1:
            return Approval.approve(uid=uid, by=checkers[n], asof=now)
        return Approval.reject(uid=uid, by=checkers[n], asof=now, comment="Because")

    assert at_once(decide) == {"ok": 1, "approval_decided": 15}
    approval.refresh_from_db()
    account.refresh_from_db()
    assert account.balance == (40 if approval.state == "approved" else 100)
    assert Action.objects.filter(approval=approval).count() == (approval.state == "approved")


def test_approvals_while_the_account_is_emptied_fail_with_their_reason(
    open_account: OpenAccount, agent: User, checkers: list[User]
) -> None:
    account = open_account("310")
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=50)
    asked = [ask(account, agent, comment=f"Number {n}") for n in range(8)]

    def work(n: int) -> object:
        if n % 2:
            return Approval.approve(uid=asked[n // 2].uid, by=checkers[n], asof=timezone.now())
        with (
            transaction.atomic()
        ):  # as every page does: one that tries without a lock can deadlock with those that lock
            return Account.withdraw(uid=account.uid, amount=Decimal(30), by=agent, asof=timezone.now())

    codes = at_once(work)
    assert set(codes) <= {"ok", "insufficient_funds"}
    states = Counter(Approval.objects.values_list("state", "error_code"))
    assert set(states) == {("approved", ""), ("failed", "insufficient_funds")}
    account.refresh_from_db()
    withdrawn = codes["ok"] - 8  # an approval that fails is decided all the same
    assert account.balance == 310 - 60 * states["approved", ""] - 30 * withdrawn
    assert 0 <= account.balance < 60


def test_the_same_request_at_once_waits_once(open_account: OpenAccount, agent: User) -> None:
    account = open_account("100")
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=50)
    assert at_once(lambda _: ask(account, agent)) == {"ok": 1, "duplicate_request": 15}
    assert Approval.objects.get().state == "pending"


def test_limits_approved_at_once_never_overlap(open_account: OpenAccount, agent: User, checkers: list[User]) -> None:
    account = open_account()
    asked = [
        Approval.request_limit(
            kind="max_deposit", currency="CZK", account=account, amount=Decimal(n + 1), by=agent, asof=timezone.now(),
            reason="Why",
        )
        for n in range(16)
    ]  # fmt: skip
    codes = at_once(lambda n: Approval.approve(uid=asked[n].uid, by=checkers[n], asof=timezone.now()))
    assert codes == {"ok": 16}
    standing = Limit.objects.filter(account=account, valid__contains=timezone.now())
    assert standing.count() == 1
    assert Counter(Approval.objects.values_list("state", flat=True)) == {"approved": 16}


def test_a_decision_under_way_does_not_hold_up_those_who_expire(
    open_account: OpenAccount, agent: User, checkers: list[User]
) -> None:
    account = open_account("100")
    approval = ask(account, agent)
    later = timezone.now()
    connection.set_autocommit(False)
    try:
        Approval.objects.select_for_update().get(pk=approval.pk)
        counted = []

        def expire(_: int) -> None:
            counted.append(Approval.expire_due(asof=later))

        at_once(expire, 1)
        assert counted == [0]
    finally:
        connection.rollback()
        connection.set_autocommit(True)
        connections.close_all()


def test_nothing_is_left_of_an_approval_whose_transaction_ends_early(
    open_account: OpenAccount, agent: User, checkers: list[User]
) -> None:
    account = open_account("100")
    approval = ask(account, agent)
    connection.set_autocommit(False)
    Approval.approve(uid=approval.uid, by=checkers[0], asof=timezone.now())
    connection.rollback()
    connection.set_autocommit(True)
    approval.refresh_from_db()
    account.refresh_from_db()
    assert (approval.state, account.balance) == ("pending", 100)
    with pytest.raises(errors.SameApprover):
        Approval.approve(uid=approval.uid, by=agent, asof=timezone.now())
