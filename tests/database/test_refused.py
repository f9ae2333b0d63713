"""Whatever the database can refuse has an error of the ledger: the names are those of its catalogue."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from psycopg import errors as postgres

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Approval, Limit
from ledger.refused import BY_CONSTRAINT, BY_REFERENCE, CAP, translated, translating
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db
TABLES = "'^ledger_(account|action|approval|cap|headroom|hold|limit|refusal)$'"
CATALOGUE = f"""
    SELECT conname FROM pg_constraint WHERE contype <> 'n' AND conrelid::regclass::text ~ {TABLES}
    UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND indrelid::regclass::text ~ {TABLES}
    UNION SELECT (regexp_matches(prosrc, 'CONSTRAINT = ''(ledger_\\w+)''', 'g'))[1] FROM pg_proc
    UNION SELECT t.tgrelid::regclass || '_immutable' FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = 'ledger_refuse_change'
"""  # noqa: S608  of the text above


def catalogue() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(CATALOGUE)
        return {name for (name,) in cursor.fetchall()}


def refuse(name: str) -> Exception:
    """Have the database refuse something in a guard's name, and translate it."""
    code = f"""
        DO $$ BEGIN
            RAISE EXCEPTION 'No.' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}', DETAIL = 'CZK';
        END $$
    """
    with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(code)
    return translated(caught.value)


def test_every_guard_of_the_ledger_has_an_error_and_a_sentence() -> None:
    names = catalogue()
    assert {
        "ledger_action_sound",
        "ledger_transfer_balanced",
        "ledger_action_approved",
        "ledger_action_immutable",
    } < names
    for name in names:
        error = refuse(name)
        assert isinstance(error, errors.LedgerError), name
        assert str(error).endswith("."), name


def test_no_guard_is_translated_that_the_database_does_not_have() -> None:
    names = catalogue()
    assert set(BY_CONSTRAINT) | CAP <= names
    columns = {name.partition("_fk_")[0].rpartition("_")[0] for name in names if "_fk_" in name}
    assert set(BY_REFERENCE) <= columns


def test_what_is_not_the_ledgers_stays_what_it_is() -> None:
    assert isinstance(refuse("auth_group_name_key"), IntegrityError)


def test_approving_says_in_the_ledgers_words_what_the_database_refuses(
    open_account: OpenAccount, agent: User, admin: User
) -> None:
    account: Account = open_account("100")
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=50)
    now = timezone.now()
    approval = Approval.request(
        verb="withdraw", uid=account.uid, amount=account.balance, comment="x", by=agent, asof=now
    )
    gone = User.objects.create_user("gone", is_staff=True)
    User.objects.filter(pk=gone.pk).purge_from_db()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(errors.UnknownUser):
        Approval.reject(uid=approval.uid, by=gone, asof=now, comment="No")


@pytest.mark.parametrize(("name", "currency"), [("ledger_cap", "CZK"), ("ledger_headroom_not_negative", None)])
def test_the_cap_names_its_currency_where_the_guard_tells_it(name: str, currency: str | None) -> None:
    error = refuse(name)
    assert isinstance(error, errors.ExceedsCap)
    assert error.data["currency"] == currency
    assert "None" not in str(error)


def test_what_is_not_translated_is_raised_with_its_cause() -> None:
    with pytest.raises(IntegrityError) as caught, translating(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO auth_group (name) VALUES ('twice'), ('twice')")
    assert isinstance(caught.value.__cause__, postgres.UniqueViolation)
