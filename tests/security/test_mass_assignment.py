"""More fields than a form has: what the form does not offer stays as it is, in every form and every command of the site."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.grants import grant
from backoffice.models import Entity, User
from backoffice.roles import ADMINISTRATOR
from ledger.admin.commands import ACCOUNT_COMMANDS, ACTION_COMMANDS, HOLD_COMMANDS
from ledger.models import Account, Action, Approval, Limit
from sandbox.site import site as sandbox
from tests.console.test_commands import hidden
from tests.security.world import World, browser_of, person, row_of

SITES = {"console": admin.site, "sandbox": sandbox}
MOVED_BY_SAVING = {"modified"}  # columns that the database keeps by itself


def worth(field: Any, world: World) -> str:
    """Return what an attacker would like a column to hold."""
    if field.is_relation:
        return str(world.boss.pk if field.related_model is User else 1)
    kind = field.get_internal_type()
    if kind == "BooleanField":
        return "on"
    if kind == "UUIDField":
        return "00000000-0000-4000-8000-000000000007"
    if kind == "DateTimeField":
        return "2020-02-02 02:02:02"
    if kind in {"CharField", "TextField", "SlugField", "EmailField"}:
        return "CLOSED"[: field.max_length or 9].lower()
    return "7777777"


def greedy(model: type[Model], world: World) -> dict[str, str]:
    """Return a value for every column of a model, by every name that a form could know it by."""
    sent: dict[str, str] = {"pk": "1", "password": "pbkdf2", "is_superuser": "on", "is_staff": "on"}
    for field in model._meta.concrete_fields:
        for name in {field.name, field.attname, str(field.column)}:
            sent[name] = worth(field, world)
        if field.get_internal_type() == "DateTimeField":
            sent |= {f"{field.name}_0": "2020-02-02", f"{field.name}_1": "02:02:02"}
    return sent


def offered(response: Any) -> dict[str, Any]:
    """Return the fields of a change form with what they hold; nothing where nothing can be changed."""
    if response.status_code != 200 or "adminform" not in (response.context or {}):
        return {}
    form = response.context["adminform"].form
    filled = {}
    for bound in form:
        value = bound.value()
        if value is not False:
            filled[bound.html_name] = [str(one) for one in value] if isinstance(value, list) else str(value or "")
    for formset in (inline.formset for inline in response.context.get("inline_admin_formsets", ())):
        filled |= {f"{formset.prefix}-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return filled


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before if after[name] != before[name]} - MOVED_BY_SAVING


READ_ONLY = ("backoffice.grantrequest", "bulk.run", "login.lockout")  # whose pages have no form
SHOWN = ("backoffice.entity", "backoffice.user", "auth.group", "ledger.account", "ledger.action", "ledger.hold", "ledger.limit", "ledger.cap", "ledger.approval")  # fmt: skip
CASES = [*(("console", label) for label in (*SHOWN, "imports.import")), *(("sandbox", label) for label in SHOWN if label != "auth.group")]  # fmt: skip


def row_at(world: World, place: str, label: str) -> Model:
    """Return a row of a model that has a page."""
    rows = world.mine.rows if place == "console" else world.my_sandbox.rows
    using = "default" if place == "console" else "sandbox"
    return rows.get(label) or apps.get_model(label)._base_manager.using(using).order_by("pk")[0]


def test_every_form_is_tried_but_those_of_the_event_store() -> None:
    registered = {(place, model._meta.label_lower) for place, site in SITES.items() for model in site._registry}
    kept = {case for case in registered if not case[1].startswith(("test", "audit.")) and case[1] not in READ_ONLY}
    assert kept == set(CASES)


@pytest.mark.parametrize("who", ["root", "boss"])
@pytest.mark.parametrize(("place", "label"), CASES)
def test_form_changes_no_column_that_it_does_not_offer(world: World, place: str, label: str, who: str) -> None:
    row = row_at(world, place, label)
    if (who, place, label) == ("root", "console", "backoffice.user"):
        row = world.mine.other.user  # whom the superuser makes one too, as the form offers it
    browser = browser_of(world.admin if who == "root" else world.boss)
    page = reverse(f"{place}:{label.replace('.', '_')}_change", args=[row.pk])
    shown = browser.get(page)
    form = offered(shown)
    fields = shown.context["adminform"].form.fields if form else {}
    names = {name for name, field in fields.items() if not field.disabled}
    before = row_of(row)
    answer = browser.post(page, {**greedy(type(row), world), **form, "reason": "Asked to"})
    assert changed(before, row_of(row)) - names == set()
    assert answer.status_code in {200, 302, 403}
    if label in SAVABLE["console"] and place == "console":
        assert answer.status_code == 302  # it was saved, with all that was sent along
    if who == "boss" and label == "backoffice.user":
        assert names & {"is_superuser", "user_permissions", "password", "date_joined"} == set()


SAVABLE = {"console": {"backoffice.entity", "backoffice.user", "ledger.account"}}


def test_only_these_forms_can_be_saved(world: World) -> None:
    """What has a form in the console that saves; whoever adds one looks at what it must not offer."""
    browser, savable = browser_of(world.admin), set()
    for label, row in world.mine.rows.items():
        if row._meta.model in admin.site._registry:
            page = reverse(f"console:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
            if b'name="_save"' in browser.get(page).content:
                savable.add(label)
    assert savable == SAVABLE["console"]


RIGHTS = {"is_superuser", "user_permissions", "is_staff", "groups"}


@pytest.fixture
def administrator(world: World) -> User:
    user, made = User.objects.get_or_create(username="administrator", defaults={"is_staff": True})
    if made:
        user.groups.add(Group.objects.get(name=ADMINISTRATOR))
        grant(user, world.mine.entity)
    return user


@pytest.mark.parametrize("to", ["another", "himself"])
def test_administrator_makes_nobody_more_than_his_form_offers(world: World, administrator: User, to: str) -> None:
    somebody = world.mine.clerk if to == "another" else administrator
    browser = browser_of(administrator)
    page = reverse("console:backoffice_user_change", args=[somebody.pk])
    form = offered(browser.get(page))
    fixed = RIGHTS - form.keys() - {"is_staff", "groups"} if to == "another" else RIGHTS
    before = row_of(somebody)
    held = set(somebody.user_permissions.all()), set(somebody.groups.all())
    everything = {"is_superuser": "on", "user_permissions": [str(p.pk) for p in Permission.objects.all()], "groups": [str(g.pk) for g in Group.objects.all()]}  # fmt: skip
    sent = {**greedy(User, world), **everything, **form, "reason": "Asked to"}
    assert browser.post(page, sent).status_code == 302
    assert changed(before, row_of(somebody)) & {*fixed, "password", "last_login", "date_joined", "is_void"} == set()
    assert set(somebody.user_permissions.all()) == held[0]
    assert to == "another" or set(somebody.groups.all()) == held[1]


def test_new_person_is_nothing_but_a_person(world: World, administrator: User) -> None:
    typed = {
        "username": "newcomer",
        "email": "newcomer@example.com",
        "phone": "+420 777 123 456",
        "is_staff": "",
        "password": "argon2$mine",
        "password1": "mine and long enough",
    }
    sent = {**greedy(User, world), **typed, "password2": "mine and long enough", "reason": "New here"}
    answer = browser_of(administrator).post(reverse("console:backoffice_user_add"), sent)
    assert answer.status_code == 302
    made = User.objects.get(username="newcomer")
    assert made.pk not in {1, 7777777}
    assert not made.has_usable_password()
    assert (made.is_superuser, made.is_staff, made.is_void, made.last_login) == (False, False, False, None)
    assert (made.groups.count(), made.user_permissions.count()) == (0, 0)
    assert made.date_joined > timezone.now() - timedelta(minutes=1)


def test_new_entity_has_no_key_of_its_maker_s_choice(world: World, administrator: User) -> None:
    browser = browser_of(administrator)
    page = reverse("console:backoffice_entity_add")
    form = offered(browser.get(page))
    sent = {**greedy(Entity, world), **form, "code": "fresh", "name": "Fresh", "parent": "", "reason": "Founded"}
    assert browser.post(page, sent).status_code == 302
    made = Entity.objects.get(code="fresh")
    assert (made.pk in {1, 7777777}, made.is_void, made.void_key) == (False, False, None)
    assert made.created > timezone.now() - timedelta(minutes=1)


def confirmed(browser: Client, page: str, **sent: str) -> Any:
    """Fill in a command with more than its form has, preview it, and confirm with as much again."""
    form = hidden(browser.get(page).content.decode())
    first = {**sent, **form}
    preview = browser.post(page, first)
    kept = hidden(preview.content.decode())
    assert "token" in kept, page
    return browser.post(page, {**sent, **kept})


FORMS = {"amount": "1.00", "comment": "Asked", "reference_type": "none", "reference": ""}
VERBS = [(command, model) for commands, model in ((ACCOUNT_COMMANDS, "account"), (ACTION_COMMANDS, "action"), (HOLD_COMMANDS, "hold")) for command in commands]  # fmt: skip
BEFORE = {"unfreeze": "freeze"}  # what has to be so first


@pytest.mark.parametrize(("command", "model"), VERBS, ids=lambda one: getattr(one, "name", one))
def test_command_does_what_its_form_says_and_nothing_that_was_sent_along(
    world: World, command: Any, model: str
) -> None:
    by: dict[str, Any] = {"by": world.mine.clerk, "asof": timezone.now() - timedelta(days=1)}
    number = User.all_objects_including_void().count()
    customer = person(f"of_{command.name}_{number}")
    account, _ = Account.create(user=customer, entity=world.mine.entity, currency="CZK", **by)
    deposit = Account.deposit(uid=account.uid, amount=Decimal(100), **by)[1] if command.name != "close" else None
    if command.name == "unfreeze":
        Account.freeze(uid=account.uid, comment="First", **by)
    row: Any = account
    if model == "action":
        row = deposit
    elif model == "hold":
        from ledger.models import Hold  # noqa: PLC0415  of this case alone

        row, _ = Hold.place(uid=account.uid, amount=Decimal(10), **by)
    last = Action.objects.filter(account=account).latest()
    page = reverse(f"console:ledger_{model}_{command.name}", args=[row.pk])
    extra = {**greedy(Action, world), **greedy(Account, world), **FORMS, "to": str(world.mine.other.pk), "expires": ""}
    answer = confirmed(browser_of(world.mine.insider), page, **extra)
    assert answer.status_code == 302
    done = Action.objects.filter(account=account).latest()
    assert (done.version, done.account_id, done.entity_id) == (last.version + 1, account.pk, world.mine.entity.pk)
    assert (done.by_id, done.comment, done.currency) == (world.mine.insider.pk, "Asked", "CZK")
    assert (done.type, done.approval_id) == (command.posting_type, None)
    assert done.created > timezone.now() - timedelta(minutes=1)
    assert str(done.idempotency_key).startswith("console:")
    moved = {"deposit": 1, "withdraw": -1, "transfer": -1, "refund": -1, "capture": -1, "reverse": -100}
    assert done.delta == moved.get(command.name, 0)
    stands = row_of(account)
    status = {"freeze": "frozen", "close": "closed"}.get(command.name, "open")
    assert (stands["user_id"], stands["status"], stands["version"]) == (customer.pk, status, done.version)
    assert stands["balance"] == last.balance + done.delta
    assert stands["note"] == ""


def test_proposal_files_what_its_form_says(world: World) -> None:
    page = reverse("console:ledger_limit_propose_new")
    sent = {"kind": "max_withdrawal", "currency": "CZK", "entity": str(world.mine.entity.pk), "account": "", "amount": "77.00", "reason": "Asked", "valid_from": "", "valid_until": ""}  # fmt: skip
    before = Limit.objects.count()
    answer = confirmed(browser_of(world.mine.insider), page, **{**greedy(Approval, world), **sent})
    assert answer.status_code == 302
    filed = Approval.objects.latest("pk")
    assert (filed.state, filed.maker_id, filed.checker_id, filed.decided) == (
        "pending",
        world.mine.insider.pk,
        None,
        None,
    )
    assert (filed.kind, filed.entity_id, filed.reason, filed.comment) == ("limit", world.mine.entity.pk, "Asked", "")
    assert timedelta(days=2) < filed.expires - timezone.now() < timedelta(days=4)
    assert Limit.objects.count() == before


def test_decision_is_the_decider_s_whatever_is_sent_along(world: World) -> None:
    asked = Approval.request(
        verb="deposit", uid=world.mine.other.uid, amount=Decimal(9_000), comment="Asked", by=world.mine.clerk, asof=timezone.now()
    )  # fmt: skip
    browser = browser_of(world.mine.insider)
    shown = hidden(browser.get(reverse("console:ledger_approval_change", args=[asked.pk])).content.decode())
    before = row_of(asked)
    sent = {**greedy(Approval, world), **shown, "comment": "No"}
    browser.post(reverse("console:ledger_approval_reject", args=[asked.pk]), sent)
    after = row_of(asked)
    assert changed(before, after) == {"state", "checker_id", "decided", "comment"}
    assert (after["state"], after["checker_id"], after["comment"]) == ("rejected", world.mine.insider.pk, "No")


def test_upload_is_the_uploader_s_whatever_is_sent_along(world: World) -> None:
    from imports.models import Import  # noqa: PLC0415  as above
    from tests.imports.files import csv_of, upload  # noqa: PLC0415  as above

    row = (str(world.mine.account.uid), "deposit", "1.00", "", "", "", "", f"mass-{timezone.now()}")
    sent = {**greedy(Import, world), "file": upload(csv_of(row), "mass.csv"), "how": "valid", "reason": "Asked"}
    browser_of(world.mine.insider).post(reverse("console:imports_import_add"), sent)
    made = Import.objects.latest("pk")
    assert (made.file_name, made.by_id, made.state, made.posted, made.finished) == ("mass.csv", world.mine.insider.pk, "previewed", 0, None)  # fmt: skip
    assert re.fullmatch("[0-9a-f]{64}", made.sha256)
