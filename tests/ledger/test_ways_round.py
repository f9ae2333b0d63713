"""Ways round the rules that a careful reader found; each is closed where the rule is, and in the database where it guards."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from backoffice.models import User
from ledger import errors
from ledger.choices import ActionType
from ledger.models import Account, Action, Approval, Hold, Limit
from ledger.posting import Posting
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db
BACK: dict[str, Any] = {"comment": "Booked twice"}


@pytest.fixture
def sent(open_account: OpenAccount, agent: User, now: datetime) -> Action:
    """The leg that goes out of a transfer of CZK 40.00."""
    (_, out), _ = Account.transfer(
        uid=open_account("100").uid, to=open_account("5").uid, amount=Decimal(40), by=agent, asof=now
    )
    return out


def test_one_leg_of_a_transfer_never_goes_back_alone(sent: Action, agent: User, now: datetime) -> None:
    alone = Posting(
        type=ActionType.REVERSED, uid=sent.account.uid, amount=Decimal(40), by=agent, asof=now, reverses=sent, **BACK
    )
    [outcome] = Account.post_batch([alone])
    assert isinstance(outcome.error, errors.UnknownAction)


def insert(account: Account, agent: User, now: datetime, *rows: dict[str, Any]) -> None:
    """Write actions past the engine, each continuing the one before."""
    account.refresh_from_db()
    plain = {
        "entity_id": account.entity_id,
        "currency": "CZK",
        "status": "open",
        "reference_type": "none",
        "by_id": agent.pk,
    }
    texts = {"external_reference": "", "comment": "x", "created": now, "latest": max(account.latest, now)}
    facts: list[dict[str, Any]] = [plain | texts | {"account_id": account.pk} | row for row in rows]
    names = list(facts[0])
    values = ", ".join(f"({', '.join('%s' for _ in names)})" for _ in facts)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO ledger_action ({', '.join(names)}) VALUES {values}",  # noqa: S608  names of the test
            [row[name] for row in facts for name in names],
        )


def test_database_refuses_to_take_back_one_leg_alone(sent: Action, agent: User, now: datetime) -> None:
    row = {"type": "reversed", "delta": 40, "balance": 100, "turnover": 140, "version": 4, "reverses_id": sent.pk}
    with pytest.raises(IntegrityError, match="goes back"):
        insert(sent.account, agent, now, row)


@pytest.mark.parametrize("kind", ["deposited", "created"])
def test_database_refuses_an_action_that_lies_about_the_status(
    account: Account, agent: User, now: datetime, kind: str
) -> None:
    delta = 1 if kind == "deposited" else 0
    status = "closed" if kind == "deposited" else "open"
    row = {
        "type": kind,
        "delta": delta,
        "balance": 100 + delta,
        "turnover": 100 + delta,
        "version": 3,
        "status": status,
    }
    with pytest.raises(IntegrityError, match="does not continue"):
        insert(account, agent, now, row)


def test_database_refuses_to_thaw_an_account_on_the_way(account: Account, agent: User, now: datetime) -> None:
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(10), by=agent, asof=now)
    Account.freeze(uid=account.uid, by=agent, asof=now, comment="Fraud")
    release = {
        "type": "released",
        "delta": 0,
        "held_delta": -10,
        "held": 0,
        "balance": 100,
        "turnover": 100,
        "version": 5,
    }
    take = {"type": "withdrawn", "delta": -100, "held_delta": 0, "held": 0, "balance": 0, "turnover": 200, "version": 6}
    with pytest.raises(IntegrityError, match="does not continue"):
        insert(account, agent, now, {**release, "hold_id": hold.pk}, {**take, "hold_id": None})


def test_an_approval_that_nobody_gave_lets_nothing_pass(account: Account, agent: User, now: datetime) -> None:
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=50)
    asked = Posting(
        type=ActionType.WITHDRAWN, uid=account.uid, amount=Decimal(60), by=agent, asof=now, approval=Approval()
    )
    with pytest.raises(errors.InvalidPosting):
        Account.post_batch([asked])


def test_the_threshold_of_either_account_asks_for_approval_of_a_reversal(sent: Action, now: datetime) -> None:
    Limit.objects.create(kind="approval", currency="CZK", account=sent.account, amount=30)
    [received] = sent.counterparts()
    for leg in (sent, received):
        with pytest.raises(errors.ApprovalRequired):
            Action.reverse(uid=leg.uid, by=sent.by, asof=now, **BACK)


def test_nothing_goes_back_before_it_came(account: Account, agent: User, now: datetime) -> None:
    _, deposited = Account.deposit(uid=account.uid, amount=Decimal(10), by=agent, asof=now)
    with pytest.raises(errors.InvalidMoment):
        Action.reverse(uid=deposited.uid, by=agent, asof=LONG_AGO + timedelta(days=1), **BACK)
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(10), by=agent, asof=now)
    with pytest.raises(errors.InvalidMoment):
        Hold.release(uid=hold.uid, by=agent, asof=LONG_AGO + timedelta(days=1))


def test_a_back_dated_approval_does_not_revive_what_expired(
    account: Account, agent: User, admin: User, now: datetime, settings: Any
) -> None:
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=50)
    settings.APPROVAL_DAYS = 1e-7
    asked = Approval.request(verb="deposit", uid=account.uid, amount=Decimal(60), by=agent, asof=now, comment="Rent")
    time.sleep(0.02)
    with pytest.raises(errors.ApprovalDecided):
        Approval.approve(uid=asked.uid, by=admin, asof=asked.requested + timedelta(microseconds=1))


def test_what_somebody_asked_who_is_gone_fails(account: Account, agent: User, admin: User, now: datetime) -> None:
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=50)
    asked = Approval.request(verb="deposit", uid=account.uid, amount=Decimal(60), by=agent, asof=now, comment="Rent")
    User.objects.filter(pk=agent.pk).update(is_active=False)
    done = Approval.approve(uid=asked.uid, by=admin, asof=asked.requested)
    assert (done.state, done.error_code) == ("failed", "unknown_user")


def test_a_repeated_key_with_what_cannot_be_compared_is_refused(account: Account, agent: User, now: datetime) -> None:
    Account.deposit(uid=account.uid, amount=Decimal(5), by=agent, asof=now, idempotency_key="k")
    with pytest.raises(errors.InvalidAmount):
        Account.deposit(uid=account.uid, amount=Decimal("sNaN"), by=agent, asof=now, idempotency_key="k")


def test_somebody_who_is_not_in_the_database_posts_nothing(account: Account, now: datetime) -> None:
    with pytest.raises(errors.UnknownUser):
        Account.deposit(uid=account.uid, amount=Decimal(5), by=User(pk=999_999), asof=now)


def codes(*postings: Posting) -> set[str | None]:
    """Return what the preview and the posting say, and that they say the same of each."""
    previews = Account.preview_batch(postings)
    done = Account.post_batch(postings)
    said = [outcome.error.code if outcome.error else None for outcome in previews]
    assert said == [outcome.error.code if outcome.error else None for outcome in done]
    return set(said)


def test_preview_and_posting_refuse_a_hold_and_an_action_of_another_account(
    open_account: OpenAccount, sent: Action, agent: User, now: datetime
) -> None:
    other = open_account("100")
    held, _ = Hold.place(uid=sent.account.uid, amount=Decimal(10), by=agent, asof=now)
    _, came = Account.deposit(uid=sent.account.uid, amount=Decimal(10), by=agent, asof=now)
    plain: dict[str, Any] = {"uid": other.uid, "by": agent, "asof": timezone.now(), "amount": Decimal(10)}
    assert codes(
        Posting(type=ActionType.CAPTURED, hold=held, **plain),
        Posting(type=ActionType.RELEASED, hold=held, **plain),
        Posting(type=ActionType.REVERSED, reverses=came, **plain, **BACK),
        Posting(type=ActionType.REFUNDED, reverses=came, **plain, **BACK),
    ) == {"invalid_posting"}


def test_preview_and_posting_refuse_legs_that_are_of_no_one_transfer(
    open_account: OpenAccount, sent: Action, agent: User, now: datetime
) -> None:
    _, came = Account.deposit(uid=open_account().uid, amount=Decimal(40), by=agent, asof=now)
    (_, second), _ = Account.transfer(
        uid=sent.account.uid, to=came.account.uid, amount=Decimal(40), by=agent, asof=timezone.now()
    )
    plain: dict[str, Any] = {"by": agent, "asof": timezone.now(), "amount": Decimal(40), "type": ActionType.REVERSED}
    assert codes(
        Posting(uid=sent.account.uid, reverses=sent, counter=came, **plain, **BACK),
        Posting(uid=sent.account.uid, reverses=sent, counter=sent, **plain, **BACK),
        Posting(uid=came.account.uid, reverses=came, counter=sent, **plain, **BACK),
        Posting(uid=sent.account.uid, reverses=sent, counter=second.counterparts()[0], **plain, **BACK),
    ) == {"invalid_posting"}
