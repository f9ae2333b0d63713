"""Two tenants with everything that there is, and what one of them may see."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import Permission
from django.db import connections, transaction
from django.utils import timezone

from audit.models import Outbox
from backoffice.grants import grant
from backoffice.models import Entity, User
from backoffice.scope import acting
from bulk.models import Row, Run
from imports.models import Import
from ledger.models import Account, Approval, Hold, Limit, Mention, Note, Refusal
from tests.cast import LONG_AGO

As: TypeAlias = Callable[..., AbstractContextManager[None]]


@dataclass(frozen=True)
class Tenant:
    """An entity, who works there, and a row of each table that holds what belongs to an entity."""

    entity: Entity
    worker: User
    account: Account
    limits: list[Limit]
    rows: list[Any]


def settle(code: str, using: str = "default", **same: int) -> Tenant:
    """Make a tenant; in the sandbox with the `pk` of its entity in live, as a refresh does."""
    entity = Entity.objects.using(using).create(code=code, name=code.title(), **same)
    worker = User.objects.using(using).create(username=f"worker of {code}", is_staff=True)
    customer = User.objects.using(using).create(username=f"customer of {code}", last_name=f"Secret {code}")
    now = timezone.now()
    account, _ = Account.create(user=customer, entity=entity, currency="CZK", by=worker, asof=LONG_AGO, using=using)
    Account.deposit(uid=account.uid, amount=Decimal(100), by=worker, asof=LONG_AGO + timedelta(days=1), using=using)
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(10), by=worker, asof=now, using=using)
    about: list[dict[str, Any]] = [{"entity": entity}, {"account": account}]
    limits = [
        Limit.objects.using(using).create(kind="maximum", currency="CZK", amount=70 + number, **subject)
        for number, subject in enumerate(about)
    ]
    asked: Any = {"uid": account.uid, "amount": Decimal(60), "comment": f"Why in {code}"}
    Limit.objects.using(using).create(kind="approval", currency="CZK", amount=50, entity=entity)
    approval = Approval.request(verb="deposit", by=worker, asof=now, using=using, **asked)
    refusal = Refusal.objects.using(using).create(idempotency_key=f"of {code}", account=account, code="x", text="y")
    upload = Import(file_name=f"{code}.csv", by=worker, entities=[entity.pk], size=1, format="csv", sha256=code)
    upload.save(using=using)
    account.refresh_from_db()
    note = Note.objects.using(using).create(account=account, entity=entity, text=f"Of {code}", by=worker)
    call = Mention.objects.using(using).create(note=note, entity=entity, person=worker)
    named = {"command": "freeze", "subject": "account", "what": f"Freeze in {code}", "selection": code, "total": 1}
    run = Run(by=worker, entities=[entity.pk], state="failed", reason=f"Why in {code}", **named)
    run.save(using=using)
    part = Row(run=run, object_id=account.pk, account=account, entity=entity)
    part.save(using=using)
    captured = [account, customer, limits[0], approval, note]
    versions = [type(row).history.using(using).filter(id=row.pk).first() for row in captured]  # type: ignore[attr-defined]  # captured
    told = Outbox.objects.using(using).filter(entity_id=entity.pk).first()
    rows = [account, customer, account.actions.first(), hold, *limits, approval, refusal, upload, note, call, run, part, *versions, told]  # fmt: skip
    return Tenant(entity, worker, account, limits, rows)


@pytest.fixture
def north() -> Tenant:
    return settle("north")


@pytest.fixture
def south() -> Tenant:
    return settle("south")


@pytest.fixture
def person(north: Tenant) -> User:
    """Somebody with every right there is, who works in the north."""
    user = User.objects.create_user("all-rights", password="correct horse battery", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    grant(user, north.entity)
    return user


@pytest.fixture
def only() -> As:
    """Work with the rows of these entities: `with only(north.entity):`."""

    @contextmanager
    def scope(*entities: Entity, using: str = "default", actor: User | None = None) -> Iterator[None]:
        who = {"actor": actor.pk if actor else None, "request_id": "a test"}
        with acting(entities=[entity.pk for entity in entities], using=using, **who):  # type: ignore[arg-type]  # as named
            yield

    return scope


@pytest.fixture
def no_scope() -> As:
    """Work as code that has announced nothing."""

    @contextmanager
    def scope(using: str = "default") -> Iterator[None]:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SELECT set_config('backoffice.entities', '', true)")
            yield
            cursor.execute("SELECT set_config('backoffice.entities', backoffice_every_entity(NULL)::text, true)")

    return scope
