"""Maker and checker: who may decide, what is carried out, and what the database holds of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import Outbox
from backoffice.models import User
from backoffice.scope import acting
from ledger import errors
from ledger.models import Account, Action, Approval, Hold, Limit
from ledger.posting import Posting
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead() -> User:
    """Somebody who decides."""
    return User.objects.create_user("lead", is_staff=True)


def threshold() -> Limit:
    """More than CZK 50 needs approval from now on."""
    return Limit.objects.get_or_create(kind="approval", currency="CZK", defaults={"amount": 50})[0]


def ask(account: Account, agent: User, verb: str = "deposit", **asked: Any) -> Approval:
    given: dict[str, Any] = {"uid": account.uid, "amount": Decimal(60), "comment": "Inheritance", **asked}
    threshold()
    return Approval.request(verb=verb, by=agent, asof=timezone.now(), **given)


def approve(approval: Approval, by: User, **more: Any) -> Approval:
    return Approval.approve(uid=approval.uid, by=by, asof=timezone.now(), **more)


def balance(account: Account) -> Decimal:
    return Account.objects.get(pk=account.pk).balance


def test_request_keeps_what_was_asked_and_what_it_showed(account: Account, agent: User) -> None:
    approval = ask(account, agent, reference_type="invoice", reference="7")
    assert approval.asked == {
        "verb": "deposit", "uid": str(account.uid), "amount": "60.00", "comment": "Inheritance",
        "reference_type": "invoice", "reference": "7",
    }  # fmt: skip
    assert approval.shown["effects"] == [
        {"what": "Balance", "before": "CZK 100.00", "change": "CZK 60.00", "after": "CZK 160.00"}
    ]
    assert (approval.state, approval.reason, approval.maker) == ("pending", "Inheritance", agent)
    assert (approval.account, approval.entity_id, approval.amount) == (account, account.entity_id, 60)
    assert balance(account) == 100


def test_approving_posts_as_the_maker_at_that_moment(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent, idempotency_key="k")
    now = timezone.now()
    done = Approval.approve(uid=approval.uid, by=lead, asof=now, comment="Seen the will")
    action = done.action
    assert action
    assert (action.by, action.created, action.delta, action.approval) == (agent, now, 60, approval)
    assert (action.idempotency_key, action.comment) == ("k", "Inheritance")
    assert (done.state, done.checker, done.decided, done.comment) == ("approved", lead, now, "Seen the will")
    assert balance(account) == 160


VERBS: dict[str, dict[str, Any]] = {
    "deposit": {}, "withdraw": {}, "transfer": {}, "hold": {}, "reverse": {}, "refund": {"amount": Decimal(60)}
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_over_the_threshold_can_be_asked_for(
    open_account: OpenAccount, agent: User, lead: User, verb: str
) -> None:
    account, other = open_account("100"), open_account("5")
    asked: dict[str, Any] = {"uid": account.uid, "amount": Decimal(60), "comment": "Why", **VERBS[verb]}
    if verb in {"reverse", "refund"}:
        asked["uid"] = account.actions.latest().uid
        asked |= {} if verb == "refund" else {"amount": Decimal(0)}
    if verb == "transfer":
        asked["to"] = other.uid
    if verb == "reverse":
        del asked["amount"]
    if verb == "hold":
        asked["expires"] = timezone.now() + timedelta(days=1)
    threshold()
    approval = Approval.request(verb=verb, by=agent, asof=timezone.now(), **asked)
    seen = approval.would(timezone.now())
    assert seen == approval.was_shown
    assert approve(approval, lead, saw=seen.digest).state == "approved"
    after = {"deposit": 160, "withdraw": 40, "transfer": 40, "hold": 100, "reverse": 0, "refund": 40}
    assert (balance(account), balance(other)) == (after[verb], 65 if verb == "transfer" else 5)
    assert Hold.objects.count() == (verb == "hold")


def test_what_is_within_the_threshold_needs_no_approval(account: Account, agent: User) -> None:
    with pytest.raises(errors.ApprovalNotRequired):
        ask(account, agent, amount=Decimal(50))


@pytest.mark.parametrize(
    ("verb", "asked", "code"),
    [
        ("withdraw", {"amount": Decimal(101)}, "insufficient_funds"),
        ("deposit", {"amount": Decimal("60.001")}, "invalid_amount"),
        ("deposit", {"comment": ""}, "reason_required"),
        ("deposit", {"amount": Decimal(10) ** 12}, "exceeds_limit"),
        ("freeze", {}, "unknown_verb"),
        ("deposit", {"uid": uuid4()}, "unknown_account"),
        ("reverse", {"uid": uuid4()}, "unknown_action"),
    ],
)
def test_what_a_rule_refuses_anyway_cannot_be_asked_for(
    account: Account, agent: User, verb: str, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(errors.LedgerError) as refused:
        ask(account, agent, verb, **asked)
    assert refused.value.code == code
    assert Approval.objects.count() == 0


def test_the_same_waits_once_whoever_asks(account: Account, agent: User, admin: User) -> None:
    first = ask(account, agent, idempotency_key="one")
    with pytest.raises(errors.DuplicateRequest, match="has asked for this already"):
        ask(account, admin, idempotency_key="two")
    assert ask(account, agent, idempotency_key="one") == first
    assert ask(account, agent, comment="Another one") != first
    Approval.cancel(uid=first.uid, by=agent, asof=timezone.now())
    assert ask(account, agent, idempotency_key="two") != first


def test_a_batch_of_requests_has_an_answer_each(open_account: OpenAccount, agent: User, now: datetime) -> None:
    rich, poor = open_account("100"), open_account("5")
    threshold()
    asked = [
        Posting(type=Action.Type.WITHDRAWN, uid=account.uid, by=agent, asof=now, amount=Decimal(60), comment="Rent")
        for account in (rich, poor, rich)
    ]
    one, two, three = Approval.request_postings(asked)
    assert isinstance(one, Approval)
    assert [getattr(answer, "code", "") for answer in (two, three)] == ["insufficient_funds", "insufficient_funds"]


@pytest.mark.parametrize("superuser", [False, True])
def test_nobody_decides_on_a_request_of_his_own(account: Account, agent: User, superuser: bool) -> None:
    agent.is_superuser = superuser
    agent.save()
    approval = ask(account, agent)
    for decide in (Approval.approve, Approval.reject):
        with pytest.raises(errors.SameApprover):
            decide(uid=approval.uid, by=agent, asof=timezone.now(), comment="Fine")
    approval.refresh_from_db()
    assert (approval.state, balance(account)) == ("pending", 100)


def test_who_made_the_maker_s_account_or_the_other_way_round_does_not_decide(
    account: Account, agent: User, lead: User
) -> None:
    with acting(actor=lead.pk, request_id="a test"):
        User.objects.filter(pk=agent.pk).update(email="agent@example.com")
    approval = ask(account, agent)
    for decide in (Approval.approve, Approval.reject):
        with pytest.raises(errors.SameApprover):
            decide(uid=approval.uid, by=lead, asof=timezone.now(), comment="Fine")
    with pytest.raises(IntegrityError, match="do not decide for each other"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(state="rejected", checker=lead, decided=timezone.now())
    with acting(actor=User.objects.create(username="third").pk, request_id="a test"):
        User.objects.filter(pk=agent.pk).update(email="agent@example.org")
    assert approve(approval, lead).state == "approved"


def test_only_the_maker_takes_a_request_back(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    with pytest.raises(errors.NotTheMaker):
        Approval.cancel(uid=approval.uid, by=lead, asof=timezone.now())
    assert Approval.cancel(uid=approval.uid, by=agent, asof=timezone.now()).state == "cancelled"


def test_rejecting_needs_a_reason(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    with pytest.raises(errors.ReasonRequired):
        Approval.reject(uid=approval.uid, by=lead, asof=timezone.now(), comment=" ")
    done = Approval.reject(uid=approval.uid, by=lead, asof=timezone.now(), comment="No papers")
    assert (done.state, done.checker, done.comment) == ("rejected", lead, "No papers")


def test_approving_twice_posts_once(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    approve(approval, lead)
    with pytest.raises(errors.ApprovalDecided, match="approved already"):
        approve(approval, lead)
    assert balance(account) == 160


def test_an_unknown_request_is_refused(lead: User) -> None:
    with pytest.raises(errors.UnknownApproval):
        Approval.approve(uid=uuid4(), by=lead, asof=timezone.now())


def test_a_rule_that_refuses_now_fails_the_request_with_its_reason(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent, "withdraw")
    Account.withdraw(uid=account.uid, amount=Decimal(50), by=agent, asof=timezone.now())
    failed = approve(approval, lead)
    assert (failed.state, failed.checker, failed.error_code) == ("failed", lead, "insufficient_funds")
    assert failed.error_text == "CZK 60.00 is more than the available CZK 50.00."
    assert (balance(account), failed.action) == (50, None)


def test_drift_is_shown_and_nothing_is_decided(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    saw = approval.would(timezone.now()).digest
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    with pytest.raises(errors.StalePreview) as stale:
        approve(approval, lead, saw=saw)
    now = stale.value.data["now"]
    assert [effect.after for effect in now.effects] == ["CZK 161.00"]
    approval.refresh_from_db()
    assert (approval.state, approval.checker, balance(account)) == ("pending", None, 101)
    assert approve(approval, lead, saw=now.digest).state == "approved"


def test_a_refusal_that_was_not_seen_is_drift_too(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent, "withdraw")
    saw = approval.would(timezone.now()).digest
    Account.withdraw(uid=account.uid, amount=Decimal(50), by=agent, asof=timezone.now())
    with pytest.raises(errors.StalePreview) as stale:
        approve(approval, lead, saw=saw)
    assert stale.value.data["now"].code == "insufficient_funds"
    assert approve(approval, lead, saw=stale.value.data["now"].digest).state == "failed"


def test_approving_works_where_constraints_are_checked_at_once(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert approve(approval, lead).state == "approved"


def test_nobody_decides_before_something_is_asked_for(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    with pytest.raises(errors.InvalidMoment):
        Approval.approve(uid=approval.uid, by=lead, asof=approval.requested - timedelta(seconds=1))


def test_what_was_posted_meanwhile_under_its_key_is_not_posted_again(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent, idempotency_key="k")
    threshold().purge_from_db()
    Account.deposit(
        uid=account.uid, amount=Decimal(60), by=agent, asof=timezone.now(), comment="Inheritance", idempotency_key="k"
    )
    assert approve(approval, lead).error_code == "idempotency_conflict"
    assert balance(account) == 160


def test_a_request_expires(account: Account, agent: User, lead: User) -> None:
    threshold()
    past = timezone.now() - timedelta(days=settings.APPROVAL_DAYS, minutes=1)
    old, older = (
        Approval.request(verb="deposit", uid=account.uid, amount=Decimal(60), comment=comment, by=agent, asof=past)
        for comment in "ab"
    )
    with pytest.raises(errors.ApprovalDecided, match="expired already"):
        approve(old, lead)
    old.refresh_from_db()
    assert (old.state, old.checker, balance(account)) == ("expired", None, 100)
    fresh = ask(account, agent)
    assert Approval.expire_due(asof=timezone.now()) == 1
    assert [Approval.objects.get(pk=one.pk).state for one in (older, fresh)] == ["expired", "pending"]
    assert ask(account, agent, comment="a").state == "pending"


@pytest.mark.parametrize("asof", [datetime(2024, 5, 1), timezone.now() + timedelta(days=1)])  # noqa: DTZ001  one without a zone
def test_a_moment_that_cannot_be_is_refused(account: Account, agent: User, lead: User, asof: datetime) -> None:
    approval = ask(account, agent)
    with pytest.raises(errors.InvalidMoment):
        Approval.approve(uid=approval.uid, by=lead, asof=asof)


def test_each_step_is_an_event_with_its_reason(account: Account, agent: User, lead: User) -> None:
    one, two = ask(account, agent), ask(account, agent, comment="Second")
    approve(one, lead, comment="Fine")
    Approval.reject(uid=two.uid, by=lead, asof=timezone.now(), comment="Twice")
    events = Outbox.objects.filter(type__startswith="approval.").order_by("id")
    assert [(event.type, event.object_id, event.reason) for event in events] == [
        ("approval.requested", str(one.pk), "Inheritance"),
        ("approval.requested", str(two.pk), "Second"),
        ("approval.approved", str(one.pk), "Fine"),
        ("approval.rejected", str(two.pk), "Twice"),
    ]


# What the database holds, whoever writes.

DECIDED = "UPDATE ledger_approval SET state = %s, checker_id = %s, decided = now(), comment = 'x' WHERE id = %s"


def run(query: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refused(query: str, *values: Any) -> str:
    """Return the constraint that refuses a statement."""
    with pytest.raises(IntegrityError) as error:
        run(query, *values)
    return str(error.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]  # psycopg's


@pytest.mark.parametrize("state", ["approved", "rejected", "failed"])
def test_the_database_refuses_the_maker_as_checker_superuser_or_not(
    account: Account, agent: User, admin: User, state: str
) -> None:
    for maker, comment in ((agent, "a"), (admin, "b")):
        approval = ask(account, maker, comment=comment)
        assert refused(DECIDED, state, maker.pk, approval.pk) == "ledger_approval_checker_is_another"
        assert refused(DECIDED, state, None, approval.pk) == "ledger_approval_decided_by_somebody"


def test_the_database_refuses_an_approved_posting_that_was_not_posted(
    account: Account, agent: User, lead: User
) -> None:
    approval = ask(account, agent)
    assert refused(DECIDED, "approved", lead.pk, approval.pk) == "ledger_approval_carried_out"


def test_the_database_refuses_a_second_decision(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    Approval.reject(uid=approval.uid, by=lead, asof=timezone.now(), comment="No")
    assert refused(DECIDED, "cancelled", None, approval.pk) == "ledger_approval_decided_once"


def test_the_database_refuses_an_approval_after_the_end(account: Account, agent: User, lead: User) -> None:
    threshold()
    past = timezone.now() - timedelta(days=10)
    approval = Approval.request(verb="deposit", uid=account.uid, amount=Decimal(60), comment="c", by=agent, asof=past)
    assert refused(DECIDED, "approved", lead.pk, approval.pk) == "ledger_approval_decided_once"


ACTION = """
    INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, held, turnover, status, version, created,
                               latest, reference_type, external_reference, comment, by_id, approval_id)
    SELECT id, entity_id, currency, 'deposited', %s, balance + %s, held, turnover + %s, status, version + 1, now(), now(),
           'none', '', '', %s, %s FROM ledger_account WHERE id = %s
"""


def test_the_database_refuses_an_action_that_is_not_what_was_approved(
    account: Account, agent: User, lead: User, open_account: OpenAccount
) -> None:
    approval = ask(account, agent)
    right = [60, 60, 60, agent.pk, approval.pk, account.pk]
    assert refused(ACTION, *right) == "ledger_action_approved"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DECIDED, ["approved", lead.pk, approval.pk])
        others = ([61, 61, 61, *right[3:]], [60, 60, 60, lead.pk, *right[4:]], [*right[:5], open_account().pk])
        for wrong in others:
            assert refused(ACTION, *wrong) == "ledger_action_approved"
        cursor.execute(ACTION, right)
        assert refused(ACTION, *right) == "ledger_action_approved_once"
