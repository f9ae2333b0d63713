"""Who may what: every cell of the table in docs/roles.md, asked of the running site; and nobody makes himself more."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache

import pytest
from django.conf import settings
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from backoffice.grants import entities_of, grant
from backoffice.models import Entity, User
from backoffice.roles import ADMINISTRATOR, AGENT, LEAD, ROLES, keep_roles
from imports.models import Import
from ledger.admin.commands import ACCOUNT_COMMANDS, ACTION_COMMANDS, HOLD_COMMANDS
from ledger.demo.staff import LOGINS
from ledger.models import Account, Action, Approval, Cap, Hold, Limit
from tests.audit.store import stored, stored_alert, stored_dead_letter, stored_seal, stored_verification
from tests.cast import LONG_AGO, OpenAccount
from tests.scope import call_command

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
MODELS = {
    str(model._meta.verbose_name_plural): model
    for model in django_admin.site._registry
    if not model._meta.app_label.startswith("test")
}
COMMANDS = {
    command.verb: (command, model)
    for commands, model in ((ACCOUNT_COMMANDS, Account), (ACTION_COMMANDS, Action), (HOLD_COMMANDS, Hold))
    for command in commands
}
Row = tuple[str, dict[str, bool]]


@cache
def table() -> tuple[Row, ...]:
    """Return the rows of the documented table: what, and for each role whether it may."""
    lines = (settings.BASE_DIR / "docs/roles.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    roles = cells[0][1:]
    assert {mark for row in cells[2:] for mark in row[1:]} == {"yes", "\N{EN DASH}"}
    return tuple((row[0], dict(zip(roles, (mark == "yes" for mark in row[1:]), strict=True))) for row in cells[2:])


def url(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"console:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def one(open_account: OpenAccount, nord: Entity, agent: User) -> dict[str, models.Model]:
    """A row of every list, for its page."""
    account = open_account("5")
    deposited = account.actions.latest()
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=account.modified)
    rows = [
        account, account.user, deposited, hold, nord, Cap.objects.get(currency="CZK"),
        Limit.objects.create(kind="max_balance", currency="CZK", amount=9, account=account),
        Group.objects.create(name="Somebody's own"),
        Approval.request_limit(
            kind="max_deposit", currency="CZK", amount=Decimal(9), account=account, by=agent, asof=timezone.now(), reason="x"
        ),
        Import.objects.create(file_name="a.csv", format="csv", size=1, by=agent),
        stored(
            type="change.created", created=LONG_AGO, username="agent", object_type="backoffice.user",
            object_id="1", data={"new": {"first_name": "Jolana"}},
        ),
        stored_seal(1), stored_verification(1),
        stored_alert("1", rule="many_views", text="Looked a lot"), stored_dead_letter(),
    ]  # fmt: skip
    return {str(row._meta.verbose_name_plural): row for row in rows}


@pytest.fixture
def login(one: dict[str, models.Model], nord: Entity) -> Callable[[str], Client]:
    """Return a browser in which somebody of that role is logged in, who works on nord."""

    def _login(role: str) -> Client:
        user = User.objects.create_user(role.replace(" ", "_"), is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        grant(user, nord)
        browser = Client()
        browser.force_login(user)
        return browser

    return _login


def answered(browser: Client, page: str) -> bool:
    """Whether a page is shown; a refusal is a 403 and nothing else."""
    response = browser.get(page)
    if isinstance(response, StreamingHttpResponse):
        b"".join(response)  # to its end, so that the file behind it is closed
    assert response.status_code in {200, 403}, f"{page}: {response.status_code}"
    return response.status_code == 200


def same(*answers: bool) -> bool:
    """Return what all ways to a thing agree on: the page, the link to it, what is sent to it."""
    assert len(set(answers)) == 1, answers
    return answers[0]


def html(browser: Client, page: str) -> str:
    return browser.get(page).content.decode()


def may(what: str, browser: Client, one: dict[str, models.Model]) -> bool:
    """Try one row of the table on the site."""
    verb, _, subject = what.partition(": ")
    if verb in {"List", "Page", "Add", "Change", "Delete", "Download"}:
        model = MODELS[subject]
        return {
            "List": listed,
            "Page": shown,
            "Add": added,
            "Change": changed,
            "Delete": deleted,
            "Download": downloaded,
        }[verb](browser, model, one[subject])
    if verb == "Command":
        return commanded(browser, subject, one)
    return OTHERS[what](browser, one)


def listed(browser: Client, model: type[models.Model], row: models.Model) -> bool:
    page = url(model, "changelist")
    return same(answered(browser, page), f'href="{page}"' in html(browser, reverse("console:index")))


def shown(browser: Client, model: type[models.Model], row: models.Model) -> bool:
    return answered(browser, url(model, "change", row.pk))


def downloaded(browser: Client, model: type[models.Model], row: models.Model) -> bool:
    return same(*(answered(browser, url(model, f"export_{kind}")) for kind in ("csv", "xlsx")))


def added(browser: Client, model: type[models.Model], row: models.Model) -> bool:
    page = url(model, "add")
    linked = f'href="{page}"' in html(browser, url(model, "changelist"))
    return same(answered(browser, page), linked)


def changed(browser: Client, model: type[models.Model], row: models.Model) -> bool:
    page = url(model, "change", row.pk)
    sent = browser.post(page, {})
    assert sent.status_code in {200, 302, 403}
    return same('name="_save"' in html(browser, page), sent.status_code != 403)


def deleted(browser: Client, model: type[models.Model], row: models.Model) -> bool:
    page = url(model, "delete", row.pk)
    assert browser.post(page, {"post": "yes"}).status_code in {302, 403, 404}
    linked = page in html(browser, url(model, "change", row.pk))
    choices = browser.get(url(model, "changelist"))
    form = choices.context.get("action_form") if choices.status_code == 200 else None
    bulk = form is not None and "delete_selected" in dict(form.fields["action"].choices)
    return same(answered(browser, page) if browser.get(page).status_code != 404 else False, linked, bulk)


def commanded(browser: Client, verb: str, one: dict[str, models.Model]) -> bool:
    command, model = COMMANDS[verb]
    row = one[str(model._meta.verbose_name_plural)]
    page = url(model, command.name, row.pk)
    answers = [answered(browser, page), browser.post(page, {}).status_code == 200]
    if command.bulk:
        answers.append(answered(browser, f"{url(model, f'{command.name}_selected')}?ids={row.pk}"))
        seen = browser.get(url(model, "changelist"))
        form = seen.context.get("action_form") if seen.status_code == 200 else None
        answers.append(form is not None and command.name in dict(form.fields["action"].choices))
    if command.name != "unfreeze":  # an open account has no such button for anybody
        answers.append(f'href="{page}"' in html(browser, url(model, "change", row.pk)))
    return same(*answers)


def sees_field(name: str, subject: str) -> Callable[[Client, dict[str, models.Model]], bool]:
    """Return a check that a form has a field of this name."""

    def check(browser: Client, one: dict[str, models.Model]) -> bool:
        return f'name="{name}"' in html(browser, url(MODELS[subject], "change", one[subject].pk))

    return check


def sets_password(browser: Client, one: dict[str, models.Model]) -> bool:
    return answered(browser, reverse("console:auth_user_password_change", args=[one["users"].pk]))


def sees_staff(browser: Client, one: dict[str, models.Model]) -> bool:
    colleague = User.objects.create_user("colleague", is_staff=True)
    return browser.get(url(User, "change", colleague.pk)).status_code == 200


def uses_sandbox(browser: Client, one: dict[str, models.Model]) -> bool:
    page = reverse("sandbox:index")
    status = browser.get(page).status_code
    assert status in {200, 403, 503}  # 503: it is empty
    return same(status != 403, f'href="{page}"' in html(browser, reverse("console:index")))


def sees_personal_values(browser: Client, one: dict[str, models.Model]) -> bool:
    return "Jolana" in html(browser, url(Event, "change", one["events"].pk))


def has_command(subject: str, name: str) -> Callable[[Client, dict[str, models.Model]], bool]:
    """Return a check of a reviewer's command: its page, what is sent to it, and the link."""

    def check(browser: Client, one: dict[str, models.Model]) -> bool:
        model, row = MODELS[subject], one[subject]
        page = url(model, name, row.pk)
        linked = f'href="{page}"' in html(browser, url(model, "change", row.pk))
        return same(answered(browser, page), browser.post(page, {}).status_code == 200, linked)

    return check


def decides(browser: Client, one: dict[str, models.Model]) -> bool:
    pk = one["approvals"].pk
    offered = "Approve: " in html(browser, url(Approval, "change", pk))
    tried = [browser.post(url(Approval, name, pk), {}).status_code for name in ("approve", "reject")]
    assert set(tried) in ({200}, {403})  # nothing was decided: no token, no reason
    return same(offered, tried[0] == 200)


def proposes_limits(browser: Client, one: dict[str, models.Model]) -> bool:
    new = url(Limit, "propose_new")
    own = [url(Limit, name, one["limits"].pk) for name in ("propose", "end")]
    page = html(browser, url(Limit, "change", one["limits"].pk))
    linked = [f'href="{new}"' in html(browser, url(Limit, "changelist")), *(f'href="{link}"' in page for link in own)]
    return same(*linked, *(answered(browser, link) for link in (new, *own)), browser.post(new, {}).status_code == 200)


def proposes_caps(browser: Client, one: dict[str, models.Model]) -> bool:
    link = url(Cap, "propose", one["caps"].pk)
    linked = f'href="{link}"' in html(browser, url(Cap, "change", one["caps"].pk))
    return same(linked, answered(browser, link), browser.post(link, {}).status_code == 200)


OTHERS: dict[str, Callable[[Client, dict[str, models.Model]], bool]] = {
    "Approve and reject what others ask for": decides,
    "Propose limits, their changes and ends": proposes_limits,
    "Propose another cap": proposes_caps,
    "Recheck an account when its note is saved": sees_field("recheck", "accounts"),
    "Write to the customer when an account's note is saved": sees_field("notify", "accounts"),
    "See staff and people without an account": sees_staff,
    "Set another person's password": sets_password,
    "Put other people into groups": sees_field("groups", "users"),
    "Make superusers": sees_field("is_superuser", "users"),
    "Give single permissions": sees_field("user_permissions", "users"),
    "Give and take grants on entities": sees_field("group_grants-__prefix__-group", "entities"),
    "Use the sandbox, and do everything in it": uses_sandbox,
    "See personal values in the record": sees_personal_values,
    "Acknowledge an alert": has_command("alerts", "acknowledge"),
    "Have a delivery tried again": has_command("dead letters", "retry"),
}


def whats() -> Iterator[str]:
    """Return every row that the table has to have."""
    for subject in MODELS:
        yield from (f"{verb}: {subject}" for verb in ("List", "Page", "Download", "Add", "Change", "Delete"))
    yield from (f"Command: {verb}" for verb in COMMANDS)
    yield from OTHERS


def test_table_has_every_list_page_command_and_role() -> None:
    assert sorted(what for what, _ in table()) == sorted(whats())
    assert {role for _, cells in table() for role in cells} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_site_does_what_the_table_says(login: Callable[[str], Client], one: dict[str, models.Model], role: str) -> None:
    browser = login(role)
    wrong = {}
    for what, cells in table():
        try:
            found: object = may(what, browser, one)
        except AssertionError as error:
            found = str(error)
        if found is not cells[role]:
            wrong[what] = found
    assert wrong == {}


def test_groups_have_exactly_what_the_table_in_the_code_says() -> None:
    for name, codenames in ROLES.items():
        held = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
        assert {".".join(pair) for pair in held} == set(codenames)


def test_migrate_again_restores_a_role_and_leaves_other_groups_alone() -> None:
    everything = Permission.objects.all()
    for name in (AGENT, "Somebody's own"):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(everything)
    Group.objects.get(name=LEAD).delete()
    keep_roles()
    assert Group.objects.get(name=AGENT).permissions.count() == len(set(ROLES[AGENT]))
    assert Group.objects.get(name=LEAD).permissions.count() == len(set(ROLES[LEAD]))
    assert Group.objects.get(name="Somebody's own").permissions.count() == everything.count()


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_groups_are_in_every_database_that_has_logins(alias: str) -> None:
    assert set(Group.objects.using(alias).values_list("name", flat=True)) >= set(ROLES)


@pytest.fixture
def boss(login: Callable[[str], Client]) -> Client:
    return login(ADMINISTRATOR)


def send(browser: Client, user: User, **fields: object) -> User:
    """Send the form of a person with more in it than it shows; return the person as saved."""
    form = {"username": user.username, "first_name": "Changed", "is_active": "on", "reason": "Asked to", **fields}
    browser.post(url(User, "change", user.pk), form)
    return User.objects.get(pk=user.pk)


def test_administrator_puts_others_into_groups_and_never_himself(boss: Client, agent: User) -> None:
    role = Group.objects.get(name=AGENT)
    changed = send(boss, agent, groups=[role.pk])
    assert (changed.first_name, list(changed.groups.all())) == ("Changed", [role])
    himself = User.objects.get(username=ADMINISTRATOR)
    changed = send(boss, himself, groups=[role.pk], is_staff="on")
    assert (changed.first_name, [group.name for group in changed.groups.all()]) == ("Changed", [ADMINISTRATOR])


def test_nobody_but_a_superuser_makes_superusers_or_gives_permissions(boss: Client, agent: User) -> None:
    everything = [permission.pk for permission in Permission.objects.all()]
    for user in (agent, User.objects.get(username=ADMINISTRATOR)):
        changed = send(boss, user, is_superuser="on", user_permissions=everything)
        assert (changed.first_name, changed.is_superuser, changed.user_permissions.count()) == ("Changed", False, 0)


def test_who_may_only_change_people_gives_no_roles(client: Client, agent: User, nord: Entity) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user", "view_staff"]))
    client.force_login(clerk)
    changed = send(client, agent, groups=[Group.objects.get(name=AGENT).pk], is_staff="")
    assert (changed.first_name, changed.is_staff, changed.groups.count()) == ("Changed", True, 0)


def test_superuser_s_row_is_out_of_an_administrator_s_reach(boss: Client, admin: User) -> None:
    assert boss.post(url(User, "change", admin.pk), {"username": "mine"}).status_code == 403
    password = reverse("console:auth_user_password_change", args=[admin.pk])
    assert boss.get(password).status_code == boss.post(password, {}).status_code == 403


def test_password_is_not_shown_to_who_only_looks(login: Callable[[str], Client], one: dict[str, models.Model]) -> None:
    assert "password" not in html(login(AGENT), url(User, "change", one["users"].pk)).partition("<form")[2]


def test_roles_are_read_only_even_for_superusers(client: Client, admin: User) -> None:
    client.force_login(admin)
    role, own = Group.objects.get(name=AGENT), Group.objects.create(name="Somebody's own")
    assert client.post(url(Group, "change", role.pk), {"name": "Mine", "reason": "r"}).status_code == 403
    assert client.post(url(Group, "change", own.pk), {"name": "Ours", "reason": "r"}).status_code == 302


def test_demo_logins_are_in_the_roles_and_work_on_the_whole_group() -> None:
    call_command("demo_data", customers=1, actions=1, seed=3, verbosity=0)
    assert {login.group for login in LOGINS} == set(ROLES)
    for login in LOGINS:
        user = User.objects.get(username=login.username)
        assert [group.name for group in user.groups.all()] == [login.group]
        assert entities_of(user) == list(Entity.objects.order_by("pk").values_list("pk", flat=True))
