"""Grants on entities decide what is seen: the branch below a grant, in one query, on every page; nothing else is there."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.grants import entities_of, grant, request_entities, revoke
from backoffice.models import Entity, GroupGrant, User
from backoffice.roles import ADMINISTRATOR, LEAD
from ledger.models import Account, Cap
from tests.cast import LONG_AGO

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(nord: Entity) -> dict[str, Entity]:
    """nord > praha > brno, and sud beside them."""
    praha = Entity.objects.create(code="praha", name="Praha", parent=nord)
    brno = Entity.objects.create(code="brno", name="Brno", parent=praha)
    sud = Entity.objects.create(code="sud", name="Sudbank")
    return {"nord": nord, "praha": praha, "brno": brno, "sud": sud}


@pytest.fixture
def lead() -> User:
    """A support lead without a grant."""
    user = User.objects.create_user("lead", is_staff=True)
    user.groups.add(Group.objects.get(name=LEAD))
    return user


@pytest.fixture
def accounts(tree: dict[str, Entity], admin: User) -> dict[str, Account]:
    """An account on each entity."""
    made = {}
    for code, entity in tree.items():
        customer = User.objects.create(username=f"of_{code}", last_name=code, email=f"{code}@example.com")
        made[code], _ = Account.create(user=customer, entity=entity, currency="CZK", by=admin, asof=LONG_AGO)
    return made


def codes(user: User) -> set[str]:
    return set(Entity.objects.filter(pk__in=entities_of(user)).values_list("code", flat=True))


def test_grant_covers_its_branch_and_nothing_beside_or_above(tree: dict[str, Entity], lead: User) -> None:
    assert codes(lead) == set()
    grant(lead, tree["praha"])
    grant(lead, tree["praha"])
    assert codes(lead) == {"praha", "brno"}
    revoke(lead, tree["praha"])
    assert codes(lead) == set()


def test_grants_of_groups_and_of_the_person_add_up(tree: dict[str, Entity], lead: User, agent: User) -> None:
    grant(lead, tree["sud"])
    grant(Group.objects.get(name=LEAD), tree["brno"])
    assert codes(lead) == {"sud", "brno"}
    assert codes(agent) == {"nord", "praha", "brno"}


def test_another_permission_on_the_entity_is_no_grant(tree: dict[str, Entity], lead: User) -> None:
    grant(lead, tree["sud"])
    rows = lead.grants.all()
    rows.update(permission=Group.objects.get(name=ADMINISTRATOR).permissions.get(codename="change_entity"))
    assert codes(lead) == set()


def test_entities_are_resolved_once_a_request(tree: dict[str, Entity], lead: User) -> None:
    grant(lead, tree["praha"])
    request = HttpRequest()
    request.user = lead
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert request_entities(request) == request_entities(request) == [tree["praha"].pk, tree["brno"].pk]
    assert len(queries) == 1


def test_superuser_sees_all_without_a_query(admin: User) -> None:
    request = HttpRequest()
    request.user = admin
    with CaptureQueriesContext(connection) as queries:
        assert request_entities(request) is None
    assert len(queries) == 0


def shown(client: Client, name: str) -> set[object]:
    """Return the keys in a list."""
    response = client.get(reverse(f"console:{name}_changelist"))
    return {row.pk for row in response.context["cl"].result_list}


def test_lists_show_what_the_grants_cover(
    client: Client, tree: dict[str, Entity], accounts: dict[str, Account], lead: User
) -> None:
    client.force_login(lead)
    assert shown(client, "ledger_account") == shown(client, "ledger_action") == set()
    grant(lead, tree["praha"])
    seen = [accounts["praha"], accounts["brno"]]
    assert shown(client, "ledger_account") == {account.pk for account in seen}
    assert shown(client, "ledger_action") == {account.actions.get().pk for account in seen}
    assert shown(client, "backoffice_user") == {account.user_id for account in seen}
    assert shown(client, "backoffice_entity") == {tree["praha"].pk, tree["brno"].pk}


def test_pages_and_commands_of_what_is_not_seen_are_not_there(
    client: Client, tree: dict[str, Entity], accounts: dict[str, Account], lead: User
) -> None:
    client.force_login(lead)
    grant(lead, tree["praha"])
    mine, hidden = accounts["praha"], accounts["sud"]
    for name in ("change", "history"):
        assert client.get(reverse(f"console:ledger_account_{name}", args=[mine.pk])).status_code == 200
        assert client.get(reverse(f"console:ledger_account_{name}", args=[hidden.pk])).status_code == 302
    for verb in ("deposit", "withdraw", "freeze", "unfreeze", "close"):
        page = reverse(f"console:ledger_account_{verb}", args=[hidden.pk])
        assert client.get(page).status_code == client.post(page, {"amount": "1"}).status_code == 404
        selected = reverse(f"console:ledger_account_{verb}_selected")
        assert client.get(selected, {"ids": f"{mine.pk},{hidden.pk}"}).status_code == 404
    hidden.refresh_from_db()
    assert hidden.version == 1


def test_search_and_download_hold_only_what_is_seen(
    client: Client, tree: dict[str, Entity], accounts: dict[str, Account], lead: User
) -> None:
    client.force_login(lead)
    grant(lead, tree["praha"])
    hidden = accounts["sud"]
    page = reverse("console:ledger_account_changelist")
    for typed in ("sud", "sud@example.com", str(hidden.uid), hidden.actions.get().reference):
        assert list(client.get(page, {"q": typed}).context["cl"].result_list) == []
    file = client.get(reverse("console:ledger_account_export_csv"))
    assert str(hidden.uid) not in b"".join(file).decode()


def test_form_points_only_at_what_is_seen(
    client: Client, tree: dict[str, Entity], accounts: dict[str, Account], lead: User
) -> None:
    client.force_login(lead)
    grant(lead, tree["praha"])
    page = reverse("console:ledger_limit_propose_new")
    entered = {"kind": "max_deposit", "currency": "CZK", "amount": "5", "reason": "Why", "key": str(uuid4())}
    form = client.post(page, {**entered, "entity": tree["sud"].pk}).context["form"]
    assert "not one of the available choices" in str(form.errors["entity"])
    for other in (
        accounts["sud"].pk,
        accounts["sud"].uid,
        "x",
        "9" * 30,
    ):  # out of reach, and what is no choice at all
        form = client.post(page, {**entered, "account": str(other)}).context["form"]
        assert form.errors["account"] == ["Choose an account from the list that the search shows."]
    everybody = client.post(page, entered).context["form"]
    assert "Choose an entity or an account" in str(everybody.non_field_errors())
    found = client.get(
        reverse("console:autocomplete"),
        {"app_label": "ledger", "model_name": "limit", "field_name": "entity", "term": ""},
    ).json()["results"]
    assert {row["text"] for row in found} == {"Praha", "Brno"}


@pytest.mark.django_db(databases=["default", "audit"])
def test_what_is_left_under_a_cap_is_told_to_who_works_on_every_entity(
    client: Client, tree: dict[str, Entity], lead: User
) -> None:
    """It tells what all balances come to."""
    cap = Cap.set(currency="CZK", ceiling=Decimal(777777))
    pages = [reverse("console:ledger_cap_changelist"), reverse("console:ledger_cap_change", args=["CZK"])]
    pages += [reverse("console:index"), reverse("console:ledger_cap_export_csv")]
    client.force_login(lead)
    for entity, told in ((tree["nord"], False), (tree["sud"], True)):
        grant(lead, entity)
        shown = [b"".join(page) if page.streaming else page.content for page in map(client.get, pages)]
        text = [page.decode().replace("\N{NO-BREAK SPACE}", " ") for page in shown]
        assert ("CZK 777,777.00" in text[0], "Told to who works on every entity" in text[0]) == (True, not told)
        assert [page.count("777,777") + page.count("777777") for page in text] == (
            [2, 2, 2, 2] if told else [1, 1, 0, 1]
        )
    assert cap.ceiling == Decimal(777777)


def test_form_of_an_entity_gives_and_takes_no_grant(client: Client, tree: dict[str, Entity], admin: User) -> None:
    """What an entity's page shows of grants is to be read, whatever is sent and whoever sends it."""
    client.force_login(admin)
    page = reverse("console:backoffice_entity_change", args=[tree["praha"].pk])
    group = Group.objects.get(name=LEAD)
    grant(group, tree["praha"])
    given = GroupGrant.objects.get()
    form = {
        "code": "praha", "name": "Praga", "parent": tree["nord"].pk, "reason": "New lead",
        "group_grants-TOTAL_FORMS": 2, "group_grants-INITIAL_FORMS": 1, "group_grants-0-id": given.pk,
        "group_grants-0-DELETE": "on", "group_grants-1-group": Group.objects.get(name=ADMINISTRATOR).pk,
        "group_grants-1-content_object": tree["praha"].pk,
        "person_grants-TOTAL_FORMS": 0, "person_grants-INITIAL_FORMS": 0,
    }  # fmt: skip
    assert client.post(page, form).status_code == 302
    assert Entity.objects.get(code="praha").name == "Praga"
    assert list(GroupGrant.objects.all()) == [given]


def test_agent_sees_no_grants_on_the_entity_s_page(client: Client, tree: dict[str, Entity], lead: User) -> None:
    client.force_login(lead)
    grant(lead, tree["praha"])
    html = client.get(reverse("console:backoffice_entity_change", args=[tree["praha"].pk])).content.decode()
    assert "group_grants" not in html


def test_every_list_declares_how_its_rows_are_narrowed() -> None:
    narrowed = {
        model._meta.label: page.entity_path  # type: ignore[attr-defined]  # ConsoleAdmin's
        for model, page in django_admin.site._registry.items()
        if not model._meta.app_label.startswith("test")
    }
    assert {label for label, path in narrowed.items() if path is None} <= {
        "auth.Group",
        "ledger.Cap",
        "audit.Alert",
        "audit.DeadLetter",
        "audit.Seal",
        "audit.Verification",
        "bulk.Run",
        "imports.Import",
        "login.Lockout",
    }
