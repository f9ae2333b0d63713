"""Two tenants that must know nothing of each other, in the ledger and in the sandbox, and what was really written.

Everything here is committed, so that pages run in transactions of their own, as in production. Keys are far apart and the
same in no two tables, and every text of a tenant holds its name: what leaks is recognised wherever it shows.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connections
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.grants import grant
from backoffice.models import Entity, SavedView, User
from bulk.models import Row, Run
from imports.models import Import
from ledger.models import Account, Action, Approval, Hold, Limit
from sandbox.models import Refresh
from tests.audit.sealed import superuser
from tests.audit.store import stored
from tests.cast import LONG_AGO, PASSWORD
from tests.imports.files import csv_of, upload

WIDE = ("change_entity",)  # by design who may change the tree of entities sees all of it
OWN = {"audit_outbox", "django_session"}  # tables that looking at a page writes to: the record, and who is logged in
TOKEN = re.compile(r'name="token" value="([^"]+)"')
TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> ALL (%s) ORDER BY 1
"""
MARK = "SELECT '{0}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM public.\"{0}\" t"
THRESHOLD = Decimal(5_000)


@dataclass
class Tenant:
    """One entity with people, money and everything that the console has pages of."""

    name: str
    entity: Entity
    insider: User  # may do everything within the entity
    clerk: User  # asks for things
    customer: User
    account: Account
    other: Account
    deposit: Action
    transfer: Action
    hold: Hold
    limit: Limit
    limit_of_account: Limit
    approval: Approval
    rows: dict[str, Model] = field(default_factory=dict)  # one of each model that the console shows, by label

    def seal(self) -> None:
        """Collect the rows that object pages are tried with."""
        found: list[Model] = [
            self.entity,
            self.customer,
            self.account,
            self.deposit,
            self.hold,
            self.limit,
            self.approval,
        ]
        self.rows |= {row._meta.label_lower: row for row in found}

    @property
    def secrets(self) -> set[str]:
        """What nobody of another tenant may read: the tenant's name is in every text, and public ids and references."""
        actions = Action.objects.using(self.account._state.db).filter(entity=self.entity)
        ids = {str(account.uid) for account in (self.account, self.other)} | {str(self.approval.uid)}
        return {self.name, *ids, *actions.values_list("reference", flat=True)}


@dataclass
class World:
    """Both tenants, in both places; `mine` is the attacker's, `theirs` the victim's."""

    mine: Tenant
    theirs: Tenant
    my_sandbox: Tenant
    their_sandbox: Tenant
    boss: User  # of my tenant, with every permission there is, the wide ones too
    admin: User


def build() -> World:
    """Make it all."""
    for alias in ("default", "sandbox"):
        spread_keys(alias)
    admin = User.objects.create_superuser("root", password=PASSWORD)
    Limit.objects.create(kind="approval", currency="CZK", amount=THRESHOLD)
    Refresh.objects.using("sandbox").create(users=0, accounts=0, actions=0)
    Limit.objects.using("sandbox").create(kind="approval", currency="CZK", amount=THRESHOLD)
    mine, theirs = (tenant(name) for name in ("tenanta", "tenantb"))
    my_sandbox, their_sandbox = (tenant(live.name, using="sandbox", like=live) for live in (mine, theirs))
    boss = person("boss_tenanta")
    boss.user_permissions.set(Permission.objects.all())
    grant(boss, mine.entity)
    for one in (mine, theirs):
        recorded(one)
        imported(one)
    return World(mine, theirs, my_sandbox, their_sandbox, boss, admin)


def spread_keys(alias: str) -> None:
    """Let each table count from a place of its own, so that no key is found by accident."""
    with superuser(alias) as session:
        names = session.execute(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND sequencename LIKE '%id_seq'"
        ).fetchall()
        for number, (name,) in enumerate(sorted(names), start=700 + 100 * (alias == "sandbox")):
            # The suite's own scope sees the first entities in the event store: tests/scope.py.
            place = 4_017 if name == "backoffice_entity_id_seq" else number * 1_000_000 + 17
            session.execute("SELECT setval(%s::regclass, %s)", [f"public.{name}", place])


def person(username: str, using: str = "default", **facts: Any) -> User:
    """Make somebody of the staff, or a customer."""
    user = User(username=username, is_staff=True, **facts)
    user.set_password(PASSWORD)
    user.save(using=using)
    return user


def tenant(name: str, using: str = "default", like: Tenant | None = None) -> Tenant:
    """Make one tenant; in the sandbox with the entity and the staff of `like`, as a refresh does."""
    same: dict[str, Any] = {"pk": like.entity.pk} if like else {}
    entity = Entity.objects.using(using).create(code=name, name=f"Bank of {name}", **same)
    staff = [person(f"{who}_{name[-1]}", using, **({"pk": pk} if pk else {})) for who, pk in _staff(like)]
    insider, clerk = staff
    if like is None:
        insider.user_permissions.set(Permission.objects.exclude(codename__in=WIDE))
        clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="ledger"))
        for one in staff:
            grant(one, entity)
    account, other = (_account(name, number, entity, clerk, using) for number in (1, 2))
    return _with_money(Tenant(name, entity, insider, clerk, account.user, account, other, *[None] * 6), using)  # type: ignore[arg-type]  # filled in below


def _staff(like: Tenant | None) -> list[tuple[str, Any]]:
    return [("insider", like and like.insider.pk), ("clerk", like and like.clerk.pk)]


def _account(name: str, number: int, entity: Entity, by: User, using: str) -> Account:
    customer = User(
        username=f"customer{number}_{name}",
        first_name=f"Zdena-{name}",
        last_name=f"Of {name}",
        email=f"zdena{number}@{name}.example",
        phone=f"+420 {name}",
    )
    customer.save(using=using)
    account, _ = Account.create(user=customer, entity=entity, currency="CZK", by=by, asof=LONG_AGO, using=using)
    account.note = f"Note of {name}"
    account.save(using=using)
    return account


def _with_money(of: Tenant, using: str) -> Tenant:
    """Post, hold, bound and ask, and read everything anew."""
    by: dict[str, Any] = {"by": of.clerk, "using": using, "comment": f"Comment of {of.name}"}
    day = timedelta(days=1)
    uid, amount = of.account.uid, Decimal("4321.09")
    bank: dict[str, Any] = {"reference_type": Action.ReferenceType.BANK_TRANSFER, "reference": f"EXT-{of.name}"}
    _, of.deposit = Account.deposit(uid=uid, amount=amount, asof=LONG_AGO + day, **bank, **by)
    (_, of.transfer), _ = Account.transfer(uid=uid, to=of.other.uid, amount=Decimal(300), asof=LONG_AGO + 2 * day, **by)
    of.hold, _ = Hold.place(uid=uid, amount=Decimal(50), asof=LONG_AGO + 3 * day, **by)
    rows = Limit.objects.using(using)
    of.limit = rows.create(kind="max_balance", currency="CZK", amount=900_000, entity=of.entity)
    of.limit_of_account = rows.create(kind="max_deposit", currency="CZK", amount=90_000, account=of.account)
    of.approval = Approval.request(verb="deposit", uid=uid, amount=2 * THRESHOLD, asof=timezone.now(), **by)
    for row in (of.account, of.other):
        row.refresh_from_db()
    of.rows["bulk.run"] = _run(of, using)
    of.seal()
    return of


def _run(of: Tenant, using: str) -> Run:
    """Have a command on several objects wait for a person to look."""
    about: dict[str, Any] = {
        "command": "freeze",
        "what": f"Freeze {of.name}",
        "subject": "account",
        "request_id": of.name,
    }
    said = {"selection": f"accounts of {of.name}", "reason": f"Reason of {of.name}", "state": "failed"}
    run = Run.objects.using(using).create(by=of.insider, entities=[of.entity.pk], total=1, **about, **said)
    whose = {"account": of.account, "entity": of.entity, "text": f"Left out of {of.name}"}
    Row.objects.using(using).create(run=run, object_id=of.account.pk, **whose)
    return run


def recorded(of: Tenant) -> None:
    """Put events of the tenant into the event store, and a search of the insider's own."""
    about = {"entity_id": of.entity.pk, "username": of.clerk.username, "user_id": of.clerk.pk, "path": f"/{of.name}/"}
    change = {"changes": {"note": {"old": "", "new": f"Note of {of.name}"}}}
    event = stored(
        type="change.updated", object_type="ledger.account", object_id=str(of.account.pk), data=change,
        request_id=f"request-{of.name}", reason=f"Reason of {of.name}", **about,
    )  # fmt: skip
    named = {"changes": {"last_name": {"old": "", "new": of.customer.last_name}}}  # of a person, so of no entity
    stored(type="change.updated", object_type="backoffice.user", object_id=str(of.customer.pk), username="", data=named)
    search = SavedView.objects.create(
        person=of.insider, label="audit.event", name=f"Search of {of.name}", query="success=0"
    )
    of.rows |= {"audit.event": event, "backoffice.savedview": search}


def imported(of: Tenant) -> None:
    """Have the insider post one file and leave another at its preview."""
    console = browser_of(of.insider)
    for name, confirm in (("posted", True), ("waiting", False)):
        row = (str(of.account.uid), "deposit", "12.34", "", "", "", f"{name} of {of.name}", f"{name}-{of.name}")
        refused = (str(of.account.uid), "withdrawal", "99999.00", "", "", "", "", f"{name}-much-{of.name}")
        sent = {
            "file": upload(csv_of(row, refused), f"{name}-{of.name}.csv"),
            "how": "valid",
            "reason": "Brought",
        }
        preview = console.post(reverse("console:imports_import_add"), sent, follow=True)
        upload_of = Import.objects.latest("pk")
        if confirm:
            [token] = TOKEN.findall(preview.content.decode())
            console.post(reverse("console:imports_import_confirm", args=[upload_of.pk]), {"token": token})
        of.rows[f"imports.import {name}"] = upload_of
    of.rows["imports.import"] = of.rows["imports.import waiting"]


def browser_of(user: User, **how: Any) -> Client:
    """Return a browser in which somebody is logged in."""
    browser = Client(**how)
    browser.force_login(user, backend="backoffice.login.returning.ReturningBackend")
    return browser


def digest() -> dict[str, str]:
    """Return a fingerprint of every table, past all policies; what pages write when looked at is left out."""
    found: dict[str, str] = {}
    for alias in ("default", "sandbox", "audit"):
        with superuser(alias) as session:
            names = session.execute(TABLES, [list(OWN)]).fetchall()
            marks = session.execute(" UNION ALL ".join(MARK.format(name) for (name,) in names)).fetchall()
            found |= {f"{alias}.{table}": mark for table, mark in marks}
    return found


@contextmanager
def nothing_moves() -> Iterator[None]:
    """Fail where a block leaves any row of any table other than it was."""
    before = digest()
    yield
    after = digest()
    moved = sorted(table for table in after if after[table] != before.get(table))
    if moved:
        raise AssertionError(f"Rows were written to {', '.join(moved)}.")


def row_of(row: Model) -> dict[str, Any]:
    """Return all columns of a row as they stand, by the names of its fields, past all policies."""
    alias = row._state.db or "default"
    opts = row._meta
    with superuser(alias) as session, session.cursor() as cursor:
        names = [field.attname for field in opts.concrete_fields]
        columns = ", ".join(connections[alias].ops.quote_name(str(field.column)) for field in opts.concrete_fields)
        key = connections[alias].ops.quote_name(str(opts.pk.column))
        cursor.execute(f"SELECT {columns} FROM {opts.db_table} WHERE {key} = %s", [row.pk])  # noqa: S608  names of ours
        found = cursor.fetchone()
    assert found is not None
    return dict(zip(names, found, strict=True))
