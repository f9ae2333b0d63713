"""The refresh: what it copies, what it masks, that it never writes to live, and that it is whole or not at all."""

import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import InternalError, connections

from audit.kept import types
from backoffice.models import Entity, User
from ledger.models import Account, Action, Approval, Cap, Headroom, Hold, Limit
from ledger.verification import verify
from sandbox import refresh as module
from sandbox.columns import COLUMNS
from sandbox.masking import key, mask
from sandbox.models import Refresh
from sandbox.refresh import CannotRefreshError, refresh
from tests.cast import OpenAccount
from tests.scope import call_command

pytestmark = pytest.mark.usefixtures("committing")
THERE = "sandbox"


@pytest.fixture
def live(committing: None, open_account: OpenAccount, agent: User) -> Account:
    """Jana's account, with all that is personal on it and its actions."""
    account = open_account("100")
    User.objects.filter(pk=account.user_id).update(phone="+420 777 123 456")
    Account.objects.filter(pk=account.pk).update(note="Her sister calls for her")
    for reference in ("Jana's rent", "Jana's rent", "other"):
        Account.deposit(
            uid=account.uid, amount=Decimal(5), by=agent, asof=account.modified, reference_type="invoice",
            reference=reference, comment="For Jana", idempotency_key=None,
        )  # fmt: skip
    account.refresh_from_db()
    return account


def rows(model: Any, alias: str, *without: str) -> list[tuple[Any, ...]]:
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in without]
    return list(model._base_manager.using(alias).order_by("pk").values_list(*names))


def test_figures_are_those_of_live_and_agree(live: Account) -> None:
    report = refresh()
    assert report[:5] == (1, 3, 1, Limit.objects.count(), 5)
    for model in (Entity, Cap, Headroom, Limit):
        assert rows(model, THERE) == rows(model, "default")
    assert rows(Account, THERE, "note") == rows(Account, "default", "note")
    masked = ("comment", "external_reference", "idempotency_key")
    assert rows(Action, THERE, *masked) == rows(Action, "default", *masked)
    verdict = verify(THERE)
    assert (verdict.accounts, verdict.actions, verdict.findings) == (1, 5, [])


def test_transfers_returns_and_holds_come_along(live: Account, open_account: OpenAccount, agent: User) -> None:
    asked: Any = {"by": agent, "asof": live.modified, "comment": "For Petr"}
    [(_, out), _] = Account.transfer(uid=live.uid, to=open_account("5").uid, amount=Decimal(30), **asked)
    Action.reverse(uid=out.uid, **asked)
    held = [Hold.place(uid=live.uid, amount=Decimal(9), **asked)[0] for _ in range(2)]
    Hold.capture(uid=held[0].uid, amount=Decimal(4), **asked)
    refresh()
    assert rows(Hold, THERE) == rows(Hold, "default")
    masked = ("comment", "external_reference", "idempotency_key")
    assert rows(Action, THERE, *masked) == rows(Action, "default", *masked)
    assert verify(THERE).findings == []


def test_no_personal_data_comes_along(live: Account) -> None:
    refresh()
    everything = ""
    with connections[THERE].cursor() as cursor:
        for model in COLUMNS:
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {model._meta.db_table} t")  # noqa: S608  a name of ours
            everything += cursor.fetchone()[0] or ""  # nothing is held
    for personal in ("Jana", "customer", "777 123", "sister", "rent", "For "):
        assert personal not in everything
    customer = User.objects.using(THERE).get(pk=live.user_id)
    expected = mask(live.user_id, key("people"))
    assert (customer.username, customer.first_name, customer.last_name, customer.email, customer.phone) == expected
    assert not customer.has_usable_password()


def test_staff_keep_their_user_names_and_nothing_to_log_in_with(live: Account, agent: User, admin: User) -> None:
    refresh()
    staff = User.objects.using(THERE).filter(is_staff=True).order_by("pk")
    assert [(s.pk, s.username, s.is_superuser, s.has_usable_password(), s.email) for s in staff] == [
        (agent.pk, "agent", False, False, ""),
        (admin.pk, "admin", False, False, ""),
    ]


def test_the_same_is_masked_the_same_way_every_time(live: Account) -> None:
    refresh()
    people, references = (
        rows(User, THERE),
        list(Action.objects.using(THERE).values_list("external_reference", flat=True)),
    )
    refresh()
    assert rows(User, THERE) == people
    again = list(Action.objects.using(THERE).values_list("external_reference", flat=True))
    assert again == references
    other, second, first, *empty = references
    assert first == second != other
    assert first.startswith("X-")
    assert empty == ["", ""]


def test_masks_differ_by_person_and_by_key(settings: Any) -> None:
    masks = [mask(number, key("people")) for number in range(2000)]
    assert len({m.username for m in masks}) == 2000
    assert len({(m.first_name, m.last_name) for m in masks}) > 1900
    settings.SECRET_KEY = "another" * 10
    assert mask(1, key("people")) != masks[1]


def test_what_was_tried_is_gone_and_what_comes_next_is_far_from_live(live: Account, agent: User) -> None:
    refresh()
    asof = live.modified
    Account.deposit(
        uid=live.uid, amount=Decimal(7), by=User.objects.using(THERE).get(pk=agent.pk), asof=asof, using=THERE
    )
    tried = Action.objects.using(THERE).latest("id")
    assert tried.id == module.FIRST_ID + 1
    refresh()
    assert Action.objects.using(THERE).count() == 5
    _, action = Account.deposit(uid=live.uid, amount=Decimal(7), by=agent, asof=asof)
    assert action.id < module.FIRST_ID
    assert action.reference != tried.reference
    assert Refresh.objects.count() == 2


def test_guards_stand_again_after_a_refresh(live: Account) -> None:
    refresh()
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation), owner() as session:
        session.execute("DELETE FROM ledger_action")
    with owner() as session:
        off = session.execute("SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal").fetchall()
    assert off == []


@pytest.mark.parametrize("emptied", [False, True])
def test_deeds_that_are_told_work_after_a_refresh_also_where_the_types_of_events_were_gone(
    live: Account, agent: User, emptied: bool
) -> None:
    if emptied:
        with owner() as session:
            session.execute("DELETE FROM audit_event_type")
    refresh()
    with owner() as session:
        known = {name for (name,) in session.execute("SELECT name FROM audit_event_type")}
    assert known == {kind["name"] for kind in types()}
    asked = Approval.request_limit(
        kind="max_balance", currency="CZK", amount=Decimal(10**6), account=Account.objects.using(THERE).get(),
        by=User.objects.using(THERE).get(pk=agent.pk), asof=live.modified, reason="Why", using=THERE,
    )  # fmt: skip
    assert Approval.objects.using(THERE).get().uid == asked.uid


def owner() -> "psycopg.Connection[Any]":
    parts = settings.OWNER_DATABASES[THERE]
    return psycopg.connect(
        host=parts["HOST"],
        port=parts["PORT"] or None,
        user=parts["USER"],
        password=parts["PASSWORD"],
        dbname=parts["NAME"],
    )


def test_live_cannot_be_written_during_a_refresh(live: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    copy: Callable[..., int] = module._copy

    def writes(model: Any, cursor: Any, sandbox: Any) -> int:
        cursor.execute("UPDATE backoffice_entity SET name = 'written'")
        return copy(model, cursor, sandbox)

    monkeypatch.setattr(module, "_copy", writes)
    with pytest.raises(InternalError, match="read-only transaction"):
        refresh()
    assert Entity.objects.get().name == "Nordbank"


def test_a_failed_refresh_leaves_the_old_sandbox(live: Account, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh()
    Account.deposit(uid=live.uid, amount=Decimal(7), by=agent, asof=live.modified)

    def fails(*cursors: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "_move_sequences_away", fails)
    with pytest.raises(ZeroDivisionError):
        refresh()
    assert Action.objects.using(THERE).count() == 5
    assert verify(THERE).findings == []


def test_a_sandbox_that_is_the_ledger_is_refused(live: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES[THERE], "NAME", settings.DATABASES["default"]["NAME"])
    with pytest.raises(CannotRefreshError, match="names the same database as DATABASE_URL"):
        refresh()


def test_a_sandbox_that_is_the_ledger_under_another_name_is_refused(
    live: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = settings.DATABASES["default"]
    monkeypatch.setitem(settings.DATABASES[THERE], "NAME", place["NAME"])
    monkeypatch.setitem(settings.DATABASES[THERE], "HOST", f"{place['HOST']}/.")
    with pytest.raises(CannotRefreshError, match="leads to the same database as DATABASE_URL"):
        refresh()
    assert Action.objects.count() == 5


def test_a_column_that_nobody_decided_about_is_refused(live: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(COLUMNS[Account], "note")
    with pytest.raises(
        CannotRefreshError, match=r"Decide in sandbox/columns.py what becomes of ledger_account: note\."
    ):
        refresh()


def test_a_sandbox_in_use_is_waited_for_then_left_alone(live: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_WAIT", "20ms")
    monkeypatch.setattr(module, "LOCK_TRIES", 2)
    with owner() as session:
        session.execute("LOCK TABLE ledger_limit IN ACCESS SHARE MODE")
        with pytest.raises(CannotRefreshError, match="The sandbox is in use"):
            refresh()


def test_command_prints_one_object_and_does_nothing_when_filled(live: Account) -> None:
    out = StringIO()
    call_command("sandbox_refresh", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert (said["users"], said["accounts"], said["actions"]) == (3, 1, 5)
    call_command("sandbox_refresh", "--if-empty", stdout=StringIO())
    assert Refresh.objects.count() == 1


def test_command_without_the_owner_is_misuse(live: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delitem(settings.OWNER_DATABASES, THERE)
        with pytest.raises(CommandError, match="Set SANDBOX_DATABASE_OWNER_URL") as refusal:
            call_command("sandbox_refresh")
    assert refusal.value.returncode == 2
