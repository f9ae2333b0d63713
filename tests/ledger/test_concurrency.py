"""The rules under real concurrency: many connections, few accounts, everything committed."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, connections
from django.db.models import Sum
from django.utils import timezone

from backoffice.models import Entity, User
from ledger import errors
from ledger.choices import ActionType
from ledger.models import Account, Action, Cap, Headroom
from ledger.posting import Posting
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.usefixtures("committing")
CLIENTS = 16


def at_once(work: Callable[[int], object], clients: int = CLIENTS) -> Counter[str]:
    """Run `work(number)` on so many connections at the same moment; count the codes of what came out."""
    barrier = threading.Barrier(clients)

    def one(number: int) -> str:
        try:
            connection.ensure_connection()
            barrier.wait()
            work(number)
        except errors.LedgerError as error:
            return error.code
        finally:
            connections.close_all()
        return "ok"

    with ThreadPoolExecutor(clients) as pool:
        return Counter(pool.map(one, range(clients)))


def test_withdrawals_at_once_never_overdraw(open_account: OpenAccount, agent: User) -> None:
    account = open_account("100")
    codes = at_once(lambda _: Account.withdraw(uid=account.uid, amount=Decimal(10), by=agent, asof=timezone.now()))
    assert codes == {"ok": 10, "insufficient_funds": 6}
    account.refresh_from_db()
    assert (account.balance, account.version) == (0, 12)


def test_deposits_at_once_lose_no_update(open_account: OpenAccount, agent: User) -> None:
    account = open_account()
    codes = at_once(lambda _: Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now()))
    assert codes == {"ok": 16}
    account.refresh_from_db()
    assert (account.balance, account.version) == (16, 17)


def test_one_key_at_once_posts_once(open_account: OpenAccount, agent: User) -> None:
    account = open_account()
    request = {"uid": account.uid, "amount": Decimal(1), "by": agent, "asof": timezone.now(), "idempotency_key": "k"}
    references = set()
    at_once(lambda _: references.add(Account.deposit(**request)[1].reference))  # type: ignore[arg-type]  # keywords
    account.refresh_from_db()
    assert (account.balance, len(references)) == (1, 1)


def test_one_key_for_two_accounts_at_once_posts_once(open_account: OpenAccount, agent: User) -> None:
    accounts = [open_account() for _ in range(CLIENTS)]
    codes = at_once(
        lambda n: Account.deposit(
            uid=accounts[n].uid, amount=Decimal(1), by=agent, asof=timezone.now(), idempotency_key="k"
        )
    )
    assert codes == {"ok": 1, "idempotency_conflict": CLIENTS - 1}


def test_two_accounts_for_one_customer_at_once_open_one(nord: Entity, agent: User) -> None:
    customer = User.objects.create(username="jana")
    codes = at_once(lambda _: Account.create(user=customer, entity=nord, currency="CZK", by=agent, asof=LONG_AGO))
    assert codes == {"ok": 1, "already_has_account": CLIENTS - 1}


def test_cap_is_filled_exactly_and_never_passed(open_account: OpenAccount, agent: User) -> None:
    accounts = [open_account(currency="KWD") for _ in range(CLIENTS)]
    Cap.set(currency="KWD", ceiling=Decimal(100))
    codes: Counter[str] = Counter()

    def fill(number: int) -> None:
        for _ in range(10):
            try:
                Account.deposit(uid=accounts[number].uid, amount=Decimal(1), by=agent, asof=timezone.now())
                codes["ok"] += 1
            except errors.ExceedsCap:
                codes["exceeds_cap"] += 1

    assert at_once(fill) == {"ok": CLIENTS}
    assert codes == {"ok": 100, "exceeds_cap": 60}
    assert Account.objects.filter(currency="KWD").aggregate(total=Sum("balance"))["total"] == 100


def test_batches_over_the_same_accounts_at_once_do_not_deadlock(open_account: OpenAccount, agent: User) -> None:
    accounts = [open_account("50", currency="KWD") for _ in range(6)]
    Cap.set(currency="KWD", ceiling=Decimal(330))

    def hammer(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  repeatable, not secret
        for _ in range(15):
            chosen = chance.sample(accounts, 4)
            Account.post_batch(
                [
                    Posting(
                        type=chance.choice([ActionType.DEPOSITED, ActionType.WITHDRAWN]),
                        uid=account.uid,
                        by=agent,
                        asof=timezone.now(),
                        amount=Decimal(chance.randint(1, 30)),
                    )
                    for account in chosen
                ]
            )

    assert at_once(hammer) == {"ok": CLIENTS}
    total = Account.objects.aggregate(total=Sum("balance"))["total"]
    assert total <= 330
    assert total + Headroom.objects.filter(cap="KWD").aggregate(left=Sum("remaining"))["left"] == 330
    for account in Account.objects.all():
        deltas = Action.objects.filter(account=account).aggregate(total=Sum("delta"))["total"]
        assert (deltas, account.actions.count()) == (account.balance, account.version)


def test_lowering_the_cap_at_once_with_deposits_keeps_it(open_account: OpenAccount, agent: User) -> None:
    accounts = [open_account(currency="KWD") for _ in range(CLIENTS)]
    Cap.set(currency="KWD", ceiling=Decimal(1000))

    def race(number: int) -> None:
        if number == 0:
            Cap.set(currency="KWD", ceiling=Decimal(500))
        else:
            Account.deposit(uid=accounts[number].uid, amount=Decimal(20), by=agent, asof=timezone.now())

    at_once(race)
    balances = Account.objects.aggregate(total=Sum("balance"))["total"]
    assert balances + Headroom.objects.filter(cap="KWD").aggregate(left=Sum("remaining"))["left"] == 500


def test_batches_with_the_same_keys_in_opposite_order_end_with_an_error_that_says_so(
    open_account: OpenAccount, agent: User
) -> None:
    accounts = [open_account(), open_account()]
    keys = [f"k{number}" for number in range(3_000)]

    def post(number: int) -> object:
        uid, asof = accounts[number].uid, timezone.now()
        return Account.post_batch(
            [
                Posting(
                    type=ActionType.DEPOSITED, uid=uid, amount=Decimal(1), by=agent, asof=asof, idempotency_key=key
                )
                for key in (keys if number else reversed(keys))
            ]
        )  # fmt: skip

    codes = at_once(post, clients=2)
    refused = set(codes) - {"ok"}
    assert refused <= {"contended", "idempotency_conflict"}
    assert Action.objects.filter(idempotency_key__isnull=False).count() == 3_000
    assert sorted(Account.objects.values_list("balance", flat=True)) == [0, 3_000]
