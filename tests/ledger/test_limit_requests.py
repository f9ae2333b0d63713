"""Limits and caps change by approval alone: what was before ends or comes back, and both stay in history."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from backoffice.models import Entity, User
from ledger import errors
from ledger.models import Account, Approval, Cap, Limit
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead() -> User:
    return User.objects.create_user("lead", is_staff=True)


def ask(agent: User, **asked: Any) -> Approval:
    given: dict[str, Any] = {"kind": "max_deposit", "currency": "CZK", "amount": Decimal(10), "reason": "Why", **asked}
    return Approval.request_limit(by=agent, asof=timezone.now(), **given)


def approve(approval: Approval, by: User) -> Approval:
    return Approval.approve(uid=approval.uid, by=by, asof=timezone.now(), saw=approval.would(timezone.now()).digest)


def moment_of(approval: Approval) -> datetime:
    """Return when the limit of an approved request began: when it was approved, and not before."""
    [begun] = Limit.all_objects_including_void().filter(amount=approval.amount, valid__startswith__gte=approval.decided)
    assert begun.valid.lower <= timezone.now()
    found: datetime = begun.valid.lower
    return found


def standing(account: Account) -> list[tuple[Any, ...]]:
    rows = Limit.objects.filter(account=account, kind="max_deposit").order_by("valid")
    return [(limit.amount, limit.valid.lower, limit.valid.upper) for limit in rows]


def test_an_approved_limit_binds_from_then_on(account: Account, agent: User, lead: User) -> None:
    approval = ask(agent, account=account)
    assert (approval.kind, approval.entity_id, approval.amount) == ("limit", account.entity_id, 10)
    assert approval.shown["effects"] == [
        {"what": "Maximum deposit for this account", "before": "none", "after": "CZK 10.00", "change": ""}
    ]
    Account.deposit(uid=account.uid, amount=Decimal(20), by=agent, asof=timezone.now())
    done = approve(approval, lead)
    assert standing(account) == [(10, moment_of(done), None)]
    with pytest.raises(errors.ExceedsLimit):
        Account.deposit(uid=account.uid, amount=Decimal(20), by=agent, asof=timezone.now())


def test_a_back_dated_approval_rewrites_no_limit_of_the_past(account: Account, agent: User, lead: User) -> None:
    asked, decided = (timezone.now() - timedelta(hours=hours) for hours in (2, 1))
    bound: dict[str, Any] = {"kind": "max_deposit", "currency": "CZK", "account": account, "reason": "Why"}
    first = Approval.request_limit(by=agent, asof=asked, amount=Decimal(10), **bound)
    before = timezone.now()
    assert Approval.approve(uid=first.uid, by=lead, asof=decided).decided == decided
    [(_, since, _)] = standing(account)
    assert before <= since <= timezone.now()
    end = Approval.request_limit(by=agent, asof=asked, amount=None, **bound)
    Approval.approve(uid=end.uid, by=lead, asof=decided)
    [(_, _, until)] = standing(account)
    assert since < until <= timezone.now()  # and it bound in between, as it did


def test_a_change_ends_the_limit_before_and_history_has_both(account: Account, agent: User, lead: User) -> None:
    first = approve(ask(agent, account=account), lead)
    second = approve(ask(agent, account=account, amount=Decimal(20)), lead)
    assert second.shown["effects"][0]["before"] == "CZK 10.00"
    assert standing(account) == [(10, moment_of(first), moment_of(second)), (20, moment_of(second), None)]
    assert [row.history_type for row in Limit.history.filter(account=account).order_by("history_id")] == ["+", "~", "+"]


def test_a_limit_for_a_time_gives_way_to_the_one_before(account: Account, agent: User, lead: User) -> None:
    first = moment_of(approve(ask(agent, account=account), lead))
    since, until = (timezone.now() + timedelta(days=days) for days in (1, 8))
    change = ask(agent, account=account, amount=Decimal(99), valid_from=since, valid_until=until)
    assert change.shown["effects"][0]["after"].endswith(", then CZK 10.00")
    approve(change, lead)
    assert standing(account) == [(10, first, since), (99, since, until), (10, until, None)]


def test_a_limit_that_never_began_is_void(account: Account, agent: User, lead: User) -> None:
    later = timezone.now() + timedelta(days=3)
    approve(ask(agent, account=account, valid_from=later), lead)
    done = approve(ask(agent, account=account, amount=Decimal(20)), lead)
    assert standing(account) == [(20, moment_of(done), None)]
    assert Limit.all_objects_including_void().filter(account=account, is_void=True).count() == 1


def test_ending_a_limit_ends_it_and_what_was_to_come(account: Account, agent: User, lead: User) -> None:
    first = approve(ask(agent, account=account), lead)
    done = approve(ask(agent, account=account, amount=None), lead)
    assert (done.amount, done.shown["effects"][0]["after"]) == (0, "none")
    [(amount, since, until)] = standing(account)
    assert (amount, since) == (10, moment_of(first))
    assert done.decided <= until <= timezone.now()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": "max_anything"}, "invalid_limit"),
        ({"currency": "KZZ"}, "unknown_currency"),
        ({"amount": Decimal("1.001")}, "invalid_amount"),
        ({"amount": Decimal(-1)}, "invalid_amount"),
        ({"amount": Decimal("NaN")}, "invalid_amount"),
        ({"amount": 5}, "invalid_amount"),
        ({"reason": " "}, "reason_required"),
        ({"amount": None, "kind": "daily_turnover"}, "invalid_limit"),
        ({"valid_from": datetime(2024, 1, 1, tzinfo=UTC)}, "invalid_moment"),
        ({"valid_until": datetime(2024, 1, 1, tzinfo=UTC)}, "invalid_limit"),
        ({"valid_from": datetime(2094, 1, 1)}, "invalid_moment"),  # noqa: DTZ001  without a zone
        ({"amount": Decimal(25_000_000)}, "invalid_limit"),  # which it is already
    ],
)
def test_what_cannot_be_a_limit_is_refused(agent: User, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(errors.LedgerError) as refused:
        ask(agent, **asked)
    assert refused.value.code == code
    assert Approval.objects.count() == 0


def test_a_limit_is_for_one_subject_and_in_its_currency(account: Account, agent: User, nord: Entity) -> None:
    for asked in ({"account": account, "entity": nord}, {"account": account, "currency": "EUR"}):
        with pytest.raises(errors.InvalidLimit):
            ask(agent, **asked)


def test_no_amount_is_too_small_to_need_another_person(account: Account, agent: User) -> None:
    approval = ask(agent, account=account, amount=Decimal(0))
    with pytest.raises(errors.SameApprover):
        approve(approval, agent)
    with pytest.raises(errors.DuplicateRequest):
        ask(agent, account=account, amount=Decimal(0))


def test_a_limit_that_changed_meanwhile_is_drift(account: Account, agent: User, lead: User) -> None:
    one, two = ask(agent, account=account), ask(agent, account=account, amount=Decimal(20))
    saw = two.would(timezone.now()).digest
    approve(one, lead)
    with pytest.raises(errors.StalePreview) as stale:
        Approval.approve(uid=two.uid, by=lead, asof=timezone.now(), saw=saw)
    assert stale.value.data["now"].effects[0].before == "CZK 10.00"


def test_a_limit_of_an_entity_leaves_the_wider_one_alone(nord: Entity, agent: User, lead: User) -> None:
    wide = list(Limit.objects.filter(entity=None, kind="max_deposit", currency="CZK").values())
    done = approve(ask(agent, entity=nord), lead)
    assert list(Limit.objects.filter(entity=None, kind="max_deposit", currency="CZK").values()) == wide
    assert Limit.objects.get(entity=nord).valid == TimestamptzRange(moment_of(done), None)


def cap(agent: User, ceiling: str, currency: str = "KWD") -> Approval:
    return Approval.request_cap(
        currency=currency, ceiling=Decimal(ceiling), by=agent, asof=timezone.now(), reason="We grow"
    )


def test_a_cap_is_set_by_approval(agent: User, lead: User) -> None:
    before = Cap.objects.get(currency="KWD").ceiling
    approval = cap(agent, "7.500")
    assert Cap.objects.get(currency="KWD").ceiling == before
    assert approval.shown["effects"][0]["after"] == "KWD 7.500"
    assert approve(approval, lead).state == "approved"
    assert Cap.objects.get(currency="KWD").ceiling == Decimal("7.5")


def test_a_cap_below_the_balances_is_refused_at_either_end(open_account: OpenAccount, agent: User, lead: User) -> None:
    open_account("100", currency="KWD")
    with pytest.raises(errors.CapTooLow):
        cap(agent, "99")
    approval = cap(agent, "150")
    open_account("60", currency="KWD")
    failed = Approval.approve(uid=approval.uid, by=lead, asof=timezone.now())
    assert (failed.state, failed.error_code) == ("failed", "cap_too_low")


@pytest.mark.parametrize(
    ("currency", "ceiling", "code"),
    [("kwd", "1", "unknown_currency"), ("KWD", "-1", "invalid_amount"), ("KWD", "1.0001", "invalid_amount")],
)
def test_what_cannot_be_a_cap_is_refused(agent: User, currency: str, ceiling: str, code: str) -> None:
    with pytest.raises(errors.LedgerError) as refused:
        cap(agent, ceiling, currency)
    assert refused.value.code == code
