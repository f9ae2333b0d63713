"""Account.deposit: what it does, and every rule that refuses it."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from backoffice.models import Entity, User
from ledger import errors
from ledger.models import Account, Action, Cap, Limit
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db


def deposit(account: Account, by: User, amount: str = "10", **more: object) -> tuple[Account, Action]:
    request = {"uid": account.uid, "amount": Decimal(amount), "by": by, "asof": timezone.now(), **more}
    return Account.deposit(**request)  # type: ignore[arg-type]  # keywords made by the test


def test_deposit_returns_fresh_account_and_the_action(account: Account, agent: User, now: datetime) -> None:
    after, action = Account.deposit(
        uid=account.uid,
        amount=Decimal("10.50"),
        by=agent,
        asof=now,
        reference_type="cash",
        reference="desk 3",
        comment="Coins",
    )

    assert (after.balance, after.version, after.modified) == (Decimal("110.50"), 3, now)
    assert (action.delta, action.balance, action.version, action.created) == (
        Decimal("10.50"),
        Decimal("110.50"),
        3,
        now,
    )
    assert (action.type, action.reference_type, action.external_reference, action.comment, action.by) == (
        "deposited", "cash", "desk 3", "Coins", agent
    )  # fmt: skip
    stored = Account.objects.get(pk=account.pk)
    assert (stored.balance, stored.version, stored.modified) == (after.balance, after.version, now)


def test_deposit_is_recorded_as_it_was_returned(account: Account, agent: User) -> None:
    _, action = deposit(account, agent)
    stored = Action.objects.get(reference=action.reference)
    assert stored == action
    for field in Action._meta.concrete_fields:
        assert getattr(stored, field.attname) == getattr(action, field.attname), field.name


@pytest.mark.parametrize(
    "amount",
    [
        Decimal(0),
        Decimal(-1),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("0.001"),
        Decimal(10) ** 15,
        1.5,
        "10",
        True,
    ],
)
def test_deposit_refuses_what_is_no_amount(account: Account, agent: User, amount: object) -> None:
    with pytest.raises(errors.InvalidAmount):
        Account.deposit(uid=account.uid, amount=amount, by=agent, asof=timezone.now())  # type: ignore[arg-type]  # the point
    account.refresh_from_db()
    assert (account.balance, account.version) == (Decimal(100), 2)


@pytest.mark.parametrize(
    ("currency", "amount", "fits"),
    [
        ("JPY", "10", True),
        ("JPY", "10.5", False),
        ("KWD", "1.001", True),
        ("KWD", "1.0001", False),
        ("CZK", "1.000", True),
    ],
)
def test_amount_has_at_most_the_decimals_of_its_currency(
    open_account: OpenAccount, agent: User, currency: str, amount: str, fits: bool
) -> None:
    account = open_account(currency=currency)
    if fits:
        assert deposit(account, agent, amount)[0].balance == Decimal(amount)
    else:
        with pytest.raises(errors.InvalidAmount, match="decimals"):
            deposit(account, agent, amount)


@pytest.mark.parametrize("uid", [uuid4(), "xyz", 7, None])
def test_deposit_to_unknown_account_is_refused(agent: User, uid: object) -> None:
    with pytest.raises(errors.UnknownAccount):
        Account.deposit(uid=uid, amount=Decimal(1), by=agent, asof=timezone.now())  # type: ignore[arg-type]  # the point


def limit(kind: str, amount: str, **subject: object) -> None:
    Limit.objects.filter(
        kind=kind, currency="CZK", **{name: subject.get(name) for name in ("entity", "account")}
    ).delete()
    Limit.objects.create(kind=kind, currency="CZK", amount=Decimal(amount), **subject)


@pytest.mark.parametrize(
    ("kind", "bound", "amount"),
    [("min_deposit", "10", "9.99"), ("max_deposit", "50", "50.01"), ("max_balance", "150", "50.01")],
)
def test_deposit_names_the_limit_it_breaks(account: Account, agent: User, kind: str, bound: str, amount: str) -> None:
    limit(kind, bound)
    with pytest.raises(errors.ExceedsLimit) as refusal:
        deposit(account, agent, amount)
    assert refusal.value.data["limit"] == kind
    assert refusal.value.data["bound"] == Decimal(bound)


@pytest.mark.parametrize(("kind", "bound"), [("min_deposit", "10"), ("max_deposit", "10"), ("max_balance", "110")])
def test_deposit_may_be_exactly_at_the_limit(account: Account, agent: User, kind: str, bound: str) -> None:
    limit(kind, bound)
    assert deposit(account, agent, "10")[0].balance == Decimal(110)


def test_narrowest_limit_wins(account: Account, agent: User, nord: Entity) -> None:
    limit("max_deposit", "10")
    limit("max_deposit", "20", entity=nord)
    assert deposit(account, agent, "20")[0].balance == Decimal(120)
    limit("max_deposit", "5", account=account)
    with pytest.raises(errors.ExceedsLimit) as refusal:
        deposit(account, agent, "6")
    assert refusal.value.data["scope"] == "account"


def test_limit_of_another_time_entity_or_currency_does_not_bind(account: Account, agent: User, now: datetime) -> None:
    ended = TimestamptzRange(now - timedelta(days=2), now - timedelta(days=1))
    Limit.objects.create(kind="max_deposit", currency="CZK", amount=1, account=account, valid=ended)
    Limit.objects.create(
        kind="max_deposit", currency="CZK", amount=1, entity=Entity.objects.create(code="sud", name="Sud")
    )
    Limit.objects.create(kind="max_deposit", currency="EUR", amount=1, account=account)
    assert deposit(account, agent)[0].balance == Decimal(110)


def test_backdating_does_not_get_round_a_limit(account: Account, agent: User, now: datetime) -> None:
    Limit.objects.create(
        kind="max_deposit",
        currency="CZK",
        amount=1,
        account=account,
        valid=TimestamptzRange(now - timedelta(hours=1), None),
    )
    with pytest.raises(errors.ExceedsLimit):
        deposit(account, agent, asof=now - timedelta(days=3))


def test_void_limit_does_not_bind(account: Account, agent: User) -> None:
    Limit.objects.create(kind="max_deposit", currency="CZK", amount=1, account=account).delete()
    assert deposit(account, agent)[0].balance == Decimal(110)


def test_deposit_over_the_cap_is_refused_and_up_to_it_is_not(open_account: OpenAccount, agent: User) -> None:
    account = open_account(currency="KWD")
    Cap.set(currency="KWD", ceiling=Decimal("100.000"))
    deposit(account, agent, "99.999")
    with pytest.raises(errors.ExceedsCap) as refusal:
        deposit(account, agent, "0.002")
    assert (refusal.value.code, refusal.value.data["limit"]) == ("exceeds_cap", "cap")
    assert deposit(account, agent, "0.001")[0].balance == Decimal(100)


def test_withdrawal_frees_the_cap(open_account: OpenAccount, agent: User) -> None:
    first, second = open_account(currency="KWD"), open_account(currency="KWD")
    Cap.set(currency="KWD", ceiling=Decimal(100))
    deposit(first, agent, "100")
    Account.withdraw(uid=first.uid, amount=Decimal(40), by=agent, asof=timezone.now())
    assert deposit(second, agent, "40")[0].balance == Decimal(40)


@pytest.mark.parametrize(
    ("asof", "sentence"),
    [
        (datetime(2025, 1, 1), "time zone"),  # noqa: DTZ001  the naive moment is the point
        (LONG_AGO - timedelta(seconds=1), "exists since"),
        (datetime(2100, 1, 1, tzinfo=LONG_AGO.tzinfo), "future"),
    ],
)
def test_deposit_refuses_an_impossible_moment(account: Account, agent: User, asof: datetime, sentence: str) -> None:
    with pytest.raises(errors.InvalidMoment, match=sentence):
        deposit(account, agent, asof=asof)


@pytest.mark.parametrize(
    "texts",
    [
        {"comment": "x" * 501},
        {"comment": "a\x00b"},
        {"comment": "a\x01b"},
        {"comment": "\ud800"},
        {"reference_type": "cash", "reference": "x" * 65},
        {"idempotency_key": "x" * 101},
    ],
)
def test_deposit_refuses_texts_that_cannot_be_stored(account: Account, agent: User, texts: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidText):
        deposit(account, agent, **texts)


@pytest.mark.parametrize("texts", [{"reference": "12"}, {"reference_type": "pigeon", "reference": "12"}])
def test_deposit_refuses_a_reference_without_its_kind(account: Account, agent: User, texts: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidReference):
        deposit(account, agent, **texts)


def test_every_refusal_is_a_ledger_error_with_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LedgerError)]
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_preview_says_what_deposit_then_does(account: Account, agent: User) -> None:
    foreseen = Account.deposit_preview(uid=account.uid, amount=Decimal(10), by=agent, asof=timezone.now())
    account.refresh_from_db()
    assert (account.balance, account.version) == (Decimal(100), 2)
    after, action = deposit(account, agent)
    assert foreseen.balance_before == Decimal(100)
    assert foreseen.unwrap()[1].balance == action.balance == after.balance


def test_preview_foresees_the_cap(open_account: OpenAccount, agent: User) -> None:
    account = open_account(currency="KWD")
    Cap.set(currency="KWD", ceiling=Decimal(1))
    foreseen = Account.deposit_preview(uid=account.uid, amount=Decimal(2), by=agent, asof=timezone.now())
    assert isinstance(foreseen.error, errors.ExceedsCap)
