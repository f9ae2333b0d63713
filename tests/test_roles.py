"""The roles are what the code says, and nobody makes himself more than he is."""

from collections.abc import Callable

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.grants import WORK, entities_of, grant
from backoffice.models import Entity, User
from backoffice.roles import ADMINISTRATOR, AGENT, LEAD, ROLES, keep_roles
from ledger.demo.staff import LOGINS
from ledger.models import Account
from tests.scope import call_command

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])


def url(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"console:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def login(nord: Entity) -> Callable[[str], Client]:
    """Return a browser in which somebody of that role is logged in, who works on nord."""

    def _login(role: str) -> Client:
        user = User.objects.create_user(role.replace(" ", "_"), is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        grant(user, nord)
        browser = Client()
        browser.force_login(user)
        return browser

    return _login


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


def test_no_form_puts_anybody_into_a_group_and_staff_are_made_of_others(boss: Client, agent: User, admin: User) -> None:
    role, himself = Group.objects.get(name=AGENT), User.objects.get(username=ADMINISTRATOR)
    changed = send(boss, agent, groups=[role.pk], is_staff="")
    assert (changed.first_name, changed.is_staff, changed.groups.count()) == ("Changed", False, 0)
    changed = send(boss, himself, groups=[role.pk], is_staff="")
    assert (changed.first_name, changed.is_staff) == ("Changed", True)
    assert [group.name for group in changed.groups.all()] == [ADMINISTRATOR]
    boss.force_login(admin)
    changed = send(boss, agent, groups=[role.pk])
    assert (changed.first_name, changed.groups.count()) == ("Changed", 0)


def test_nobody_but_a_superuser_makes_superusers_or_gives_permissions(boss: Client, agent: User) -> None:
    everything = [permission.pk for permission in Permission.objects.all()]
    for user in (agent, User.objects.get(username=ADMINISTRATOR)):
        changed = send(boss, user, is_superuser="on", user_permissions=everything)
        assert (changed.first_name, changed.is_superuser, changed.user_permissions.count()) == ("Changed", False, 0)


def test_form_gives_no_permission_that_moves_money_to_who_changes_people(client: Client, admin: User) -> None:
    boss = User.objects.create_user("boss", email="boss@example.com", is_staff=True)
    boss.groups.add(Group.objects.get(name=ADMINISTRATOR))
    deposit, other = (Permission.objects.get(codename=name).pk for name in ("deposit", "view_personal"))
    client.force_login(admin)
    form = {"username": "boss", "email": boss.email, "is_staff": "on", "is_active": "on", "reason": "Asked to"}
    answer = client.post(url(User, "change", boss.pk), {**form, "user_permissions": [deposit]})
    assert "Money is moved by permissions of their own, people and rights are changed by Administrator" in str(
        answer.context["adminform"].form.errors["user_permissions"]
    )
    assert send(client, boss, **form, user_permissions=[other]).user_permissions.count() == 1
    boss.user_permissions.add(deposit)  # from before
    assert send(client, boss, **form, user_permissions=[deposit]).first_name == "Changed"


def test_who_is_to_be_a_superuser_no_more_is_not_left_with_two_duties(client: Client, admin: User) -> None:
    other = User.objects.create_superuser("other", email="other@example.com")
    other.groups.set(Group.objects.filter(name__in=[AGENT, ADMINISTRATOR]))
    client.force_login(admin)
    assert send(client, other, email=other.email, is_staff="on").is_superuser
    other.groups.remove(Group.objects.get(name=AGENT))
    assert not send(client, other, email=other.email, is_staff="on").is_superuser


def test_group_gives_nobody_two_duties(client: Client, admin: User, agent: User) -> None:
    deposit, change = (Permission.objects.get(codename=name) for name in ("deposit", "change_user"))
    group = Group.objects.create(name="Night shift")
    client.force_login(admin)

    def give(*permissions: Permission) -> str:
        form = {"name": "Night shift", "permissions": [one.pk for one in permissions], "reason": "Asked to"}
        answer = client.post(url(Group, "change", group.pk), form)
        return "" if answer.status_code == 302 else str(answer.context["adminform"].form.errors["permissions"])

    assert "By Night shift money is moved, and people or rights are changed" in give(deposit, change)
    assert give(deposit) == ""
    agent.groups.add(group, Group.objects.get(name=AGENT))
    admin.groups.add(group, Group.objects.get(name=ADMINISTRATOR))  # stands outside
    told = "Money is moved by Support agent, people and rights are changed by Night shift"
    assert told in give(change)
    assert give(deposit) == ""
    agent.groups.remove(Group.objects.get(name=AGENT))
    assert give(change) == ""
    group.permissions.add(deposit)  # from before
    assert give(deposit, change) == ""
    added = client.post(url(Group, "add"), {"name": "New", "permissions": [deposit.pk, change.pk], "reason": "New"})
    assert "By this group money is moved" in str(added.context["adminform"].form.errors["permissions"])


def test_who_may_only_change_people_gives_no_roles(client: Client, agent: User, nord: Entity) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user", "view_staff"]))
    client.force_login(clerk)
    changed = send(client, agent, groups=[Group.objects.get(name=AGENT).pk], is_staff="")
    assert (changed.first_name, changed.is_staff, changed.groups.count()) == ("Changed", True, 0)


def test_superuser_s_row_is_out_of_an_administrator_s_reach(boss: Client, admin: User) -> None:
    assert boss.post(url(User, "change", admin.pk), {"username": "mine"}).status_code == 403
    password = reverse("console:backoffice_user_invite", args=[admin.pk])
    assert boss.get(password).status_code == boss.post(password, {}).status_code == 403


def test_password_is_not_shown_to_who_only_looks(login: Callable[[str], Client], account: Account) -> None:
    page = login(AGENT).get(url(User, "change", account.user_id)).content.decode()
    assert "password" not in page.partition("<form")[2]


@pytest.mark.parametrize(("role", "customer_s"), [(AGENT, False), (ADMINISTRATOR, True)])
def test_what_staff_may_do_is_told_of_customers_to_who_manages_people_alone(
    login: Callable[[str], Client], account: Account, agent: User, role: str, customer_s: bool
) -> None:
    browser = login(role)
    customer = browser.get(url(User, "change", account.user_id)).content.decode()
    assert (">Superuser" in customer, "Designates" in customer) == (customer_s, False)
    if role == ADMINISTRATOR:
        colleague = browser.get(url(User, "change", agent.pk)).content.decode()
        assert "Members of staff can log in to the console." in colleague
        assert "Designates" not in colleague


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


def test_permissions_are_asked_for_once_and_anew_of_the_next_instance(agent: User) -> None:
    agent.groups.add(Group.objects.get(name=AGENT))
    clerk = User.objects.get(pk=agent.pk)
    with CaptureQueriesContext(connection) as asked:
        held = [clerk.has_perm(name) for name in ("ledger.deposit", "ledger.view_account", "ledger.nothing")]
    assert (held, len(asked)) == ([True, True, False], 1)
    assert (clerk.has_perm(WORK, Entity.objects.get()), clerk.has_perm(WORK)) == (True, False)
    clerk.groups.clear()
    assert not User.objects.get(pk=clerk.pk).has_perm("ledger.deposit")
    clerk.is_active = False
    assert not clerk.has_perm("ledger.deposit")


def test_what_a_person_may_do_is_what_django_says(agent: User) -> None:
    """Ours is one statement: by groups and in person, each once."""
    agent.groups.add(Group.objects.get(name=AGENT), Group.objects.get(name=LEAD))
    agent.user_permissions.add(
        Permission.objects.get(codename="decide_grant"), *Permission.objects.filter(codename="deposit")
    )
    theirs = ModelBackend().get_all_permissions(User.objects.get(pk=agent.pk))
    person = User.objects.get(pk=agent.pk)
    with CaptureQueriesContext(connection) as queries:
        assert person.get_all_permissions() == theirs
        assert all(map(person.has_perm, theirs))
        assert {name for name in ("ledger", "auth", "sandbox") if person.has_module_perms(name)} == {"ledger"}
    assert len(queries) == 1
    person = User.objects.get(pk=agent.pk)
    person.is_active = False
    assert (person.get_all_permissions(), person.has_module_perms("ledger")) == (set(), False)


def test_pages_are_drawn_for_rights_and_for_nobody_who_has_others(agent: User) -> None:
    def rights() -> str:
        return User.objects.get(pk=agent.pk).rights

    agent.groups.add(Group.objects.get(name=AGENT))
    colleague = User.objects.create_user("colleague", is_staff=agent.is_staff)
    found = [rights(), colleague.rights]
    colleague.groups.add(Group.objects.get(name=AGENT))
    assert User.objects.get(pk=colleague.pk).rights == found[0]
    agent.user_permissions.add(Permission.objects.get(codename="decide_grant"))
    found.append(rights())
    for name in ("is_superuser", "is_staff", "is_active"):
        User.objects.filter(pk=agent.pk).update(**{name: not getattr(agent, name)})
        found.append(rights())
    assert len(set(found)) == len(found)


def test_sidebar_and_buttons_follow_a_right_that_is_given_and_taken(login: Callable[[str], Client]) -> None:
    """They are kept in the process, for whoever may do the same."""
    agent, page = login(AGENT), url(Account, "changelist")
    people, add = f'href="{url(User, "changelist")}"', f'href="{url(User, "add")}"'

    def shown(at: str) -> tuple[bool, bool]:
        html = agent.get(at).content.decode()
        return people in html, add in html

    assert [shown(page), shown(page)] == [(True, False)] * 2
    given = Permission.objects.get(codename="add_user")
    person = User.objects.get(username="Support_agent")
    person.user_permissions.add(given)
    assert shown(url(User, "changelist")) == (True, True)
    person.user_permissions.remove(given)
    assert shown(url(User, "changelist")) == (True, False)
    person.groups.clear()
    person.user_permissions.add(Permission.objects.get(codename="view_account"))
    assert shown(page) == (False, False)
