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
from ledger.models import Account, Limit
from tests.cast import LONG_AGO, OpenAccount

COPY_OF_LAST = """
    INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, status, version, created,
                               reference_type, external_reference, comment, by_id)
    SELECT account_id, entity_id, currency, CASE WHEN %s > 0 THEN 'deposited' ELSE 'withdrawn' END, %s, balance + %s, status, version + %s, created, 'none', '', '', by_id
    FROM ledger_action WHERE account_id = %s ORDER BY version DESC LIMIT 1
"""


def act(account: Account, delta: str, added: str | None = None, step: int = 1) -> None:
    """Insert an action by hand, as a session of the app role would."""
    run(COPY_OF_LAST, Decimal(delta), Decimal(delta), Decimal(added or delta), step, account.pk)


def run(statement: str, *params: int | Decimal) -> None:
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
    act(account, "7")
    account.refresh_from_db()
    assert (account.balance, account.version) == (107, 3)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("delta", "added", "step"),
    [(7, 8, 1), (7, 7, 2), (1, 2, 1)],
    ids=["wrong balance", "gap in versions", "money of nothing"],
)
def test_action_that_does_not_continue_its_account_is_refused(
    account: Account, delta: int, added: int, step: int
) -> None:
    with refused_by("ledger_action_out_of_step"):
        act(account, str(delta), str(added), step)
    account.refresh_from_db()
    assert (account.balance, account.version) == (100, 2)


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
def test_nan_is_no_amount_to_the_database_either(account: Account) -> None:
    with refused_by("ledger_action_amounts_are_numbers"):
        act(account, "NaN")


@pytest.mark.django_db
def test_deposit_that_takes_money_is_refused(account: Account) -> None:
    with refused_by("ledger_action_sign"):
        run(COPY_OF_LAST, 1, -1, -1, 1, account.pk)


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
