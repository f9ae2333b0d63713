"""Every page with the application's own filters taken away: what the database does not show, no page shows.

The filters are replaced on purpose, as a mistake would leave them out: it is the database that is tried here.
"""

import io
import zipfile
from itertools import product

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from backoffice.models import User
from backoffice.sheets import FORMATS
from ledger.models import Account, Action, Approval, Hold, Limit
from sandbox.models import Refresh
from tests.audit.store import stored
from tests.imports.files import csv_of, upload
from tests.tenancy.conftest import Tenant, settle

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])

LISTS = (
    "ledger_account", "ledger_action", "ledger_hold", "ledger_limit", "ledger_approval", "imports_import", "backoffice_user", "bulk_run",
)  # fmt: skip


@pytest.fixture(autouse=True)
def unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every filter that the application has."""
    for made in {kind for model_admin in admin.site._registry.values() for kind in type(model_admin).__mro__}:
        if "within_grants" in vars(made):
            monkeypatch.setattr(made, "within_grants", lambda self, request, queryset: queryset)


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


@pytest.mark.parametrize("field", ["ledger.action.counterparty", "ledger.limit.account"])
def test_autocomplete_offers_the_own_accounts_alone(field: str, browser: Client, north: Tenant, south: Tenant) -> None:
    asked = dict(zip(("app_label", "model_name", "field_name"), field.split("."), strict=True))
    found = browser.get(reverse("console:autocomplete"), {**asked, "term": "Secret"})
    assert [row["id"] for row in found.json()["results"]] == [str(north.account.pk)]
    assert b"south" not in found.content


def text_of(file: bytes) -> str:
    """Return what a file holds, in small letters."""
    if not file.startswith(b"PK"):
        return file.decode().lower()
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist()).lower()


@pytest.mark.parametrize("kind", FORMATS)
def test_downloads_hold_the_own_rows_alone(kind: str, browser: Client, north: Tenant, south: Tenant) -> None:
    for name in LISTS:
        text = text_of(b"".join(browser.get(reverse(f"console:{name}_export_{kind}"))))
        theirs = "south" if name != "backoffice_user" else "customer of south"  # everybody may see who works here
        assert theirs not in text, name
        assert str(south.account.uid) not in text, name
        own = {"north", str(north.account.uid), north.account.actions.get(version=1).reference.lower()}
        assert [one for one in own if one in text] or name == "ledger_limit", name


def test_selection_holds_no_row_of_the_other_tenant(
    browser: Client, person: User, north: Tenant, south: Tenant, rf: RequestFactory
) -> None:
    request = rf.get("/")
    request.user = person
    for model, some in ((Account, {"deposit", "freeze", "close"}), (Action, {"reverse"}), (Hold, {"release"})):
        actions = admin.site.get_model_admin(model).get_actions(request)
        assert some <= actions.keys()
        mine, theirs = (next(row.pk for row in tenant.rows if type(row) is model) for tenant in (north, south))
        page = reverse(f"console:ledger_{model._meta.model_name}_changelist")
        for name, rows in product(actions, ([theirs], [mine, theirs])):
            chosen = {"action": name, "_selected_action": rows}
            shown = browser.post(page, chosen, follow=True).content.decode()
            assert str(south.account.uid) not in shown, name
            assert "Secret south" not in shown, name
    assert Account.objects.get(pk=south.account.pk).version == south.account.version


def test_file_that_names_an_account_of_the_other_tenant_learns_nothing_of_it(browser: Client, south: Tenant) -> None:
    file = upload(csv_of((str(south.account.uid), "deposit", "1.00", "", "", "", "", "guess")), "guess.csv")
    sent = {"file": file, "how": "valid", "reason": "Guessing"}
    shown = browser.post(reverse("console:imports_import_add"), sent, follow=True)
    assert shown.status_code == 200
    assert "There is no account" in shown.content.decode()
    assert "south" not in shown.content.decode().lower()


def test_event_log_and_pages_show_the_own_events_alone(browser: Client, north: Tenant, south: Tenant) -> None:
    mine, theirs = (
        stored(type="logout", entity_id=one.entity.pk, username=f"of {one.entity.code}") for one in (north, south)
    )
    shown = browser.get(reverse("console:audit_event_changelist")).content.decode()
    assert ("of north" in shown, "of south" in shown) == (True, False)
    pages = [reverse("console:audit_event_change", args=[event.pk]) for event in (mine, theirs)]
    assert [browser.get(page).status_code for page in pages] == [200, 302]


def test_sandbox_shows_the_own_rows_alone(browser: Client, north: Tenant, south: Tenant) -> None:
    Refresh.objects.using("sandbox").create(users=0, accounts=0, actions=0)
    here, there = (settle(one.entity.code, "sandbox", pk=one.entity.pk) for one in (north, south))
    for model in (Account, Action, Hold, Limit, Approval):
        rows, name = model.objects.using("sandbox"), model._meta.model_name
        mine, theirs = (rows.filter(entity=one.entity).latest("pk") for one in (here, there))
        listed = browser.get(reverse(f"sandbox:ledger_{name}_changelist")).context["cl"].result_list
        assert mine.pk in {row.pk for row in listed}
        assert theirs.pk not in {row.pk for row in listed}
        status = [
            browser.get(reverse(f"sandbox:ledger_{name}_change", args=[row.pk])).status_code for row in (mine, theirs)
        ]
        assert status == [200, 302], name


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
