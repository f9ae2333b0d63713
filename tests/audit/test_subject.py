"""Which entity a page was about, and what is kept of objects that were asked for and not shown."""

from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from audit.models import Outbox
from backoffice.grants import grant
from backoffice.models import Entity, User
from ledger.models import Account, Action
from tests.audit.store import stored
from tests.cast import LONG_AGO

pytestmark = pytest.mark.django_db(databases=["default", "audit"])


@pytest.fixture
def west() -> Entity:
    return Entity.objects.create(code="west", name="Westbank")


@pytest.fixture
def theirs(west: Entity, agent: User) -> Account:
    """An account of an entity that the reviewer does not work on."""
    user = User.objects.create(username="other")
    account, _ = Account.create(user=user, entity=west, currency="CZK", by=agent, asof=LONG_AGO)
    return account


def last() -> Outbox:
    return Outbox.objects.exclude(type__startswith="change.").latest("id")


@pytest.mark.parametrize("page", ["change", "history", "deposit", "statement", "as_of"])
def test_page_about_an_object_bears_its_entity(client: Client, admin: User, account: Account, page: str) -> None:
    client.force_login(admin)
    client.get(reverse(f"console:ledger_account_{page}", args=[account.pk]))
    row = last()
    assert (row.type, row.object_id, row.entity_id) == ("object.viewed", str(account.pk), account.entity_id)


def test_page_of_a_customer_and_of_an_entity_bear_theirs(log: Client, account: Account, nord: Entity) -> None:
    for name, key in (("backoffice_user", account.user_id), ("backoffice_entity", nord.pk)):
        log.get(reverse(f"console:{name}_change", args=[key]))
        assert last().entity_id == nord.pk


def test_event_that_is_read_bears_its_entity(log: Client, nord: Entity) -> None:
    log.get(reverse("console:audit_event_change", args=[stored(type="logout", entity_id=nord.pk).pk]))
    assert (last().type, last().entity_id) == ("log.viewed", nord.pk)


def test_list_bears_the_only_entity_of_its_reader(log: Client, nord: Entity, west: Entity, reviewer: User) -> None:
    page = reverse("console:ledger_account_changelist")
    log.get(page)
    assert last().entity_id == nord.pk
    grant(reviewer, west)
    log.get(page)
    assert last().entity_id is None


def test_list_bears_the_entity_that_it_is_narrowed_to(
    client: Client, admin: User, account: Account, theirs: Account, west: Entity
) -> None:
    client.force_login(admin)
    seen = {"seen": f"ledger.account {theirs.pk}"}
    for name, asked in (
        ("ledger_action_changelist", {"account__id__exact": theirs.pk}),
        ("ledger_action_export_csv", {"account__id__exact": theirs.pk}),
        ("ledger_account_changelist", {"entity__id__exact": west.pk}),
        ("ledger_account_freeze_selected", {"ids": str(theirs.pk)}),
        ("audit_event_changelist", {"entity_id": west.pk}),
        ("audit_event_changelist", {"object_type": "ledger.account", "object_id": theirs.pk}),
        ("audit_event_changelist", seen),
    ):
        client.get(reverse(f"console:{name}", query=asked)).getvalue()
        assert last().entity_id == west.pk, name
    client.get(reverse("console:ledger_account_freeze_selected"), {"ids": f"{account.pk},{theirs.pk}"})
    assert last().entity_id is None


def test_selection_with_an_object_of_another_entity_is_a_refused_attempt(
    client: Client, agent: User, account: Account, theirs: Account, caplog: pytest.LogCaptureFixture
) -> None:
    agent.user_permissions.set(Permission.objects.filter(codename="freeze"))
    client.force_login(agent)
    page = reverse("console:ledger_account_freeze_selected")
    for ids in (f"{account.pk},{theirs.pk}", "9" * 40):
        assert client.get(page, {"ids": ids}).status_code == 404
        row = last()
        assert (row.type, row.success, row.data["query"]) == ("access.refused", False, urlencode({"ids": ids}))
        assert row.data["why"] == "one of what they chose is not there, or not for them"


def test_refusal_is_one_line_of_the_log(log: Client, account: Account, caplog: pytest.LogCaptureFixture) -> None:
    assert log.get(reverse("console:ledger_account_deposit", args=[account.pk])).status_code == 403
    [record] = [record for record in caplog.records if record.name == "django.request"]
    assert (record.getMessage().splitlines()[1:], record.exc_info, record.exc_text) == ([], None, None)


@pytest.mark.parametrize(
    ("page", "status"),
    [("ledger_account_change", 302), ("ledger_account_history", 302), ("ledger_account_statement", 404)],
)
def test_object_of_another_entity_is_a_refused_attempt(
    log: Client, reviewer: User, theirs: Account, page: str, status: int
) -> None:
    address = reverse(f"console:{page}", args=[theirs.pk])
    assert log.get(address, headers={"user-agent": "Firefox"}).status_code == status
    row = last()
    assert (row.type, row.success, row.status) == ("access.refused", False, status)
    assert (row.user_id, row.username, row.ip, row.browser) == (reviewer.pk, "reviewer", "127.0.0.1", "Firefox")
    assert (row.object_type, row.object_id, row.entity_id) == ("ledger.account", str(theirs.pk), theirs.entity_id)
    assert (row.path, row.data["why"]) == (address, "it belongs to an entity that they do not work on")


@pytest.mark.parametrize("key", ["99999999", "9" * 40, "_2E"])
def test_number_that_nothing_has_is_a_refused_attempt_and_said_so(log: Client, account: Account, key: str) -> None:
    answer = log.get(reverse("console:ledger_account_change", args=[key]), follow=True)
    html = answer.content.decode()
    assert "Nothing is ever deleted here" in html
    assert "Perhaps it was deleted" not in html
    row = Outbox.objects.get(type="access.refused")
    assert (row.status, row.entity_id, row.data["why"]) == (302, None, "there is no such object")


def test_attempt_is_told_in_a_sentence(log: Client) -> None:
    data = {"why": "there is no such object"}
    stored(type="access.refused", success=False, method="GET", path="/console/x/", data=data)
    html = log.get(reverse("console:audit_event_changelist")).content.decode()
    assert "agent was refused GET /console/x/: there is no such object" in html


def test_saving_an_object_is_no_attempt(client: Client, admin: User, account: Account) -> None:
    client.force_login(admin)
    page = reverse("console:ledger_account_change", args=[account.pk])
    assert client.post(page, {"note": "New", "reason": "Asked"}).status_code == 302
    assert not Outbox.objects.filter(type="access.refused").exists()
    action = Action.objects.filter(account=account).latest("pk")
    client.get(reverse("console:ledger_action_change", args=[action.pk]))
    assert last().entity_id == account.entity_id
