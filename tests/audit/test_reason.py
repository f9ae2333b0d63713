"""Why: every form of the console that changes something refuses without a reason, and the record keeps it."""

from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import reverse

from audit.models import Outbox
from backoffice.models import Entity, User
from ledger.models import Account
from sandbox.site import site as sandbox

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
PAGES = [page for site in (django_admin.site, sandbox) for page in site._registry.values()]
PAGES = [page for page in PAGES if not page.model._meta.app_label.startswith("test")]


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


@pytest.mark.django_db(databases=["default", "sandbox", "audit"])
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_form_that_changes_something_asks_why(admin: User, page: Any) -> None:
    request = RequestFactory().get("/")
    request.user = admin
    unsaved = page.model(user=admin) if page.model is Account else page.model()
    for obj, may in ((None, page.has_add_permission(request)), (unsaved, page.has_change_permission(request, unsaved))):
        if may and page.model._meta.label_lower != "imports.import":  # a page of its own: tests/imports
            form = page.get_form(request, obj, change=obj is not None)
            assert form.base_fields["reason"].required
            assert [fields for _, how in page.get_fieldsets(request, obj) for fields in how["fields"]].count(
                "reason"
            ) == 1


def test_change_without_a_reason_is_refused_and_with_one_kept(browser: Client, account: Account) -> None:
    page = reverse("console:ledger_account_change", args=[account.pk])
    for why in ({}, {"reason": "  "}):
        answer = browser.post(page, {"note": "New", **why})
        assert "Say why: the record keeps the reason." in answer.content.decode()
    account.refresh_from_db()
    assert account.note == ""
    browser.post(page, {"note": "New", "reason": "The customer rang"})
    assert Account.history.latest().history_change_reason == "The customer rang"
    assert Outbox.objects.filter(type="change.updated").latest("id").reason == "The customer rang"


def test_added_row_keeps_why(browser: Client) -> None:
    page = reverse("console:backoffice_entity_add")
    grants = {f"{name}_grants-{what}": "0" for name in ("group", "person") for what in ("TOTAL_FORMS", "INITIAL_FORMS")}
    browser.post(page, {"code": "sud", "name": "Sud", **grants})
    assert not Entity.objects.exists()
    browser.post(page, {"code": "sud", "name": "Sud", **grants, "reason": "A new company"})
    assert Entity.history.get().history_change_reason == "A new company"


def test_another_person_s_password_is_set_with_a_reason(browser: Client, agent: User) -> None:
    page = reverse("console:auth_user_password_change", args=[agent.pk])
    assert 'name="reason"' in browser.get(page).content.decode()
    new = {"password1": "another horse battery", "password2": "another horse battery", "usable_password": "true"}
    assert "Say why" in browser.post(page, new).content.decode()
    assert browser.post(page, {**new, "reason": "Forgotten"}).status_code == 302
    assert Outbox.objects.filter(type="change.updated", object_id=str(agent.pk)).latest("id").reason == "Forgotten"


def test_rights_given_and_taken_are_told_with_their_names(browser: Client, agent: User, nord: Entity) -> None:
    group = Group.objects.create(name="Night shift")
    form = {"username": agent.username, "is_active": "on", "is_staff": "on", "reason": "New shift"}
    page = reverse("console:backoffice_user_change", args=[agent.pk])
    browser.post(page, {**form, "groups": [group.pk]})
    browser.post(page, {**form, "groups": []})
    rows = Outbox.objects.filter(type__startswith="right.", object_id=str(agent.pk)).exclude(data__kind="entity")
    assert list(rows.order_by("id").values_list("type", "data__right", "reason")) == [
        ("right.given", "Night shift", "New shift"),
        ("right.taken", "Night shift", "New shift"),
    ]
    [given] = Outbox.objects.filter(type="right.given", data__kind="entity")
    assert (given.object_id, given.data["right"]) == (str(agent.pk), "Nordbank")
    group.permissions.add(*group.permissions.model.objects.filter(codename="deposit"))
    group.permissions.clear()
    told = (
        Outbox.objects.filter(object_type="auth.group", type__startswith="right.")
        .order_by("id")
        .values_list("type", flat=True)
    )
    assert list(told) == ["right.given", "right.taken"]
