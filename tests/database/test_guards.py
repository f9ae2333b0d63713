"""What the database refuses by itself, whoever asks: the app role, and where a trigger says so, its owner too."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.utils import ProgrammingError

from backoffice import embedded
from backoffice.models import User
from ledger.models import Account, Action, Limit
from tests.cast import LONG_AGO, OpenAccount

COPY_OF_LAST = """
    INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, status, version, created,
                               reference_type, external_reference, comment, by_id)
    SELECT account_id, entity_id, currency, 'deposited', %s, balance + %s, status, version + %s, created, 'none', '', '', by_id
    FROM ledger_action WHERE account_id = %s ORDER BY version DESC LIMIT 1
"""


def run(statement: str, *params: int) -> None:
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
def test_triggers_refuse_even_the_superuser(open_account: OpenAccount) -> None:
    open_account("5")
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    with psycopg.connect(url, autocommit=True) as session:
        for statement in (
            "UPDATE ledger_action SET delta = 1",
            "DELETE FROM ledger_action",
            "TRUNCATE ledger_action CASCADE",
            "DELETE FROM ledger_account",
            "UPDATE ledger_account SET balance = 1",
        ):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                session.execute(statement.encode())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "columns", ["balance = 1", "version = 9", "status = 'closed'", "currency = 'EUR'", "modified = now()"]
)
def test_account_moves_only_with_its_actions(account: Account, columns: str) -> None:
    with refused_by("ledger_account_moves_with_actions"):
        run(f"UPDATE ledger_account SET {columns}")  # noqa: S608  literals of the test


@pytest.mark.django_db
def test_account_begins_empty(account: Account, agent: User) -> None:
    copied = "uid, user_id, entity_id, currency, status, balance, version, created, modified, note"
    with refused_by("ledger_account_moves_with_actions"):
        run(
            f"INSERT INTO ledger_account ({copied}) SELECT gen_random_uuid(), %s, entity_id, currency, status, 1000, 0, "  # noqa: S608
            "created, modified, '' FROM ledger_account",
            agent.pk,
        )


@pytest.mark.django_db
def test_second_account_of_a_user_is_refused(account: Account) -> None:
    with pytest.raises(IntegrityError):
        Account.objects.create(
            user=account.user, entity=account.entity, currency="CZK", created=LONG_AGO, modified=LONG_AGO
        )


@pytest.mark.django_db
def test_action_that_continues_its_account_moves_it(account: Account) -> None:
    run(COPY_OF_LAST, 7, 7, 1, account.pk)
    account.refresh_from_db()
    assert (account.balance, account.version) == (107, 3)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("delta", "added", "step"),
    [(7, 8, 1), (7, 7, 2), (0, 1, 1)],
    ids=["wrong balance", "gap in versions", "money of nothing"],
)
def test_action_that_does_not_continue_its_account_is_refused(
    account: Account, delta: int, added: int, step: int
) -> None:
    with refused_by("ledger_action_out_of_step"):
        run(COPY_OF_LAST, delta, added, step, account.pk)
    account.refresh_from_db()
    assert (account.balance, account.version) == (100, 2)


@pytest.mark.django_db
def test_action_that_overdraws_is_refused(account: Account) -> None:
    with refused_by("ledger_account_balance_not_negative"):
        run(COPY_OF_LAST, -101, -101, 1, account.pk)


@pytest.mark.django_db
def test_plain_orm_insert_passes_the_same_guard(account: Account, agent: User) -> None:
    last = account.actions.latest()
    action = Action.objects.create(
        account=account, entity_id=account.entity_id, currency="CZK", type="deposited", delta=Decimal(3),
        balance=last.balance + 3, status="open", version=3, created=last.created, by=agent,
    )  # fmt: skip
    account.refresh_from_db()
    assert (account.balance, bool(action.reference)) == (103, True)


@pytest.mark.django_db
def test_saving_an_action_again_is_refused(account: Account) -> None:
    action = account.actions.latest()
    with pytest.raises(DatabaseError), transaction.atomic():
        action.save()


@pytest.mark.django_db
def test_saving_an_account_saves_its_note_alone(account: Account) -> None:
    stale = Account.objects.get(pk=account.pk)
    run(COPY_OF_LAST, 7, 7, 1, account.pk)
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
