"""`working_on`: the router obeys it, and the other database refuses statements about the ledger."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.db import connections, transaction
from django.db.models import Model

from backoffice.databases import Router, WrongDatabaseError, worked_on, working_on
from backoffice.models import Entity, User
from ledger.models import Account, Action
from sandbox.models import Analyst, Refresh

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


@pytest.mark.parametrize("model", [User, Entity, Account, Action])
@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_router_sends_the_ledger_where_the_work_is(model: type[Model], alias: str) -> None:
    with working_on(alias):
        assert (Router().db_for_read(model), Router().db_for_write(model)) == (alias, alias)
    assert Router().db_for_read(model) is None


@pytest.mark.parametrize("model", [Group, Permission, Session])
def test_router_asks_default_who_may_what(model: type[Model]) -> None:
    with working_on("sandbox"):
        assert Router().db_for_read(model) == "default"


@pytest.mark.parametrize("model", [Refresh, Analyst])
def test_router_keeps_the_sandbox_s_own_there(model: type[Model]) -> None:
    with working_on("default"):
        assert Router().db_for_read(model) == "sandbox"


@pytest.mark.parametrize(("here", "other"), [("default", "sandbox"), ("sandbox", "default")])
def test_the_other_database_refuses_the_ledger_s_tables(here: str, other: str) -> None:
    with working_on(here):
        assert Account.objects.using(here).count() == 0
        for query in (Account.objects, User.objects, Entity.objects, Action.objects):
            with pytest.raises(WrongDatabaseError, match=f"Works on {here}: a statement about .* was sent to {other}"):
                query.using(other).count()
        with pytest.raises(WrongDatabaseError), connections[other].cursor() as cursor:
            cursor.execute("SELECT * FROM ledger_lock_headroom(%s)", [["CZK"]])
        with pytest.raises(WrongDatabaseError), transaction.atomic(using=other):
            Entity.objects.using(other).create(code="nord", name="Nord")
    assert Account.objects.using(other).count() == 0


def test_default_answers_who_may_what_from_within_the_sandbox(analyst: User) -> None:
    with working_on("sandbox"):
        assert analyst.has_perm("sandbox.use_sandbox")
        assert not analyst.has_perm("ledger.deposit")


def test_scope_within_a_scope_and_after_an_error() -> None:
    with working_on("sandbox"):
        with working_on("default"):
            assert User.objects.using("default").count() == 0
            assert worked_on() == "default"
        assert worked_on() == "sandbox"
    with pytest.raises(ZeroDivisionError), working_on("sandbox"):
        raise ZeroDivisionError
    assert worked_on() is None


def test_nothing_else_can_be_worked_on() -> None:
    with pytest.raises(ValueError, match="Work on default or sandbox, not on audit"), working_on("audit"):
        pass
