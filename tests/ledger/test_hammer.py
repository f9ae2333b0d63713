"""Sixteen connections at few accounts, near the cap and a limit: whatever they do, every rule holds at every moment.

`HAMMER_TIMES` in the environment has each client post more often.
"""

import os
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from backoffice.models import User
from ledger.models import Account, Action, Approval, Cap, Hold, Limit
from ledger.verification import verify
from tests.cast import LONG_AGO, OpenAccount
from tests.ledger.hammer import Hammer, Watch, deadlocks, together

pytestmark = pytest.mark.usefixtures("committing")
CLIENTS = 16
TIMES = int(os.environ.get("HAMMER_TIMES", "60"))
TURNOVER, FULL, THRESHOLD = Decimal(400), Decimal(180), Decimal(30)
POSTED = {
    "deposited", "withdrawn", "transferred_out", "transferred_in", "reversed", "refunded", "held", "captured", "released",
}  # fmt: skip
DECIDED = {"approved", "rejected", "cancelled", "expired", "failed"}
OCCURRED = frozenset({  # in time: the clients go on until each did
    "ok", "replayed", "insufficient_funds", "exceeds_cap", "exceeds_limit", "already_reversed", "exceeds_original",
    "hold_resolved", "approval_required", "approval_decided",
    "same_approver", "not_the_maker", "duplicate_request", "approval_not_required", *DECIDED,
})  # fmt: skip
EXPECTED = OCCURRED | {  # of what may come out; nothing else, and no error of the database
    "nothing", "not_reversible", "stale_preview",
    "unknown_action", "unknown_hold", "unknown_approval",  # another client has written it and not committed yet
}  # fmt: skip


def test_hammer_breaks_no_rule(open_account: OpenAccount, agent: User) -> None:
    accounts = [open_account("100") for _ in range(5)]
    Cap.set(currency="CZK", ceiling=Decimal(510))
    Limit.objects.create(kind="daily_turnover", currency="CZK", account=accounts[0], amount=TURNOVER)
    Limit.objects.create(kind="max_balance", currency="CZK", account=accounts[1], amount=FULL)
    Limit.objects.create(kind="approval", currency="CZK", amount=THRESHOLD)
    people = [User.objects.create(username=name) for name in ("ann", "ben", "cyd")]
    hammer, watch, before = Hammer(accounts, agent, people), Watch(accounts[0].pk, accounts[1].pk), deadlocks()
    running = [CLIENTS]
    for amount in range(51, 59):  # each could be taken out, but hardly two of them: some of these requests will fail
        hammer.requests.append(asked(accounts[4], Decimal(amount), people[0]))

    def counted(work: object) -> None:
        try:
            work()  # type: ignore[operator]  # a client
        finally:
            running[0] -= 1
            if running[0] == 0:
                watch.over.set()

    clients = [hammer.client(number, TIMES, OCCURRED) for number in range(CLIENTS)]
    raised = together([*(lambda work=work: counted(work) for work in clients), watch.work])
    assert raised == []
    assert deadlocks() == before
    assert OCCURRED <= hammer.came_out() <= EXPECTED, hammer.codes
    assert set(Action.objects.values_list("type", flat=True)) >= POSTED
    assert set(Approval.objects.values_list("state", flat=True)) >= DECIDED
    check_what_was_seen(watch)
    check_what_was_posted(hammer)
    check_what_was_approved(hammer)
    Hold.release_expired(now=timezone.now())
    assert verify().findings == []


def asked(account: Account, amount: Decimal, by: User) -> UUID:
    """Ask to withdraw; return the request's uid."""
    now = timezone.now()
    return Approval.request(verb="withdraw", uid=account.uid, amount=amount, comment="Why", by=by, asof=now).uid


def check_what_was_seen(watch: Watch) -> None:
    """At no moment was the cap passed or out of step, an account overdrawn, or a limit passed."""
    assert len(watch.seen) > 5
    for left, headroom, available, held, turned, filled in watch.seen:
        assert left == headroom >= 0
        assert available >= 0
        assert held >= 0
        assert turned <= TURNOVER
        assert filled <= FULL


def check_what_was_posted(hammer: Hammer) -> None:
    """Whatever was told as posted is there, once; a key stands for one action; nothing went back or was captured twice."""
    assert len(set(hammer.posted)) == len(hammer.posted)
    stored = {action.uid: action for action in Action.objects.all()}
    assert set(hammer.posted) <= set(stored)
    by_key: dict[str, set[object]] = {}
    for key, uid in hammer.keyed:
        by_key.setdefault(key, set()).add(uid)
    assert all(len(uids) == 1 for uids in by_key.values())
    with connection.cursor() as cursor:
        cursor.execute("SELECT idempotency_key FROM ledger_action WHERE idempotency_key IS NOT NULL")
        assert max(Counter(cursor.fetchall()).values()) == 1
        cursor.execute("SELECT reverses_id FROM ledger_action WHERE type = 'reversed'")
        assert max(Counter(cursor.fetchall()).values()) == 1
        cursor.execute("SELECT hold_id FROM ledger_action WHERE hold_id IS NOT NULL")
        assert max(Counter(cursor.fetchall()).values()) == 1
    for account in Account.objects.all():
        assert sum(a.delta for a in stored.values() if a.account_id == account.pk) == account.balance


def check_what_was_approved(hammer: Hammer) -> None:
    """Each request was decided once and by another person, carried out once where it was approved, and never else."""
    assert len(set(hammer.decided)) == len(hammer.decided)
    requests = list(Approval.objects.all())
    ended = {one.uid for one in requests if one.state not in {"pending", "expired"}}
    assert ended == set(hammer.decided)
    assert all((one.checker_id == one.maker_id) == (one.state == "cancelled") for one in requests if one.checker_id)
    carried_out = Counter(Action.objects.filter(approval__isnull=False).values_list("approval", "by"))
    assert carried_out == Counter((one.pk, one.maker_id) for one in requests if one.state == "approved")
    unapproved = Action.objects.filter(approval=None, type__in=["deposited", "withdrawn", "transferred_out", "held"])
    over = unapproved.filter(Q(delta__gt=THRESHOLD) | Q(delta__lt=-THRESHOLD) | Q(held_delta__gt=THRESHOLD))
    assert not over.exclude(created__lt=LONG_AGO + timedelta(days=2)).exists()


def test_transfers_both_ways_by_single_statements_do_not_deadlock(open_account: OpenAccount, agent: User) -> None:
    """Without a lock before it, the one statement locks both accounts, which has to be in their order."""
    accounts = [open_account("1000") for _ in range(3)]
    hammer, before = Hammer(accounts, agent), deadlocks()

    def work(number: int) -> None:
        for turn in range(TIMES):
            source, target = accounts[(number + turn) % 3], accounts[(number + turn * 2 + 1) % 3]
            if source is not target:
                hammer.noted(
                    *(action for _, action in Account.transfer(
                        uid=source.uid, to=target.uid, amount=Decimal(1), by=agent, asof=timezone.now()
                    ))
                )  # fmt: skip

    raised = together([lambda number=number: work(number) for number in range(CLIENTS)])  # type: ignore[misc]  # bound at once
    assert (raised, deadlocks()) == ([], before)
    assert Action.objects.filter(type="transferred_out").count() * 2 == len(hammer.posted)
    assert verify().findings == []
