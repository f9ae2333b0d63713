"""Row-level security: without a scope nothing is there, and with one only what belongs to it, whatever way it is asked."""

import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from django.db import DatabaseError, connection, connections, models, transaction
from django.db.models import Count, F, Q

from audit.models import Alert, Event, Outbox
from audit.record import record
from backoffice.models import Entity, User
from backoffice.models.user import SYSTEM
from backoffice.scope import acting, announce, current, entered
from imports.models import Import
from ledger import errors
from ledger.models import Account, Action, Approval, Hold, Limit, Refusal
from tests.audit.store import stored, stored_alert
from tests.tenancy.conftest import As, Tenant, settle

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])

EXEMPT = {  # tables that name an entity and have no policy, and why
    "backoffice_groupgrant": "says who works where: it is read before a scope is known, and administrators see all of it",
    "backoffice_persongrant": "as above",
    "backoffice_grantrequest": "administrators decide who works where, across all entities",
    "backoffice_historicalgrantrequest": "as above",
    "backoffice_historicalgroupgrant": "as above",
    "backoffice_historicalpersongrant": "as above",
}
NAMED = """
    SELECT DISTINCT c.relname, c.relrowsecurity AND c.relforcerowsecurity
        AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polroles <> '{0}'
            AND (SELECT oid FROM pg_roles WHERE rolname = current_user) = ANY (p.polroles))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
        AND a.attname IN ('entity_id', 'entities', 'account_id') AND NOT c.relispartition
"""


@pytest.mark.parametrize("alias", ["default", "sandbox", "audit"])
def test_every_table_with_an_entity_is_secured_and_forced(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(NAMED)
        found = dict(cursor.fetchall())
    assert {name for name, secured in found.items() if not secured} == set(EXEMPT) & set(found)
    assert len(set(found) - set(EXEMPT)) >= {"default": 9, "sandbox": 9, "audit": 1}[alias]


@pytest.mark.parametrize("alias", ["default", "sandbox", "audit"])
def test_policies_are_these_and_no_others(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT tablename, string_agg(policyname, ' ' ORDER BY policyname) FROM pg_policies GROUP BY 1")
        found = dict(cursor.fetchall())
    ledger = (
        "account",
        "action",
        "hold",
        "approval",
        "refusal",
        "historicalaccount",
        "historicalapproval",
        "historicallimit",
        "historicalnote",
        "mention",
        "note",
    )
    others = ("audit_outbox", "imports_import", "backoffice_user", "backoffice_historicaluser", "bulk_run", "bulk_row")
    expected = dict.fromkeys(others, "entity owner") | {"ledger_limit": "bound entity owner"}
    expected |= {f"ledger_{name}": "entity owner" for name in ledger}
    assert found == ({"audit_event": "entity owner", "audit_alert": "entity owner"} if alias == "audit" else expected)


def test_every_secured_table_has_a_row_of_each_tenant(north: Tenant, south: Tenant) -> None:
    """So that what follows tries them all; the event store's two are tried by themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tablename FROM pg_policies")
        secured_tables = {name for (name,) in cursor.fetchall()}
    for tenant in (north, south):
        assert {row._meta.db_table for row in tenant.rows} == secured_tables


def secured() -> list[type[models.Model]]:
    return [Account, Action, Hold, Limit, Approval, Outbox, Account.history.model, Approval.history.model]


def test_without_a_scope_nothing_is_visible(north: Tenant, no_scope: As) -> None:
    with no_scope():
        models_: list[Any] = [*secured(), *map(type, north.rows)]
        # Staff are named in the record: everybody sees them.
        known = {model: {"id__in": [SYSTEM, north.worker.pk]} for model in (User, User.history.model)}
        found = {m.__name__: m._base_manager.filter(~Q(**known.get(m, {"pk__in": []}))).count() for m in models_}
        assert set(found.values()) == {0}
        with pytest.raises(errors.UnknownAccount):
            Account.deposit(uid=north.account.uid, amount=Decimal(1), by=north.worker, asof=datetime.now().astimezone())


def test_without_a_scope_nothing_is_written(north: Tenant, no_scope: As) -> None:
    new: list[models.Model] = [
        Account(user=User.objects.create(username="new"), entity=north.entity, currency="CZK"),
        Limit(kind="maximum", currency="XAU", amount=1, entity=north.entity),
        Limit(kind="maximum", currency="XAU", amount=1, account=north.account),
        Limit(kind="maximum", currency="XAU", amount=1),
        Refusal(idempotency_key="new", account=north.account, code="x", text="y"),
        Refusal(idempotency_key="new", code="x", text="y"),
        Import(file_name="x", by=north.worker, entities=[north.entity.pk], size=1, format="csv", sha256="x"),
        Import(file_name="x", by=north.worker, size=1, format="csv", sha256="x"),
    ]
    with no_scope():
        for row in new:
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                row.save(force_insert=True)


def test_one_tenant_s_rows_are_all_that_its_scope_shows(north: Tenant, south: Tenant, only: As) -> None:
    with only(north.entity):
        for mine, theirs in zip(north.rows, south.rows, strict=True):
            model = type(mine)
            seen = set(model._base_manager.values_list("pk", flat=True))
            assert (mine.pk in seen, theirs.pk in seen) == (True, False), model


CHANGED = {"Account": "note", "Import": "problem"}
SELECT = "SELECT * FROM"
READS: dict[str, Callable[[Any, Any], object]] = {
    "filter": lambda rows, pk: list(rows.filter(pk=pk)),
    "exclude": lambda rows, pk: list(rows.exclude(pk=0).filter(pk=pk)),
    "first": lambda rows, pk: rows.filter(pk=pk).first(),
    "in_bulk": lambda rows, pk: rows.in_bulk([pk]),
    "values": lambda rows, pk: list(rows.filter(pk=pk).values()),
    "exists": lambda rows, pk: rows.filter(pk=pk).exists(),
    "count": lambda rows, pk: rows.filter(pk=pk).count(),
    "aggregate": lambda rows, pk: rows.filter(pk=pk).aggregate(n=Count("pk"))["n"],
    "annotate": lambda rows, pk: list(rows.annotate(same=F("pk")).filter(same=pk)),
    "union": lambda rows, pk: list(rows.filter(pk=pk).values("pk").union(rows.filter(pk=pk).values("pk"))),
    "subquery": lambda rows, pk: list(rows.filter(pk__in=rows.filter(pk=pk).values("pk"))),
    "iterator": lambda rows, pk: list(rows.filter(pk=pk).iterator()),
    "raw": lambda rows, pk: list(rows.raw(f"{SELECT} {rows.model._meta.db_table} WHERE {rows.model._meta.pk.column} = %s", [pk])),
    "update": lambda rows, pk: rows.filter(pk=pk).update(**{CHANGED.get(rows.model.__name__, "currency"): "x"}),
}  # fmt: skip


@pytest.mark.parametrize("how", READS)
def test_no_manager_method_reaches_the_other_tenant(how: str, north: Tenant, south: Tenant, only: As) -> None:
    read = READS[how]
    reached = []
    with only(north.entity):
        for mine, theirs in zip(north.rows, south.rows, strict=True):
            rows = type(mine)._base_manager.all() if how != "raw" else type(mine)._base_manager
            if how == "update" and type(mine).__name__ not in CHANGED:
                continue
            reached.append((bool(read(rows, mine.pk)), bool(read(rows, theirs.pk))))
    assert set(reached) == {(True, False)}


def test_locks_and_deletions_do_not_reach_the_other_tenant(north: Tenant, south: Tenant, only: As) -> None:
    with only(north.entity):
        assert not Account.objects.select_for_update(of=("self",), no_key=True).filter(pk=south.account.pk)
        assert Limit._base_manager.filter(pk=south.limits[0].pk).delete()[0] == 0
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM ledger_limit WHERE entity_id = %s OR account_id = %s", [south.entity.pk, south.account.pk]
            )
            assert cursor.rowcount == 0
    assert Limit.objects.filter(pk=south.limits[0].pk).exists()


POST = """
    INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, held_delta, held, turnover, status,
        version, created, latest, by_id)
    SELECT id, %s, 'CZK', 'deposited', 5, 105, 0, 10, 105, 'open', 4, now(), now(), %s FROM (VALUES (%s::bigint)) v (id)
"""
WRITES: dict[str, Callable[[Tenant, Tenant], object]] = {
    "create": lambda mine, theirs: Account.objects.create(user=mine.worker, entity=theirs.entity, currency="CZK"),
    "bulk_create": lambda mine, theirs: Limit.objects.bulk_create(
        [Limit(kind="maximum", currency="EUR", amount=1, entity=theirs.entity)]
    ),
    "limit of an account": lambda mine, theirs: Limit.objects.create(
        kind="maximum", currency="EUR", amount=1, account=theirs.account
    ),
    "limit of the currency": lambda mine, theirs: Limit.objects.create(kind="maximum", currency="EUR", amount=1),
    "moved away": lambda mine, theirs: Limit.objects.filter(pk=mine.limits[0].pk).update(entity=theirs.entity),
    "bulk_update": lambda mine, theirs: Limit.objects.bulk_update(
        [Limit(pk=mine.limits[0].pk, entity=theirs.entity)], ["entity"]
    ),
    "upsert": lambda mine, theirs: Limit.objects.bulk_create(
        [Limit(pk=theirs.limits[0].pk, kind="maximum", currency="CZK", amount=1, entity=mine.entity)],
        update_conflicts=True,
        update_fields=["amount"],
        unique_fields=["id"],
    ),
}


@pytest.mark.parametrize("how", WRITES)
def test_no_way_of_writing_reaches_the_other_tenant(how: str, north: Tenant, south: Tenant, only: As) -> None:
    before = list(Limit.objects.order_by("pk").values())
    with pytest.raises(DatabaseError, match="row-level security"), only(north.entity):
        WRITES[how](north, south)
    assert list(Limit.objects.order_by("pk").values()) == before


def test_refusal_without_an_account_is_for_who_sees_every_entity(north: Tenant, south: Tenant, only: As) -> None:
    Refusal.objects.create(idempotency_key="of nobody", code="x", text="y")
    found = Refusal.objects.filter(idempotency_key="of nobody")
    with only(north.entity):
        assert not found.exists()
    with only(north.entity, south.entity):
        assert found.exists()


def test_raw_action_on_another_tenant_s_account_is_refused(north: Tenant, south: Tenant, only: As) -> None:
    for entity in (south.entity, north.entity):
        with pytest.raises(DatabaseError), only(north.entity), connection.cursor() as cursor:
            cursor.execute(POST, [entity.pk, south.worker.pk, south.account.pk])
    assert Account.objects.get(pk=south.account.pk).version == south.account.version


def test_every_verb_calls_the_other_tenant_s_account_unknown(
    north: Tenant, south: Tenant, only: As, now: datetime
) -> None:
    given: dict[str, Any] = {"by": north.worker, "asof": now}
    theirs, money = south.account.uid, cast("Any", {"amount": Decimal(5)})
    tries: list[Callable[[], object]] = [
        lambda: Account.deposit(uid=theirs, **money, **given),
        lambda: Account.withdraw(uid=theirs, **money, **given),
        lambda: Account.transfer(uid=theirs, to=north.account.uid, **money, **given),
        lambda: Account.transfer(uid=north.account.uid, to=theirs, **money, **given),
        lambda: Account.freeze(uid=theirs, comment="x", **given),
        lambda: Account.close(uid=theirs, comment="x", **given),
        lambda: Hold.place(uid=theirs, **money, **given),
        lambda: Approval.request(verb="deposit", uid=theirs, comment="x", **money, **given),
    ]
    for attempt in tries:
        with pytest.raises(errors.UnknownAccount), only(north.entity):
            attempt()


def test_limit_of_an_entity_above_binds_those_who_work_below(north: Tenant, only: As, now: datetime) -> None:
    branch = Entity.objects.create(code="branch", name="Branch", parent=north.entity)
    customer = north.worker
    account, _ = Account.create(user=customer, entity=branch, currency="CZK", by=customer, asof=now)
    with only(branch):
        assert [limit.amount for limit in Limit.objects.filter(kind="maximum", account=None)] == [70]
        with pytest.raises(errors.ExceedsLimit):
            Account.deposit(uid=account.uid, amount=Decimal(71), by=customer, asof=now)
        assert Limit.objects.filter(pk=north.limits[0].pk).update(amount=1) == 0


def test_limit_of_a_currency_binds_everybody_and_is_set_by_who_sees_everything(
    north: Tenant, south: Tenant, only: As
) -> None:
    with only(north.entity, south.entity):
        Limit.objects.create(kind="maximum", currency="XAU", amount=9)
    with only(north.entity):
        assert Limit.objects.get(currency="XAU").amount == 9
        assert Limit.objects.filter(currency="XAU").update(amount=1) == 0


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_outbox_and_history_show_one_tenant(alias: str, only: As) -> None:
    north, south = settle("north", alias), settle("south", alias)
    with only(north.entity, using=alias):
        events = set(Outbox.objects.using(alias).exclude(entity_id=None).values_list("entity_id", flat=True))
        versions = set(Account.history.using(alias).values_list("entity_id", flat=True))
        limits = set(Limit.history.using(alias).exclude(entity_id=None).values_list("entity_id", flat=True))
        of_accounts = Limit.history.using(alias).exclude(account_id=None).values_list("account_id", flat=True)
        assert (events, versions, limits) == ({north.entity.pk}, {north.entity.pk}, {north.entity.pk})
        assert set(of_accounts) == {north.account.pk}
        assert not Account.objects.using(alias).filter(pk=south.account.pk).exists()


def test_event_store_shows_one_tenant(only: As) -> None:
    facts = "jsonb_build_object('id', uuidv7(), 'created', now(), 'type', 'page.viewed', 'entity_id', %s::bigint, 'block', 1, 'position', 1, 'leaf', '', 'data', '{}'::jsonb, 'username', '', 'object_type', '', 'object_id', '', 'request_id', '', 'method', '', 'path', '', 'browser', '', 'reason', '', 'success', true)"
    with connections["audit"].cursor() as cursor:
        for entity in (1, 2, None):
            cursor.execute(f"SELECT test_keep('audit_event', {facts})", [entity])
    with only(Entity(pk=1), using="audit"):
        assert set(Event.objects.values_list("entity_id", flat=True)) == {1, None}
    with acting(actor=None, request_id="x", entities=[], using="audit"):
        assert set(Event.objects.values_list("entity_id", flat=True)) == {None}


OF_NONE = ("page.viewed", "import.posted", "bulk.confirmed", "command.refused")


def test_what_is_about_several_entities_is_read_by_who_sees_all_of_them_and_whose_deed_it_was(
    north: Tenant, south: Tenant, only: As
) -> None:
    for kind in OF_NONE:
        stored(type=kind, user_id=south.worker.pk)
        stored(type=kind, entity_id=north.entity.pk)
    stored_alert("raised", rule="many_views", event_id=uuid.uuid4())
    stored_alert("of the record", rule="verification", event_id=None)

    def seen(*entities: Entity, actor: User | None = None) -> tuple[list[str], list[str]]:
        with only(*entities, using="audit", actor=actor):
            events = Event.objects.filter(entity_id=None).order_by("type").values_list("type", flat=True)
            return list(events), list(Alert.objects.order_by("key").values_list("key", flat=True))

    everything = (sorted(OF_NONE), ["of the record", "raised"])
    assert seen(north.entity) == (["page.viewed"], ["of the record"])
    assert seen(north.entity, actor=south.worker) == (everything[0], ["of the record"])
    assert seen(north.entity, south.entity) == everything
    Entity.objects.filter(pk=south.entity.pk).update(is_void=True)  # nobody works there any more
    assert seen(north.entity) == everything
    with only(north.entity, using="audit"), transaction.atomic(using="audit"):
        assert Event.objects.exclude(entity_id=None).count() == len(OF_NONE)


def test_outbox_keeps_what_is_about_several_entities_for_who_sees_all_of_them(
    north: Tenant, south: Tenant, only: As
) -> None:
    facts: dict[str, Any] = {"data": {"command": "deposit", "refusals": []}, "using": "default"}
    with acting(actor=south.worker.pk, request_id="x"):
        record("command.refused", entity_id=None, success=False, **facts)
    found = Outbox.objects.filter(type="command.refused")
    with only(north.entity):
        assert not found.exists()
    with only(north.entity, actor=south.worker):
        assert found.exists()
    with only(north.entity, south.entity):
        assert found.exists()


def test_nested_scope_gives_back_the_outer_one(north: Tenant, south: Tenant, only: As) -> None:
    with only(north.entity):
        with only(south.entity):
            assert Account.objects.get() == south.account
        assert Account.objects.get() == north.account
        assert current().entities == (north.entity.pk,)


def test_scope_that_names_nobody_sees_nothing(north: Tenant, no_scope: As) -> None:
    with no_scope(), entered(current()):
        assert announce() == ()
        assert Account.objects.count() == 0
