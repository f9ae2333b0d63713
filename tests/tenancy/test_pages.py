"""Every page with the application's own filters taken away: what the database does not show, no page shows.

The filters are replaced on purpose, as a mistake would leave them out: it is the database that is tried here.
"""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from backoffice.admin import ConsoleAdmin
from backoffice.models import User
from ledger.admin.approval import ApprovalAdmin
from ledger.admin.bounds import LimitAdmin
from ledger.models import Account, Approval
from tests.tenancy.conftest import Tenant

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])

LISTS = ("ledger_account", "ledger_action", "ledger_hold", "ledger_limit", "ledger_approval", "imports_import")


@pytest.fixture(autouse=True)
def unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every filter that the application has."""
    for model_admin in (ConsoleAdmin, ApprovalAdmin, LimitAdmin):
        monkeypatch.setattr(model_admin, "within_grants", lambda self, request, queryset: queryset)


@pytest.fixture
def browser(client: Client, person: User, south: Tenant) -> Client:
    client.force_login(person)
    return client


@pytest.mark.parametrize("name", LISTS)
def test_list_shows_the_own_rows_alone(name: str, browser: Client, north: Tenant, south: Tenant) -> None:
    response = browser.get(reverse(f"console:{name}_changelist"))
    shown = {row.pk for row in response.context["cl"].result_list}
    mine = {row.pk for row in north.rows if row._meta.label_lower.replace(".", "_") == name}
    theirs = {row.pk for row in south.rows if row._meta.label_lower.replace(".", "_") == name}
    assert mine <= shown
    assert not theirs & shown


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("page", ["change", "history"])
def test_page_of_an_object_is_there_for_its_own_tenant_alone(
    page: str, name: str, browser: Client, north: Tenant, south: Tenant
) -> None:
    status = []
    for tenant in (north, south):
        row = next(row for row in tenant.rows if row._meta.label_lower.replace(".", "_") == name)
        response = browser.get(reverse(f"console:{name}_{page}", args=[row.pk]))
        status.append(response.status_code)
        assert b"south" not in response.content
    assert status == [200, 302]


def test_autocomplete_offers_the_own_accounts_alone(browser: Client, north: Tenant, south: Tenant) -> None:
    asked = {"app_label": "ledger", "model_name": "limit", "field_name": "account", "term": "customer"}
    found = browser.get(reverse("console:autocomplete"), asked)
    if found.status_code == 200:  # whom a limit may be for, where a form of it is offered
        assert {row["id"] for row in found.json()["results"]} <= {str(north.account.pk)}
    assert b"South" not in found.content


@pytest.mark.parametrize("name", ["ledger_account", "ledger_action"])
def test_export_holds_the_own_rows_alone(name: str, browser: Client, north: Tenant, south: Tenant) -> None:
    response = browser.get(reverse(f"console:{name}_export_csv"))
    text = b"".join(response).decode()
    assert (
        str(north.account.uid) in text
        or "Secret north" in text
        or north.account.actions.get(version=1).reference in text
    )
    assert str(south.account.uid) not in text
    assert "south" not in text.lower()


def test_bulk_action_leaves_the_other_tenant_alone(browser: Client, north: Tenant, south: Tenant) -> None:
    rows = [north.account.pk, south.account.pk]
    page = reverse("console:ledger_account_changelist")
    for action in admin.site.get_model_admin(Account).actions or ():
        name = action if isinstance(action, str) else action.__name__
        answer = browser.post(page, {"action": name, "_selected_action": rows}, follow=True)
        assert str(south.account.uid) not in answer.content.decode(), name
    assert Account.objects.get(pk=south.account.pk).version == south.account.version


def test_commands_find_no_account_of_the_other_tenant(browser: Client, north: Tenant, south: Tenant) -> None:
    pages = ("deposit", "withdraw", "transfer", "freeze", "close")
    status = {
        (name, tenant.entity.code): browser.get(
            reverse(f"console:ledger_account_{name}", args=[tenant.account.pk])
        ).status_code
        for name in pages
        for tenant in (north, south)
    }
    assert status == {(name, code): wanted for name in pages for code, wanted in (("north", 200), ("south", 404))}


def test_limit_for_an_account_of_the_other_tenant_cannot_be_proposed(browser: Client, south: Tenant) -> None:
    asked = {
        "kind": "max_deposit", "currency": "CZK", "amount": "5", "account": str(south.account.uid), "reason": "x",
        "valid_from": "", "valid_until": "",
    }  # fmt: skip
    before = Approval.objects.count()
    answer = browser.post(reverse("console:ledger_limit_propose_new"), asked)
    assert answer.status_code == 200
    assert "Secret south" not in answer.content.decode()
    assert Approval.objects.count() == before
