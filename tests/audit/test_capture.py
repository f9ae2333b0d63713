"""Capture: whatever writes to a captured table leaves a historical row and an event; nothing else can write those.

Every way of writing that there is has its test in test_capture_ways.py.
"""

import json
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import Outbox
from audit.registry import TYPES
from audit.schemas import fields_of
from backoffice.databases import program
from backoffice.grants import grant, revoke
from backoffice.models import Entity, GroupGrant, SavedView, User
from backoffice.scope import acting
from backoffice.uncaptured import UNCAPTURED
from ledger.models import Account, Cap
from tests.cast import LONG_AGO, OpenAccount
from tests.scope import widen

pytestmark = pytest.mark.django_db
CAPTURED = {  # each table and its historical one
    "auth_group": "backoffice_historicalgroup",
    "auth_group_permissions": "backoffice_historicalgroup_permissions",
    "backoffice_entity": "backoffice_historicalentity",
    "backoffice_grantrequest": "backoffice_historicalgrantrequest",
    "backoffice_groupgrant": "backoffice_historicalgroupgrant",
    "backoffice_persongrant": "backoffice_historicalpersongrant",
    "backoffice_user": "backoffice_historicaluser",
    "backoffice_user_groups": "backoffice_historicaluser_groups",
    "backoffice_user_user_permissions": "backoffice_historicaluser_user_permissions",
    "ledger_account": "ledger_historicalaccount",
    "ledger_approval": "ledger_historicalapproval",
    "ledger_cap": "ledger_historicalcap",
    "ledger_limit": "ledger_historicallimit",
    "ledger_note": "ledger_historicalnote",
}
ROWS, TURNS = 200, 100  # of a statement; how often two are tried until they meet
# A statement that another runs beside: it rests with each key that it draws; all its rows are made before any is written.
SLOWLY = """
    INSERT INTO backoffice_user (id, username, last_name, password, is_superuser, first_name, email, is_staff, is_active,
        date_joined, phone, is_void)
    SELECT nextval('backoffice_user_id_seq') + 0 * length(pg_sleep(0.002 + n * 0)::text), %s || n, %s, '!', false, '', '', false,
        true, now(), '', false
    FROM generate_series(0, %s - 1) n
"""
PROGRAM = program()  # of this test run
HERE = f"backoffice_app {PROGRAM}"  # where a write of a test comes from that nobody has announced


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def captured_columns(table: str) -> list[str]:
    """The columns of a captured table that its declaration wants captured."""
    models = (model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy)
    [model] = (model for model in models if model._meta.db_table == table)
    declared: Any = model
    wanted = {field.column for field in declared.history.model.tracked_fields}
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in description if column.name in wanted]


def history(row: Any) -> list[tuple[str, str]]:
    return list(type(row).history.filter(id=row.pk).order_by("history_id").values_list("history_type", "name"))


def written_out(about: str) -> list[dict[str, Any]]:
    """What becomes of the outbox on its way to the event store; only the relay may ask for that, tests have a door."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT test_written_out(%s)", [about])
        return [json.loads(row) for (row,) in cursor.fetchall()]


def events(**of: object) -> list[tuple[str, Any]]:
    return list(Outbox.objects.filter(**of).order_by("id").values_list("type", "data"))


def test_event_holds_old_and_new_of_what_changed_alone(nord: Entity) -> None:
    Entity.objects.update(name="Nord")
    assert events(type="change.updated", object_type="backoffice.entity") == [
        ("change.updated", {"changes": {"name": {"old": "Nordbank", "new": "Nord"}}, "source": HERE})
    ]
    assert Outbox.objects.filter(object_id=str(nord.pk), entity_id=nord.pk).count() == 2


def test_update_that_changes_nothing_writes_nothing(nord: Entity) -> None:
    before = Outbox.objects.count()
    nord.save()
    Entity.objects.update(name="Nordbank")
    assert (Outbox.objects.count(), len(history(nord))) == (before, 1)


def test_delete_is_captured(nord: Entity) -> None:
    key = nord.pk
    nord.purge_from_db()
    assert Entity.history.filter(id=key).latest().history_type == "-"
    assert events(type="change.deleted")[0][1]["old"]["name"] == "Nordbank"


def test_actor_reason_and_request_are_written(agent: User, nord: Entity) -> None:
    with acting(actor=agent.pk, username="agent", request_id="r1", reason="A typing error"):
        Entity.objects.update(name="Nord")
    row = Entity.history.latest()
    assert (row.history_user, row.history_change_reason, row.history_request_id, row.history_source) == (
        agent,
        "A typing error",
        "r1",
        PROGRAM,
    )
    event = Outbox.objects.get(type="change.updated", object_type="backoffice.entity")
    assert (event.user_id, event.username, event.request_id, event.reason) == (
        agent.pk,
        "agent",
        "r1",
        "A typing error",
    )
    assert event.data["source"] == PROGRAM


def test_write_from_outside_of_the_site_is_marked(nord: Entity) -> None:
    row = Entity.history.latest()
    assert (row.history_user, row.history_source) == (None, HERE)


def test_rollback_takes_history_and_event_along(nord: Entity) -> None:
    before = Outbox.objects.count()
    with transaction.atomic():
        Entity.objects.update(name="Nord")
        transaction.set_rollback(True)
    assert (Outbox.objects.count(), len(history(nord))) == (before, 1)


def test_password_is_told_to_have_changed_and_nothing_more(agent: User) -> None:
    agent.set_password("another horse battery")
    agent.save()
    assert events(type="change.updated")[-1][1]["changes"] == {"password": "not shown"}
    assert "password" not in {field.name for field in User.history.model._meta.fields}
    everything = str(list(Outbox.objects.values_list("data", flat=True)))
    assert agent.password not in everything
    assert "another horse" not in everything


def test_posting_writes_no_history_row_and_one_event(account: Account, agent: User) -> None:
    rows, before = Account.history.count(), Outbox.objects.count()
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    assert (Account.history.count(), Outbox.objects.count()) == (rows, before + 1)
    assert Outbox.objects.latest("id").type == "ledger.posted"


def test_note_and_status_of_an_account_are_captured(account: Account, agent: User) -> None:
    account.note = "Rings at night"
    account.save()
    Account.freeze(uid=account.uid, by=agent, asof=timezone.now(), comment="Stolen card")
    rows = Account.history.filter(id=account.pk).order_by("history_id")
    assert [(row.history_type, row.note, row.status) for row in rows] == [
        ("+", "", "open"), ("~", "Rings at night", "open"), ("~", "Rings at night", "frozen"),
    ]  # fmt: skip


def test_as_of_gives_rows_as_they_stood(nord: Entity) -> None:
    before = timezone.now()
    Entity.objects.update(name="Nord")
    assert [entity.name for entity in Entity.history.as_of(before)] == ["Nordbank"]
    assert nord.history.as_of(timezone.now()).name == "Nord"
    assert list(Entity.history.as_of(LONG_AGO)) == []
    with pytest.raises(Entity.DoesNotExist):
        nord.history.as_of(LONG_AGO)


def test_as_of_an_account_has_the_balance_of_that_moment(open_account: OpenAccount, agent: User) -> None:
    account = open_account("100")
    run("SELECT pg_sleep(0.01)")
    before = timezone.now()
    Account.withdraw(uid=account.uid, amount=Decimal(40), by=agent, asof=timezone.now())
    [then] = Account.history.as_of(before)
    assert (then.balance, then.version, then.status) == (100, 2, "open")
    assert account.history.as_of(timezone.now()).balance == 60


@pytest.mark.parametrize("statement", ["INSERT INTO {} SELECT * FROM {}", "UPDATE {} SET history_type = '-'", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"])  # fmt: skip
@pytest.mark.parametrize("table", CAPTURED.values())
def test_app_role_only_reads_history(table: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        run(statement.replace("{}", table))


@pytest.mark.parametrize("statement", ["INSERT INTO audit_outbox (type) VALUES ('change.updated')", "UPDATE audit_outbox SET type = ''", "DELETE FROM audit_outbox", "TRUNCATE audit_outbox", "DROP TABLE audit_outbox"])  # fmt: skip
def test_app_role_only_reads_the_outbox(statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        run(statement)


def test_app_role_forges_no_change(nord: Entity) -> None:
    with pytest.raises(DatabaseError, match="written by the database alone"):
        run("""SELECT audit_record('{"type": "change.updated"}')""")


def test_key_of_a_captured_row_never_changes(nord: Entity) -> None:
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Entity.objects.update(id=nord.pk + 1)


def test_capture_knows_every_column_and_every_table() -> None:
    with connection.cursor() as cursor:
        for table in CAPTURED:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table])
            names = {name for (name,) in cursor.fetchall()}
            assert names >= {f"audit_capture_{step}" for step in ("insert", "update", "delete", "truncate")}, table
            cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [f"audit_capture_{table}"])
            body = cursor.fetchone()[0]
            columns = ", ".join(f"n.{name}" for name in captured_columns(table))
            assert f"FROM (SELECT {columns} FROM came n)" in body  # noqa: S608  compared, not run


def test_every_model_is_captured_or_named_with_a_reason() -> None:
    ours = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.app_label != "testapp"
    ]
    historical = {model.history.model for model in ours if hasattr(model, "history")}
    uncaptured = {model._meta.label for model in ours if not hasattr(model, "history")} - {
        model._meta.label for model in historical
    }
    assert uncaptured == set(UNCAPTURED)
    assert all(reason.strip() for reason in UNCAPTURED.values())
    captured = {model._meta.db_table for model in ours if hasattr(model, "history")}
    assert captured == set(CAPTURED)


def test_event_of_a_kept_view_tells_all_that_a_version_would() -> None:
    kept = {field.name for field in SavedView._meta.concrete_fields} - {"id", "person"}  # the person is who acted
    told = fields_of(TYPES["search.saved"].schema).keys() - {"database"}
    assert {{"list": "label"}.get(name, name) for name in told} == kept
    assert TYPES["search.deleted"].schema is TYPES["search.saved"].schema


def test_grants_and_rights_of_groups_are_captured(nord: Entity, agent: User) -> None:
    group = Group.objects.create(name="Night shift")
    permission = Permission.objects.get(codename="view_account")
    group.permissions.add(permission)
    grant(group, nord)
    revoke(agent, nord)
    assert [
        (kind, data["new"]["permission_id"]) for kind, data in events(object_type="auth.group", type="change.updated")
    ] == [("change.updated", permission.pk)]
    [(_, given)] = events(object_type="backoffice.groupgrant")
    assert (given["new"]["entity_id"], given["new"]["group_id"]) == (nord.pk, group.pk)
    assert [kind for kind, _ in events(object_type="backoffice.persongrant")] == ["change.created", "change.deleted"]
    assert GroupGrant.history.get().history_type == "+"


def test_cap_is_captured_by_its_currency() -> None:
    Cap.set(currency="XYZ", ceiling=Decimal(10))
    Cap.set(currency="XYZ", ceiling=Decimal(20))
    rows = Cap.history.filter(currency="XYZ").order_by("history_id")
    assert [row.ceiling for row in rows if row.history_type == "~"] == [10, 20]
    assert Outbox.objects.filter(object_type="ledger.cap", object_id="XYZ").count() == rows.count()


@pytest.mark.parametrize("number", [19, 20, 300])
def test_many_rows_of_one_statement_become_as_many_events(number: int) -> None:
    agent = User.objects.create(username="agent")
    with acting(actor=agent.pk, username="agent", request_id="r1", reason="New branches"):
        made = Entity.objects.bulk_create([Entity(code=f"e{n}", name=str(n)) for n in range(number)])
    widen("default")
    assert Outbox.objects.filter(object_type="backoffice.entity").count() == (1 if number >= 20 else number)
    told = written_out("backoffice.entity")
    assert len({row["id"] for row in told}) == number
    assert {(row["object_id"], row["entity_id"], row["data"]["new"]["name"]) for row in told} == {
        (str(entity.pk), entity.pk, entity.name) for entity in made
    }
    assert {(row["user_id"], row["username"], row["request_id"], row["reason"], row["type"]) for row in told} == {
        (agent.pk, "agent", "r1", "New branches", "change.created")
    }
    assert "written_out_by" not in told[0]["data"]
    assert written_out("backoffice.entity") == told
    assert Entity.history.filter(history_type="+").count() == number


@pytest.mark.parametrize("number", [19, 20, 2_000])
def test_many_rows_updated_by_one_statement_become_as_many_events(number: int) -> None:
    made = Entity.objects.bulk_create([Entity(code=f"e{n}", name=str(n)) for n in range(number)])
    kept = Outbox.objects.filter(type="change.created").count()
    with acting(actor=None, request_id="r2"):
        Entity.objects.update(name="Same")
    rows = Outbox.objects.filter(type="change.updated").count()
    assert (kept, rows) == ((1, 1) if number >= 20 else (19, 19))
    told = [row for row in written_out("backoffice.entity") if row["type"] == "change.updated"]
    assert len({row["id"] for row in told}) == number
    expected = {
        (str(one.pk), one.pk, str({"source": PROGRAM, "changes": {"name": {"new": "Same", "old": one.name}}}))
        for one in made
    }
    assert {(row["object_id"], row["entity_id"], str(row["data"])) for row in told} == expected
    assert Entity.history.filter(history_type="~", history_request_id="r2").count() == number


@pytest.mark.parametrize("number", [19, 20])
def test_many_rows_deleted_by_one_statement_become_as_many_events(number: int) -> None:
    made = User.groups.through.objects.bulk_create(
        [
            User.groups.through(user=User.objects.create(username=str(n)), group=Group.objects.create(name=str(n)))
            for n in range(number)
        ]
    )
    gone = {(str(row.user_id), row.group_id) for row in made}
    run("DELETE FROM backoffice_user_groups")
    told = [row["data"]["old"] for row in written_out("backoffice.user") if "old" in row["data"]]
    assert {(str(row["user_id"]), row["group_id"]) for row in told} == gone
    assert len(told) == number
    rows = Outbox.objects.filter(object_type="backoffice.user", type="change.updated").count()
    assert rows == (2 if number >= 20 else 2 * number)
    assert User.groups.through.history.filter(history_type="-").count() == number  # type: ignore[attr-defined]


def test_versions_of_statements_that_run_at_once_are_told_apart(committing: None) -> None:
    def insert(name: str, start: threading.Barrier) -> None:
        start.wait()
        with connection.cursor() as cursor:
            cursor.execute(SLOWLY, [name, name, ROWS])
        connection.close()

    ids: list[str] = []
    for turn in range(TURNS):
        start = threading.Barrier(2)
        both = [threading.Thread(target=insert, args=(f"{who}{turn}.", start)) for who in "ab"]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        ids = [row.data["rows"]["ids"] for row in Outbox.objects.order_by("id") if "rows" in row.data]
        if any(text.count("[") > 1 for text in ids):
            break
    assert any(text.count("[") > 1 for text in ids), "No statement ran while another did."
    names = [row["data"]["new"]["last_name"] for row in written_out("backoffice.user")]
    assert Counter(names) == dict.fromkeys(
        User.objects.filter(username__endswith=".0").values_list("last_name", flat=True), ROWS
    )
