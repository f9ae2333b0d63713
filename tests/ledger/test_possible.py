"""What is possible now is what the previews let pass, to the smallest unit, and the rule named is the one that refuses."""

from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Approval, Cap, Hold, Limit
from ledger.money import exponent
from ledger.possible import Range, what_can_be_transferred, what_is_possible
from ledger.posting import Posting
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db
MONEY = st.decimals(0, 500, places=4)
KINDS = st.dictionaries(st.sampled_from(Limit.Kind.values), MONEY)


def why(error: errors.LedgerError | None) -> str:
    """Return the name that `possible` has for the rule behind an error."""
    if isinstance(error, errors.ExceedsLimit):
        return str(error.data["limit"])
    return {"insufficient_funds": "balance", "invalid_amount": "smallest"}[error.code] if error else ""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    limits=KINDS,
    narrow=KINDS,
    headroom=st.integers(0, 400),
    held=st.integers(1, 123),
    currency=st.sampled_from(["CZK", "JPY", "KWD"]),
)
def test_ends_of_the_range_are_where_the_previews_turn(  # noqa: PLR0917  fixtures, and what hypothesis gives
    open_account: OpenAccount,
    agent: User,
    now: datetime,
    limits: dict[str, Decimal],
    narrow: dict[str, Decimal],
    headroom: int,
    held: int,
    currency: str,
) -> None:
    sid = transaction.savepoint()
    account, other, boundless = (open_account(balance, currency) for balance in ("123", "7", "0"))
    Hold.place(uid=account.uid, amount=Decimal(held), by=agent, asof=now)
    Limit.objects.filter(currency=currency).purge_from_db()
    for kind, amount in limits.items():
        Limit.objects.create(kind=kind, currency=currency, amount=amount)
    for kind, amount in narrow.items():
        Limit.objects.create(kind=kind, currency=currency, account=account, amount=amount)
    for kind in ("max_balance", "daily_turnover", "monthly_turnover"):
        Limit.objects.create(kind=kind, currency=currency, account=boundless, amount=Decimal(10**9))
    total = sum(Account.objects.filter(currency=currency).values_list("balance", flat=True))
    Cap.set(currency=currency, ceiling=Decimal(total) + headroom)
    found = what_is_possible(account)
    unit = Decimal(1).scaleb(-exponent(currency))
    for range_, asked in (
        (found.deposit, {"type": "deposited"}),
        (found.withdraw, {"type": "withdrawn"}),
        (found.transfer, {"type": "transferred_out", "to": boundless.uid}),
        (what_can_be_transferred(account, other), {"type": "transferred_out", "to": other.uid}),
        (found.hold, {"type": "held"}),
    ):

        def refusal(amount: Decimal, asked: Any = asked, **more: Any) -> errors.LedgerError | None:
            posting = Posting(uid=account.uid, amount=amount, by=agent, asof=now, **asked, **more)
            return Account.preview_batch([posting])[0].error

        approved = partial(refusal, approval=Approval())
        if not range_.possible:
            for amount in (range_.least.amount, max(range_.most.amount, unit)):
                assert refusal(amount) is not None
            continue
        assert approved(range_.least.amount) is None
        assert approved(range_.most.amount) is None
        assert why(approved(range_.most.amount + unit)) == range_.most.rule
        assert why(approved(range_.least.amount - unit)) == range_.least.rule
        threshold = range_.most.amount if range_.approval is None else range_.approval.quantize(unit, ROUND_FLOOR)
        if threshold >= range_.least.amount:
            assert refusal(threshold) is None
        if range_.approval is not None:
            assert why(refusal(max(threshold + unit, range_.least.amount))) == "approval"
    transaction.savepoint_rollback(sid)


def test_sentence_names_the_limit_that_binds(account: Account) -> None:
    Limit.objects.create(kind="max_balance", currency="CZK", account=account, amount=Decimal(4300))
    deposit, withdraw, *_ = what_is_possible(account)
    assert str(deposit) == ("Between CZK 0.01 and CZK 4,200.00 now; the maximum balance set for this account binds.")
    assert str(withdraw) == "Between CZK 0.01 and CZK 100.00 now; the balance binds."


def test_sentences_speak_of_holds_turnover_and_the_approval_threshold(
    open_account: OpenAccount, account: Account, agent: User, now: datetime
) -> None:
    Hold.place(uid=account.uid, amount=Decimal(30), by=agent, asof=now)
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=Decimal(50))
    found = what_is_possible(account)
    available = "Between CZK 0.01 and CZK 70.00 now; the available balance binds. Above CZK 50.00 another person has to approve."
    assert [str(found.withdraw), str(found.transfer), str(found.hold)] == [available] * 3
    Account.withdraw(uid=account.uid, amount=Decimal(15), by=agent, asof=now)
    Limit.objects.create(kind="daily_turnover", currency="CZK", account=account, amount=Decimal(140))
    found = what_is_possible(account)
    turnover = "Between CZK 0.01 and CZK 25.00 now; the daily turnover set for this account binds."
    assert [str(found.withdraw), str(found.transfer), str(found.deposit)] == [turnover] * 3
    other = open_account("5")
    Limit.objects.create(kind="max_balance", currency="CZK", account=other, amount=Decimal(9))
    assert str(what_can_be_transferred(account, other)) == (
        "Between CZK 0.01 and CZK 4.00 now; the maximum balance set for the receiving account binds."
    )


def test_sentence_says_why_nothing_is_possible(open_account: OpenAccount, agent: User) -> None:
    empty = open_account()
    assert str(what_is_possible(empty).withdraw) == "Nothing can be withdrawn now: the balance leaves CZK 0.00."
    Limit.objects.create(kind="max_balance", currency="CZK", account=empty, amount=Decimal(50))
    Limit.objects.create(kind="min_deposit", currency="CZK", account=empty, amount=Decimal(60))
    assert str(what_is_possible(empty).deposit) == (
        "Nothing can be deposited now: the maximum balance set for this account leaves CZK 50.00, and the minimum "
        "deposit set for this account is CZK 60.00."
    )
    Account.freeze(uid=empty.uid, by=agent, asof=empty.modified, comment="Court order")
    for found in what_is_possible(empty):
        assert isinstance(found, Range)
        assert not found.possible
        assert "The account is frozen: unfreeze it first." in str(found)


def test_amount_s_help_text_says_what_is_possible(client, admin: User, account: Account) -> None:  # type: ignore[no-untyped-def]  # pytest-django's client
    client.force_login(admin)
    page = client.get(reverse("console:ledger_account_withdraw", args=[account.pk])).content.decode()
    assert "Between CZK 0.01 and CZK 100.00 now; the balance binds." in page
    selection = client.get(reverse("console:ledger_account_withdraw_selected"), {"ids": account.pk}).content.decode()
    assert "binds" not in selection
