"""What is possible now is what the previews let pass, to the smallest unit, and the rule named is the one that refuses."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Cap, Limit
from ledger.money import exponent
from ledger.possible import Range, what_is_possible
from ledger.posting import Outcome
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
    currency=st.sampled_from(["CZK", "JPY", "KWD"]),
)
def test_ends_of_the_range_are_where_the_previews_turn(  # noqa: PLR0917  fixtures, and what hypothesis gives
    open_account: OpenAccount,
    agent: User,
    now: datetime,
    limits: dict[str, Decimal],
    narrow: dict[str, Decimal],
    headroom: int,
    currency: str,
) -> None:
    sid = transaction.savepoint()
    account = open_account("123", currency)
    Limit.objects.filter(currency=currency).purge_from_db()
    for kind, amount in limits.items():
        Limit.objects.create(kind=kind, currency=currency, amount=amount)
    for kind, amount in narrow.items():
        Limit.objects.create(kind=kind, currency=currency, account=account, amount=amount)
    total = sum(Account.objects.filter(currency=currency).values_list("balance", flat=True))
    Cap.set(currency=currency, ceiling=Decimal(total) + headroom)
    deposit, withdraw = what_is_possible(account)
    unit = Decimal(1).scaleb(-exponent(currency))
    for found, preview in ((deposit, Account.deposit_preview), (withdraw, Account.withdraw_preview)):

        def refusal(amount: Decimal, preview: Callable[..., Outcome] = preview) -> errors.LedgerError | None:
            return preview(uid=account.uid, amount=amount, by=agent, asof=now).error

        if found.possible:
            assert refusal(found.least.amount) is None
            assert refusal(found.most.amount) is None
            assert why(refusal(found.most.amount + unit)) == found.most.rule
            assert why(refusal(found.least.amount - unit)) == found.least.rule
        else:
            for amount in (found.least.amount, max(found.most.amount, unit)):
                assert refusal(amount) is not None
    transaction.savepoint_rollback(sid)


def test_sentence_names_the_limit_that_binds(account: Account) -> None:
    Limit.objects.create(kind="max_balance", currency="CZK", account=account, amount=Decimal(4300))
    deposit, withdraw = what_is_possible(account)
    assert str(deposit) == ("Between CZK 0.01 and CZK 4,200.00 now; the maximum balance set for this account binds.")
    assert str(withdraw) == "Between CZK 0.01 and CZK 100.00 now; the balance binds."


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
