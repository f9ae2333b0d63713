"""A scope ends with its transaction: nothing of it is left on a connection, whatever happened in between."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.urls import reverse

from backoffice.grants import grant
from backoffice.models import User
from backoffice.scope import Reach, Scope, acting, acting_throughout, announcing_first, change, current, entered
from ledger.admin import AccountAdmin
from ledger.models import Account
from tests.scope import narrow
from tests.tenancy.conftest import Tenant, settle

SAID = "SELECT coalesce(current_setting('backoffice.entities', true), '')"
THREADS, ROUNDS, POOL = 8, 21, 3
halted = threading.local()  # the rows that a page had read before it raised


def said(alias: str = "default") -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute(SAID)
        return str(cursor.fetchone()[0])


@pytest.fixture
def pooled(committing: None) -> Iterator[None]:
    """Have all threads share a few connections, as a pool hands them out."""
    before = deepcopy(connections.settings["default"])
    connections["default"].close()
    for settings in (connections.settings["default"], connections["default"].settings_dict):
        settings["CONN_MAX_AGE"], settings["CONN_HEALTH_CHECKS"] = 0, False
        settings["OPTIONS"] = {**settings["OPTIONS"], "pool": {"min_size": POOL, "max_size": POOL, "timeout": 60}}
    yield
    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's backend
    for settings in (connections.settings["default"], connections["default"].settings_dict):
        settings.clear()
        settings.update(before)


@pytest.fixture
def tenants(pooled: None) -> dict[str, tuple[User, Tenant]]:
    """Two tenants and who sees one of them."""
    with acting(actor=None, request_id="seed"):
        made = {}
        for code in ("north", "south"):
            tenant, user = settle(code), User.objects.create_superuser(f"reader of {code}")
            User.objects.filter(pk=user.pk).update(is_superuser=False)
            user.user_permissions.set(_rights())
            grant(user, tenant.entity)
            made[code] = (User.objects.get(pk=user.pk), tenant)
    return made


def _rights() -> Any:
    return Permission.objects.filter(codename__in=["view_account", "view_user", "view_entity"])


def test_eight_threads_over_pooled_connections_see_their_own_tenant_alone(
    tenants: dict[str, tuple[User, Tenant]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = AccountAdmin.get_search_results

    def halting(self: Any, request: Any, rows: Any, term: str) -> Any:
        if term == "halt":
            halted.rows = set(rows.values_list("pk", flat=True))
            raise ValueError(term)
        return found(self, request, rows, term)

    monkeypatch.setattr(AccountAdmin, "get_search_results", halting)
    with narrow():
        _browse_at_once(tenants)


def _browse_at_once(tenants: dict[str, tuple[User, Tenant]]) -> None:
    gate = threading.Barrier(THREADS)

    def work(number: int) -> set[tuple[str, str]]:
        gate.wait()
        seen = set[tuple[str, str]]()
        try:
            for round_ in range(ROUNDS):
                code = ("north", "south")[(number + round_) % 2]
                user, tenant = tenants[code]
                seen.add(WAYS[round_ % len(WAYS)](user, tenant))
                seen.add(("nobody's", said()))
                connection.close()  # back to the pool, and another one next time
        finally:
            connections.close_all()
        return seen

    with ThreadPoolExecutor(THREADS) as threads:
        found = set[tuple[str, str]]().union(*threads.map(work, range(THREADS)))
    assert found == {("own", "alone"), ("failed", "alone"), ("halted", "alone"), ("left", "alone"), ("nobody's", "")}


def _browse(user: User, tenant: Tenant) -> tuple[str, str]:
    client = Client(raise_request_exception=False)  # else it raises what was raised in any thread
    client.force_login(user)
    page = client.get(reverse("console:ledger_account_changelist")).content.decode()
    shown = {code for code in ("north", "south") if f"Secret {code}" in page}
    return ("own", "alone" if shown == {tenant.entity.code} else f"{shown} for {user}")


def _halt(user: User, tenant: Tenant) -> tuple[str, str]:
    """Ask for a page that raises when it has read its rows."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    halted.rows = set()
    page = client.get(reverse("console:ledger_account_changelist"), {"q": "halt"})
    alone = (page.status_code, halted.rows) == (500, {tenant.account.pk})
    return ("halted", "alone" if alone else f"{page.status_code} {halted.rows}")


def _leave(user: User, tenant: Tenant) -> tuple[str, str]:
    """Ask for a file and go away before its end."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    file = client.get(reverse("console:ledger_account_export_csv"))
    begun = next(iter(file)).decode()
    file.close()
    other = {"north": "south", "south": "north"}[tenant.entity.code]
    return ("left", "alone" if f"Secret {other}" not in begun else begun)


def _fail(user: User, tenant: Tenant) -> tuple[str, str]:
    rows: set[int] = set()
    with pytest.raises(DatabaseError):
        _look_and_fail(tenant, rows)
    return ("failed", "alone" if rows == {tenant.account.pk} else f"{rows}")


def _look_and_fail(tenant: Tenant, rows: set[int]) -> None:
    with acting(actor=1, request_id="fails", entities=[tenant.entity.pk]), connection.cursor() as cursor:
        rows.update(Account.objects.values_list("pk", flat=True))
        cursor.execute("SELECT 1 / 0")


WAYS = (_fail, _browse, _halt, _browse, _leave, _browse, _browse)  # an odd number: each way meets both tenants


@pytest.mark.usefixtures("committing")
def test_scope_for_many_transactions_ends_with_its_block_and_knows_its_place() -> None:
    tenant = settle("north")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('backoffice.entities', '', false)")
    with acting_throughout(actor=None, request_id="worker", entities=[tenant.entity.pk]):
        assert Account.objects.get() == tenant.account
        with pytest.raises(RuntimeError, match="outside of requests and transactions"):
            _throughout_in_a_transaction()
    assert (said(), Account.objects.count()) == ("{}", 0)
    with pytest.raises(ValueError, match="halt"), acting_throughout(actor=None, request_id="worker"):
        raise ValueError("halt")
    assert (said(), Account.objects.count()) == ("{}", 0)
    with entered(Scope(method="GET")), pytest.raises(RuntimeError, match="outside of requests"):
        acting_throughout(actor=None, request_id="x").__enter__()


def _throughout_in_a_transaction() -> None:
    with acting(actor=None, request_id="x"), acting_throughout(actor=None, request_id="x"):
        pass


@pytest.mark.django_db(databases=["default", "audit"])
def test_other_database_is_told_once_before_its_first_statement() -> None:
    with entered(Scope(entities=Reach.EVERYTHING)):
        tenant = settle("north")
        change(entities=(tenant.entity.pk,))
        with announcing_first("audit"):
            assert said("audit") == f"{{{tenant.entity.pk}}}"
            assert current().entities == (tenant.entity.pk,)
