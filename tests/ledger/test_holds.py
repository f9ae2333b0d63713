"""Hold.place, capture, release and expiry: what is held stays in the balance and cannot be spent; a hold resolves once."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from backoffice.models import User
from backoffice.models.user import SYSTEM
from backoffice.scope import acting
from ledger import errors
from ledger.models import Account, Action, Hold
from tests.audit.test_capture import written_out
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def ask(on: Account | Hold, by: User, **more: Any) -> Any:
    return {"uid": on.uid, "by": by, "asof": timezone.now(), **more}


@pytest.fixture
def hold(account: Account, agent: User) -> Hold:
    """CZK 60.00 held of the 100.00 on Jana's account."""
    return Hold.place(**ask(account, agent, amount=Decimal(60)))[0]


def figures(account: Account) -> tuple[Decimal, Decimal, Decimal]:
    account = Account.objects.get(pk=account.pk)
    return account.balance, account.held, account.available


def test_place_keeps_the_amount_in_the_balance_and_out_of_what_is_available(account: Account, hold: Hold) -> None:
    assert figures(account) == (100, 60, 40)
    assert (hold.amount, hold.state, hold.captured, hold.uid) == (60, "pending", 0, hold.placed.uid)
    assert (hold.placed.type, hold.placed.delta, hold.placed.held_delta, hold.placed.held) == ("held", 0, 60, 60)


def test_what_is_held_can_neither_be_withdrawn_nor_held_again(account: Account, hold: Hold, agent: User) -> None:
    with pytest.raises(errors.InsufficientFunds, match=r"CZK 40.01 is more than the available CZK 40.00\."):
        Account.withdraw(**ask(account, agent, amount=Decimal("40.01")))
    with pytest.raises(errors.InsufficientFunds):
        Hold.place(**ask(account, agent, amount=Decimal("40.01")))
    assert Account.withdraw(**ask(account, agent, amount=Decimal(40)))


def test_capture_takes_all_of_it(account: Account, hold: Hold, agent: User) -> None:
    after, action = Hold.capture(**ask(hold, agent))
    assert (after.state, after.captured, after.resolved) == ("captured", 60, action)
    assert (action.delta, action.held_delta, figures(account)) == (-60, -60, (40, 0, 40))


def test_capture_of_a_part_releases_the_rest(account: Account, hold: Hold, agent: User) -> None:
    after, _ = Hold.capture(amount=Decimal(25), **ask(hold, agent))
    assert (after.captured, figures(account)) == (25, (75, 0, 75))


def test_capture_of_more_than_is_held_is_refused(account: Account, hold: Hold, agent: User) -> None:
    with pytest.raises(errors.ExceedsHold, match=r"CZK 60\.01 is more than the CZK 60\.00 held"):
        Hold.capture(amount=Decimal("60.01"), **ask(hold, agent))
    assert figures(account) == (100, 60, 40)


def test_release_frees_all_of_it(account: Account, hold: Hold, agent: User) -> None:
    after, action = Hold.release(**ask(hold, agent))
    assert (after.state, after.captured, action.delta, figures(account)) == ("released", 0, 0, (100, 0, 100))


@pytest.mark.parametrize("first", ["capture", "release"])
@pytest.mark.parametrize("second", ["capture", "release"])
def test_a_hold_resolves_once(account: Account, hold: Hold, agent: User, first: str, second: str) -> None:
    getattr(Hold, first)(**ask(hold, agent))
    with pytest.raises(errors.HoldResolved):
        getattr(Hold, second)(**ask(hold, agent))


def test_a_captured_hold_can_be_reversed(account: Account, hold: Hold, agent: User) -> None:
    _, action = Hold.capture(**ask(hold, agent))
    Action.reverse(**ask(account, agent, comment="Wrong claim") | {"uid": action.uid})
    assert figures(account) == (100, 0, 100)


def test_a_frozen_account_releases_and_does_not_capture(account: Account, hold: Hold, agent: User) -> None:
    Account.freeze(**ask(account, agent, comment="Fraud"))
    with pytest.raises(errors.AccountFrozen):
        Hold.capture(**ask(hold, agent))
    Hold.release(**ask(hold, agent))
    assert (figures(account), Account.objects.get(pk=account.pk).status) == ((100, 0, 100), "frozen")


def test_an_account_with_a_hold_cannot_be_closed(account: Account, hold: Hold, agent: User) -> None:
    with pytest.raises(errors.NotEmpty, match=r"CZK 60\.00 of it held"):
        Account.close(**ask(account, agent, comment="Moved away"))


def expired(account: Account, agent: User) -> Hold:
    """Place a hold whose time is over."""
    asked = ask(account, agent, amount=Decimal(60), expires=LONG_AGO + 2 * HOUR) | {"asof": LONG_AGO + HOUR}
    return Hold.place(**asked)[0]


def test_a_hold_that_has_expired_cannot_be_captured(account: Account, agent: User) -> None:
    hold = expired(account, agent)
    with pytest.raises(errors.HoldResolved, match="expired"):
        Hold.capture(**ask(hold, agent))


def test_the_next_posting_releases_what_has_expired(account: Account, agent: User) -> None:
    hold = expired(account, agent)
    assert figures(account) == (100, 60, 40)
    after, action = Account.withdraw(**ask(account, agent, amount=Decimal(100)))
    hold.refresh_from_db()
    assert (hold.state, hold.resolved.comment, after.balance, after.held) == ("expired", "Expired", 0, 0)  # type: ignore[union-attr]  # it is resolved
    assert (hold.resolved.version, action.version) == (4, 5)  # type: ignore[union-attr]  # as above


def test_nobody_is_told_to_have_ended_a_hold_that_expired(account: Account, agent: User) -> None:
    hold = expired(account, agent)
    with acting(actor=agent.pk, username="agent", request_id="r1", reason="Paid at the desk"):
        Account.withdraw(**ask(account, agent, amount=Decimal(1)))
    hold.refresh_from_db()
    released = hold.resolved
    assert released is not None
    assert (released.by_id, str(released.by)) == (SYSTEM, "system")
    told = {row["data"]["what"]: row for row in written_out("ledger.account") if row["type"] == "ledger.posted"}
    shown = {what: (row["user_id"], row["username"], row["reason"]) for what, row in told.items()}
    assert shown["released"] == (SYSTEM, "", "Expired")  # the relay writes the name that the row has
    assert shown["withdrawn"] == (agent.pk, "agent", "Paid at the desk")


def test_nobody_logs_in_as_the_system_or_finds_it_among_people() -> None:
    system = User._base_manager.get(pk=SYSTEM)
    assert (system.is_active, system.is_void, system.has_usable_password()) == (False, True, False)
    assert not User.objects.filter(pk=SYSTEM).exists()


def test_a_refused_posting_releases_nothing(account: Account, agent: User) -> None:
    hold = expired(account, agent)
    with pytest.raises(errors.InsufficientFunds, match=r"available CZK 100\.00"):
        Account.withdraw(**ask(account, agent, amount=Decimal("100.01")))
    hold.refresh_from_db()
    assert (hold.state, figures(account)) == ("pending", (100, 60, 40))


def test_release_expired_releases_what_is_due_and_nothing_else(open_account: OpenAccount, agent: User) -> None:
    due = [expired(open_account("100"), agent) for _ in range(2)]
    later = Hold.place(**ask(open_account("9"), agent, amount=Decimal(9), expires=timezone.now() + HOUR))[0]
    assert (Hold.release_expired(now=timezone.now()), Hold.release_expired(now=timezone.now())) == (2, 0)
    assert {hold.state for hold in Hold.objects.exclude(pk=later.pk)} == {"expired"}
    assert (Hold.objects.get(pk=later.pk).state, len(due)) == ("pending", 2)


@pytest.mark.parametrize("expires", [datetime(2100, 1, 1), LONG_AGO])  # noqa: DTZ001  that is what is tested
def test_place_refuses_an_impossible_end(account: Account, agent: User, expires: datetime) -> None:
    with pytest.raises(errors.InvalidMoment):
        Hold.place(**ask(account, agent, amount=Decimal(1), expires=expires))


def test_an_unknown_hold_is_refused(hold: Hold, agent: User) -> None:
    with pytest.raises(errors.UnknownHold):
        Hold.capture(**ask(hold, agent) | {"uid": uuid4()})


def test_place_repeated_under_its_key_returns_the_same_hold(account: Account, agent: User) -> None:
    first, _ = Hold.place(**ask(account, agent, amount=Decimal(5), idempotency_key="k"))
    assert Hold.place(**ask(account, agent, amount=Decimal(5), idempotency_key="k"))[0] == first
    with pytest.raises(errors.IdempotencyConflict):
        Hold.place(**ask(account, agent, amount=Decimal(6), idempotency_key="k"))


def test_previews_are_what_then_happens(account: Account, hold: Hold, agent: User) -> None:
    foreseen = Hold.capture_preview(amount=Decimal(25), **ask(hold, agent))
    assert (foreseen.action.balance, foreseen.action.held) == (75, 0)  # type: ignore[union-attr]  # it is allowed
    assert Hold.release_preview(**ask(hold, agent)).action.held == 0  # type: ignore[union-attr]  # as above
    assert Hold.place_preview(**ask(account, agent, amount=Decimal(41))).error
    assert figures(account) == (100, 60, 40)


@pytest.mark.parametrize("change", ["UPDATE ledger_hold SET state = 'released'", "DELETE FROM ledger_hold"])
def test_the_site_cannot_change_a_hold_by_itself(hold: Hold, change: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_database_refuses_to_resolve_a_hold_by_another_amount(account: Account, hold: Hold, agent: User) -> None:
    with pytest.raises(IntegrityError, match="resolved once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, held_delta, held, turnover, status,
                version, created, latest, reference_type, external_reference, comment, by_id, hold_id)
            SELECT id, entity_id, currency, 'released', 0, balance, -10, held - 10, turnover, 'open', version + 1, latest, latest,
                'none', '', '', %s, %s FROM ledger_account WHERE id = %s
            """,
            [agent.pk, hold.pk, account.pk],
        )
