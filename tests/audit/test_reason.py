"""Why: every form of the console that changes something refuses without a reason, and the record keeps it."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse
from django.views.generic import RedirectView

from audit.admin.reasoned import ReasonedCommand
from audit.models import Outbox
from backoffice import grant_requests
from backoffice.command import CommandPage
from backoffice.deciding import Decision
from backoffice.list_pages import ChangeView, ChooseColumns, KeepView
from backoffice.models import Entity, User
from imports.pages import PreviewPage, UploadPage
from ledger.admin.notes import MentionsPage, NotePage
from ledger.models import Account
from sandbox.site import site as sandbox
from tests.cast import PASSWORD
from tests.console.test_commands import hidden

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


def views(resolver: Any) -> Iterator[type[Any]]:
    """Walk the classes behind all addresses."""
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern)
        elif view := getattr(pattern.callback, "view_class", None):
            yield view


def test_every_page_that_takes_a_post_asks_why() -> None:
    taking = {view for view in views(get_resolver()) if hasattr(view, "post")}
    commands = {view for view in taking if issubclass(view, CommandPage)}
    assert len(commands) >= 14
    for view in commands:
        form = view.form_class
        assert form.base_fields[form.why].required, view
    # Asked by these themselves, each with a test of its own; a preview posts with the reason of its upload.
    # Nobody asks why somebody looks after their own login; a password has a reason, as below.
    door = ("allauth.", "backoffice.login.")
    console = {view for view in taking - commands if not view.__module__.startswith(door)}
    others = {view for view in console if not issubclass(view, ReasonedCommand | Decision)}
    # A note is itself what somebody says of an account; views and columns are the reader's own.
    own = {ChooseColumns, KeepView, ChangeView, NotePage, MentionsPage}
    assert others == {UploadPage, PreviewPage, RedirectView, *own}


def test_money_is_not_moved_without_a_reason(browser: Client, account: Account) -> None:
    page = reverse("console:ledger_account_deposit", args=[account.pk])
    sent = {"key": str(uuid.uuid4()), "amount": "5", "reference_type": "none"}
    for why in ({}, {"comment": "  "}):
        answer = browser.post(page, {**sent, **why})
        assert answer.context["form"].errors == {"comment": ["Say why: the record keeps the reason."]}
    preview = browser.post(page, {**sent, "comment": "Cash at the desk"})
    browser.post(page, {**sent, "comment": "Cash at the desk", "token": preview.context["token"]})
    assert account.actions.latest().comment == "Cash at the desk"
    assert Outbox.objects.filter(type="ledger.posted").latest("id").reason == "Cash at the desk"


def test_one_s_own_password_is_changed_with_a_reason(client: Client, agent: User) -> None:
    client.force_login(agent)
    page = reverse("console:password_change")
    assert 'name="reason"' in client.get(page).content.decode()
    new = {"old_password": PASSWORD, "new_password1": "another horse battery", "new_password2": "another horse battery"}
    assert "Say why: the record keeps the reason." in client.post(page, new).content.decode()
    assert client.post(page, {**new, "reason": "Somebody looked"}).status_code == 302
    agent.refresh_from_db()
    assert agent.check_password("another horse battery")
    assert (
        Outbox.objects.filter(type="change.updated", object_id=str(agent.pk)).latest("id").reason == "Somebody looked"
    )


def test_import_asks_why_and_all_that_it_posts_says_so(browser: Client, account: Account) -> None:
    page = reverse("console:imports_import_add")
    rows = f"account,type,amount,comment\n{account.uid},deposit,5,Salary\n{account.uid},deposit,6,\n"

    def upload(**why: str) -> Any:
        return browser.post(
            page, {"file": SimpleUploadedFile("june.csv", rows.encode()), "how": "valid", **why}, follow=True
        )

    assert upload(reason=" ").context["form"].errors == {"reason": ["Say why: the record keeps the reason."]}
    preview = upload(reason="The bank sent it")
    at = reverse("console:imports_import_confirm", args=[preview.context["upload"].pk])
    browser.post(at, {"token": preview.context["token"]})
    assert Outbox.objects.filter(type="ledger.posted").latest("id").reason == "Import of june.csv: The bank sent it"
    assert list(account.actions.order_by("-version").values_list("comment", flat=True)[:2]) == [
        "Imported from a file",
        "Salary",
    ]
    told = Outbox.objects.filter(type__startswith="import.").values_list("type", "reason")
    assert set(told) == {(f"import.{name}", "Import of june.csv: The bank sent it") for name in ("uploaded", "posted")}


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


def test_link_for_a_password_is_sent_with_a_reason(browser: Client, agent: User) -> None:
    User.objects.filter(pk=agent.pk).update(email="agent@example.com")
    page = reverse("console:backoffice_user_invite", args=[agent.pk])
    assert 'name="reason"' in browser.get(page).content.decode()
    assert "Say why" in browser.post(page, {}).content.decode()
    assert browser.post(page, {"reason": "Forgotten"}).status_code == 302
    rows = Outbox.objects.filter(type__in=["password.invited", "change.updated"], object_id=str(agent.pk)).order_by(
        "-id"
    )
    assert list(rows.values_list("type", "reason")[:2]) == [
        ("password.invited", "Forgotten"),
        ("change.updated", "Forgotten"),
    ]


def test_rights_given_and_taken_are_told_with_their_names(browser: Client, agent: User, nord: Entity) -> None:
    group = Group.objects.create(name="Night shift")
    maker = User.objects.create_user("maker", is_staff=True)
    for give in (True, False):
        asked = grant_requests.ask(by=maker, give=give, reason="Asked to", person=agent, group=group)
        page = reverse("console:backoffice_grantrequest_change", args=[asked.pk])
        approve = reverse("console:backoffice_grantrequest_approve", args=[asked.pk])
        browser.post(approve, {**hidden(browser.get(page).content.decode()), "comment": "New shift"})
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
