"""What the database refuses by itself, whoever asks: the app role, and where a trigger says so, its owner too."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.utils import ProgrammingError

from backoffice import embedded
from backoffice.models import Entity, User
from ledger.models import Account, Approval, Hold, Limit
from tests.cast import LONG_AGO, OpenAccount

RETURNS = {"reversed", "refunded"}
NEW_HOLD = """
    INSERT INTO ledger_hold (placed_id, uid, account_id, entity_id, currency, amount, state, created)
    SELECT id, uid, account_id, entity_id, currency, 1, 'pending', created FROM ledger_action WHERE version = 1
"""


def continuing(account: Account, **changes: Any) -> dict[str, Any]:
    """Return the columns of an action that continues the account as the engine would, a deposit of 7, but for the changes."""
    now = Account.objects.get(pk=account.pk)
    given: dict[str, Any] = {"type": "deposited", "delta": 7, "held_delta": 0} | changes
    last = now.actions.latest()
    return {
        "account_id": now.pk, "entity_id": now.entity_id, "currency": now.currency, "status": now.status,
        "balance": now.balance + given["delta"], "held": now.held + given["held_delta"], "version": now.version + 1,
        "turnover": now.turnover + (0 if given["type"] in RETURNS else abs(given["delta"])),
        "created": now.latest, "latest": now.latest, "by_id": last.by_id,
        "reference_type": "none", "external_reference": "", "comment": "",
    } | given  # fmt: skip


def insert(*actions: dict[str, Any]) -> None:
    """Insert actions by hand in one statement, as a session of the app role would."""
    names = sorted({name for action in actions for name in action})
    row = f"({', '.join(['%s'] * len(names))})"
    statement = f"INSERT INTO ledger_action ({', '.join(names)}) VALUES {', '.join([row] * len(actions))}"  # noqa: S608  names of columns
    run(statement, *(action.get(name) for action in actions for name in names))


def act(account: Account, delta: str, **changes: Any) -> None:
    """Insert a deposit, or a withdrawal where `delta` is negative."""
    amount = Decimal(delta)
    insert(continuing(account, type="withdrawn" if amount < 0 else "deposited", delta=amount, **changes))


def run(statement: str, *params: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params or None)


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    with pytest.raises(IntegrityError) as refusal:
        yield
    assert isinstance(refusal.value.__cause__, psycopg.Error)
    assert refusal.value.__cause__.diag.constraint_name == constraint


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_action SET delta = 1",
        "DELETE FROM ledger_action",
        "TRUNCATE ledger_action",
        "DELETE FROM ledger_account",
        "TRUNCATE ledger_account CASCADE",
        "UPDATE ledger_cap SET ceiling = 1",
        "UPDATE ledger_headroom SET remaining = 1",
        "UPDATE ledger_refusal SET code = ''",
        "DELETE FROM ledger_refusal",
        "UPDATE ledger_account SET balance = 1",
        "UPDATE ledger_account SET status = 'closed'",
        "INSERT INTO ledger_hold (captured) VALUES (1)",
        "UPDATE ledger_hold SET state = 'released'",
        "DELETE FROM ledger_hold",
        "UPDATE ledger_approval SET amount = 1",
        "DELETE FROM ledger_approval",
        "DELETE FROM django_migrations",
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "ALTER TABLE ledger_action DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
    ],
)
def test_app_role_has_no_right_to(account: Account, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        run(statement)


@pytest.mark.usefixtures("committing")
def test_triggers_refuse_even_the_superuser(open_account: OpenAccount, agent: User) -> None:
    account = open_account("5")
    Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=account.latest)
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    with psycopg.connect(url, autocommit=True) as session:
        for statement in (
            "UPDATE ledger_action SET delta = 1",
            "DELETE FROM ledger_action",
            "TRUNCATE ledger_action CASCADE",
            "DELETE FROM ledger_account",
            "UPDATE ledger_account SET balance = 1",
            "UPDATE ledger_account SET held = 1",
            "DELETE FROM ledger_hold",
            "TRUNCATE ledger_hold CASCADE",
            "UPDATE ledger_hold SET state = 'released'",
            NEW_HOLD,
            "DELETE FROM ledger_approval",
            "TRUNCATE ledger_approval CASCADE",
            "DELETE FROM ledger_refusal",
            "TRUNCATE ledger_refusal",
            "UPDATE ledger_refusal SET code = ''",
        ):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                session.execute(statement.encode())


@pytest.mark.usefixtures("committing")
def test_account_moves_only_with_its_actions(open_account: OpenAccount) -> None:
    """The app role has no right to, and its owner, who has, is refused."""
    open_account("5")
    owner = settings.OWNER_DATABASES["default"]
    columns = ["balance = 1", "held = 1", "turnover = 1", "version = 9", "status = 'closed'", "currency = 'EUR'",
               "modified = now()", "latest = now()", "created = now()", "entity_id = 0", "uid = gen_random_uuid()"]  # fmt: skip
    where = {"host": owner["HOST"], "dbname": owner["NAME"], "user": owner["USER"], "port": owner["PORT"]}
    with psycopg.connect(**where, autocommit=True) as session:
        for column in columns:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation) as refusal:
                session.execute(f"UPDATE ledger_account SET {column}".encode())  # noqa: S608  literals of the test
            assert refusal.value.diag.constraint_name == "ledger_account_moves_with_actions"


@pytest.mark.django_db
def test_account_begins_empty(account: Account, agent: User) -> None:
    copied = "uid, user_id, entity_id, currency, status, balance, version, created, modified, latest, note"
    with refused_by("ledger_account_moves_with_actions"):
        run(
            f"INSERT INTO ledger_account ({copied}) SELECT gen_random_uuid(), %s, entity_id, currency, status, 1000, 0, "  # noqa: S608
            "created, modified, latest, '' FROM ledger_account",
            agent.pk,
        )


@pytest.mark.django_db
def test_second_account_of_a_user_is_refused(account: Account) -> None:
    with pytest.raises(IntegrityError):
        Account.objects.create(
            user=account.user,
            entity=account.entity,
            currency="CZK",
            created=LONG_AGO,
            modified=LONG_AGO,
            latest=LONG_AGO,
        )


@pytest.mark.django_db
def test_action_that_continues_its_account_moves_it(account: Account) -> None:
    act(account, "7")
    account.refresh_from_db()
    assert (account.balance, account.version) == (107, 3)


ELSEWHERE = {"entity_id": 0}  # of another entity that is seen, which the database would refuse before
OUT_OF_STEP: list[dict[str, Any]] = [
    {"balance": 108}, {"version": 4}, {"version": 2}, {"turnover": 108}, {"turnover": 100}, {"held": 1}, {"currency": "EUR"},
    ELSEWHERE, {"latest": LONG_AGO}, {"created": LONG_AGO + timedelta(days=9)}, {"account_id": 0},
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("changes", OUT_OF_STEP, ids=str)
@pytest.mark.parametrize("others", ["alone", "beside another", "after another"])
def test_action_that_does_not_continue_its_account_is_refused(
    account: Account, open_account: OpenAccount, changes: dict[str, Any], others: str
) -> None:
    """In one statement by itself, beside one of another account, and after one of the same account: three ways there."""
    other = Entity.objects.create(code="other", name="Other")
    bad = continuing(account, **(changes if changes != ELSEWHERE else {"entity_id": other.pk}))
    before = [continuing(open_account("5"))] if others == "beside another" else []
    if others == "after another":
        before = [continuing(account)]
        bad |= {"balance": bad["balance"] + 7, "version": bad["version"] + 1, "turnover": bad["turnover"] + 7}
    with refused_by("ledger_action_account_version" if changes == {"version": 2} else "ledger_action_out_of_step"):
        insert(*before, bad)
    account.refresh_from_db()
    assert (account.balance, account.version) == (100, 2)


UNSOUND: list[dict[str, Any]] = [
    {"delta": -1}, {"delta": 0}, {"type": "withdrawn"}, {"type": "transferred_in"}, {"type": "frozen", "status": "frozen"},
    {"type": "held"}, {"type": "held", "delta": 0}, {"held_delta": 1}, {"type": "released", "delta": 0, "hold_id": 1},
    {"type": "released", "delta": 0, "held_delta": -1}, {"type": "captured", "delta": -1, "held_delta": -1},
    {"type": "reversed", "delta": -1}, {"type": "refunded", "delta": -1}, {"reverses_id": 1}, {"hold_id": 1},
    {"expires": LONG_AGO + timedelta(days=9)}, {"counterparty_id": 1}, {"transfer": UUID(int=1)},
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("changes", UNSOUND, ids=str)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
def test_action_that_does_not_go_with_its_type_is_refused(
    account: Account, open_account: OpenAccount, changes: dict[str, Any], beside: bool
) -> None:
    before = [continuing(open_account("5"))] if beside else []
    with pytest.raises(IntegrityError) as refusal:
        insert(*before, continuing(account, **changes))
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.Error)
    # A trigger of what the action speaks of may be the first to refuse.
    assert cause.diag.constraint_name in {
        "ledger_action_sound", "ledger_transfer_balanced", "ledger_return_within", "ledger_hold_resolved_once",
    }  # fmt: skip
    account.refresh_from_db()
    assert (account.balance, account.version) == (100, 2)


@pytest.mark.django_db
def test_backdated_action_keeps_the_latest_time(account: Account) -> None:
    act(account, "7", created=LONG_AGO)
    account.refresh_from_db()
    assert (account.modified, account.latest) == (LONG_AGO, LONG_AGO + timedelta(days=1))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "delta", "of"),
    [
        ("refunded", -101, "deposited"),
        ("refunded", 1, "deposited"),
        ("reversed", -99, "deposited"),
        ("reversed", -100, "other"),
        ("refunded", -1, "created"),
        ("refunded", -1, "nothing"),
    ],
)
def test_no_more_goes_back_than_there_was_whoever_writes(
    account: Account, open_account: OpenAccount, kind: str, delta: int, of: str
) -> None:
    other = open_account("100")
    numbers = {"deposited": account.actions.get(version=2).pk, "other": other.actions.get(version=2).pk,
               "created": account.actions.get(version=1).pk, "nothing": 0}  # fmt: skip
    act(account, "50")
    with refused_by("ledger_return_within"):
        insert(continuing(account, type=kind, delta=delta, reverses_id=numbers[of]))


@pytest.mark.django_db
def test_refunds_together_are_no_more_than_there_was_whoever_writes(account: Account) -> None:
    deposited = account.actions.get(version=2).pk
    insert(continuing(account, type="refunded", delta=-60, reverses_id=deposited))
    act(account, "50")
    with refused_by("ledger_return_within"):
        insert(continuing(account, type="refunded", delta=-41, reverses_id=deposited))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"type": "captured", "delta": -10, "held_delta": -61},
        {"type": "captured", "delta": -61, "held_delta": -60},
        {"type": "released", "delta": 0, "held_delta": -59},
    ],
    ids=str,
)
def test_a_hold_is_resolved_as_a_whole_and_once_whoever_writes(
    account: Account, agent: User, changes: dict[str, Any]
) -> None:
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(60), by=agent, asof=account.latest)
    with pytest.raises(IntegrityError):
        insert(continuing(account, hold_id=hold.pk, **changes))
    Hold.release(uid=hold.uid, by=agent, asof=account.latest)
    Hold.place(uid=account.uid, amount=Decimal(60), by=agent, asof=account.latest)
    with refused_by("ledger_hold_resolved_once"):
        insert(continuing(account, hold_id=hold.pk, type="released", delta=0, held_delta=-60))


@pytest.mark.django_db
def test_a_hold_is_resolved_on_its_own_account_whoever_writes(
    account: Account, open_account: OpenAccount, agent: User
) -> None:
    given: dict[str, Any] = {"by": agent, "asof": account.latest, "amount": Decimal(60)}
    other = open_account("100")
    hold, _ = Hold.place(uid=account.uid, **given)
    Hold.place(uid=other.uid, **given)
    with refused_by("ledger_hold_resolved_once"):
        insert(continuing(other, hold_id=hold.pk, type="released", delta=0, held_delta=-60))


@pytest.mark.django_db
def test_a_hold_that_has_expired_is_not_captured_whoever_writes(account: Account, agent: User) -> None:
    end = account.latest + timedelta(hours=1)
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(60), by=agent, asof=account.latest, expires=end)
    with refused_by("ledger_hold_resolved_once"):
        insert(continuing(account, hold_id=hold.pk, type="captured", delta=-60, held_delta=-60))


@pytest.mark.django_db
def test_more_is_not_held_than_there_is_whoever_writes(account: Account) -> None:
    with refused_by("ledger_account_held_is_covered"):
        insert(continuing(account, type="held", delta=0, held_delta=101))


@pytest.fixture
def approval(account: Account, agent: User) -> Approval:
    """A request of the agent to deposit to Jana's account."""
    return Approval.objects.create(
        kind="posting", entity=account.entity, account=account, currency="CZK", amount=Decimal(7), asked={"verb": "deposit"}, shown={},
        fingerprint=b"x", reason="Big", maker=agent, expires=LONG_AGO + timedelta(days=9_000),
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{"state": "approved"}, {"checker_id": 1}, {"decided": LONG_AGO}], ids=str)
def test_a_request_for_approval_begins_pending(approval: Approval, changes: dict[str, Any]) -> None:
    copied = {f.attname: getattr(approval, f.attname) for f in Approval._meta.concrete_fields if f.name != "id"}
    with refused_by("ledger_approval_decided_once"), transaction.atomic():
        Approval.objects.create(**copied | {"uid": UUID(int=2), "fingerprint": b"y"} | changes)


@pytest.mark.django_db
def test_a_request_for_approval_is_decided_once(approval: Approval, admin: User) -> None:
    decided = {"state": "rejected", "checker": admin, "decided": LONG_AGO}
    Approval.objects.filter(pk=approval.pk).update(**decided)
    with refused_by("ledger_approval_decided_once"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(**decided | {"state": "approved"})


@pytest.mark.django_db
def test_nobody_approves_a_request_of_their_own(approval: Approval, agent: User) -> None:
    with refused_by("ledger_approval_checker_is_another"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(state="approved", checker=agent, decided=LONG_AGO)


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["pending", "rejected", "approved for another account", "approved for another maker"])
def test_an_action_names_an_approval_that_was_given_for_it(
    approval: Approval, account: Account, open_account: OpenAccount, admin: User, state: str
) -> None:
    subject = open_account("5") if "account" in state else account
    by = {"by_id": admin.pk} if "maker" in state else {}
    with refused_by("ledger_action_approved"), transaction.atomic():
        if state != "pending":
            decided = {"state": state.split(maxsplit=1)[0], "checker": admin, "decided": LONG_AGO}
            Approval.objects.filter(pk=approval.pk).update(**decided)
        act(subject, "7", approval_id=approval.pk, **by)


@pytest.mark.django_db
def test_what_is_approved_is_posted_in_the_same_transaction(approval: Approval, admin: User) -> None:
    with refused_by("ledger_approval_carried_out"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(state="approved", checker=admin, decided=LONG_AGO)
        run("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db
def test_an_approval_is_used_once(approval: Approval, account: Account, admin: User) -> None:
    Approval.objects.filter(pk=approval.pk).update(state="approved", checker=admin, decided=LONG_AGO)
    act(account, "7", approval_id=approval.pk)
    with refused_by("ledger_action_approved_once"):
        act(account, "7", approval_id=approval.pk)


@pytest.mark.django_db
def test_action_that_overdraws_is_refused(account: Account) -> None:
    with refused_by("ledger_account_balance_not_negative"):
        act(account, "-101")


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["id", "uid", "reference", "recorded"])
def test_what_identifies_an_action_is_the_databases_to_give(account: Account, column: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        run(f"INSERT INTO ledger_action ({column}) SELECT {column} FROM ledger_action")  # noqa: S608  literals of the test


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["delta", "balance", "held", "held_delta", "turnover"])
def test_nan_is_no_amount_to_the_database_either(account: Account, column: str) -> None:
    with pytest.raises(IntegrityError):
        insert(continuing(account) | {column: Decimal("NaN")})


@pytest.mark.django_db
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
@pytest.mark.parametrize("columns", [["delta", "balance", "turnover"], ["held_delta", "held"]], ids=str)
def test_nan_that_adds_up_is_refused_too(
    account: Account, open_account: OpenAccount, columns: list[str], beside: bool
) -> None:
    before = [continuing(open_account("5"))] if beside else []
    kind = {"type": "held", "delta": 0} if "held" in columns else {}
    with refused_by("ledger_action_out_of_step"):
        insert(*before, continuing(account, **kind) | dict.fromkeys(columns, Decimal("NaN")))


@pytest.mark.django_db
def test_money_on_a_frozen_account_is_refused_by_the_database_too(account: Account, agent: User) -> None:
    Account.freeze(uid=account.uid, by=agent, asof=account.modified, comment="Court order")
    with refused_by("ledger_action_out_of_step"):
        act(account, "7")


@pytest.mark.django_db
def test_saving_an_action_again_is_refused(account: Account) -> None:
    action = account.actions.latest()
    with pytest.raises(DatabaseError), transaction.atomic():
        action.save()


@pytest.mark.django_db
def test_saving_an_account_saves_its_note_alone(account: Account) -> None:
    stale = Account.objects.get(pk=account.pk)
    act(account, "7")
    stale.note = "Prefers to be called in the morning."
    stale.save()
    stale.refresh_from_db()
    assert (stale.note, stale.balance) == ("Prefers to be called in the morning.", 107)


@pytest.mark.django_db
def test_limits_of_one_kind_and_subject_do_not_overlap(account: Account) -> None:
    Limit.objects.create(kind="max_deposit", currency="CZK", amount=1, account=account)
    with refused_by("ledger_limit_no_overlap"), transaction.atomic():
        Limit.objects.create(kind="max_deposit", currency="CZK", amount=2, account=account)


@pytest.mark.django_db
def test_balances_and_headroom_come_to_the_cap(account: Account) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.ceiling - (SELECT sum(remaining) FROM ledger_headroom WHERE currency = 'CZK')"
            " - (SELECT sum(balance) FROM ledger_account WHERE currency = 'CZK') FROM ledger_cap c WHERE currency = 'CZK'"
        )
        assert cursor.fetchone() == (0,)
