"""Who gets into the sandbox, as whom, and what they see there."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import NoReverseMatch, reverse

from backoffice.grants import grant
from backoffice.models import Entity, User
from ledger.models import Account
from sandbox.admin import NEEDS_PARENT
from sandbox.models import Analyst, MissingAnalystError
from sandbox.site import site
from tests.sandbox.conftest import OpenThere
from tests.sandbox.test_pages import confirm, pages

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])


def test_anonymous_goes_to_the_console_s_login_from_every_page(client: Client, open_there: OpenThere) -> None:
    for url in pages(site, open_there("1")):
        answer = client.get(url)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("console:login"))


def test_nobody_without_the_permission_gets_in(client: Client, open_there: OpenThere, agent: User) -> None:
    agent.user_permissions.set(Permission.objects.exclude(codename="use_sandbox"))
    client.force_login(agent)
    for url in pages(site, open_there("1")):
        assert client.get(url).status_code == 403
    assert reverse("sandbox:index") not in client.get(reverse("console:index")).content.decode()


def test_permission_without_staff_status_is_not_enough(client: Client, analyst: User, filled: None) -> None:
    User.objects.filter(pk=analyst.pk).update(is_staff=False)
    client.force_login(analyst)
    assert client.get(reverse("sandbox:index")).status_code == 403


def test_analyst_may_everything_there_and_nothing_in_the_console(
    client: Client, analyst: User, open_there: OpenThere
) -> None:
    account = open_there("100")
    grant(analyst, Entity.objects.create(pk=account.entity_id, code="nord", name="Nord"))
    client.force_login(analyst)
    answer = confirm(client, reverse("sandbox:ledger_account_withdraw", args=[account.pk]), amount="40")
    assert answer.status_code == 302
    account.refresh_from_db(using="sandbox")
    assert account.balance == 60
    html = client.get(answer["Location"]).content.decode()
    assert "under a made-up name.</p>" in html
    assert reverse("console:ledger_account_change", args=[account.pk]) not in html
    assert client.get(reverse("sandbox:backoffice_user_add")).status_code == 200
    assert client.get(reverse("console:ledger_account_changelist")).status_code == 403


def test_analyst_sees_the_entities_granted_in_the_console_and_those_below_in_the_sandbox(
    client: Client, analyst: User, open_there: OpenThere
) -> None:
    account = open_there("100")
    client.force_login(analyst)
    page = reverse("sandbox:ledger_account_changelist")
    assert client.get(page).context["cl"].result_count == 0
    assert client.get(reverse("sandbox:ledger_account_deposit", args=[account.pk])).status_code == 404

    above = Entity.objects.create(pk=3, code="group", name="Group")
    Entity.objects.using("sandbox").create(pk=3, code="group", name="Group")
    Entity.objects.using("sandbox").filter(pk=account.entity_id).update(parent=3)
    grant(analyst, above)
    assert client.get(page).context["cl"].result_count == 1


def test_analyst_adds_entities_below_those_they_work_on(client: Client, own: Account, admin: User) -> None:
    page, sent = reverse("sandbox:backoffice_entity_add"), {"code": "new", "name": "New", "reason": "Trying"}
    refused = client.post(page, {**sent, "parent": ""})
    assert refused.context["adminform"].form.errors == {"parent": [NEEDS_PARENT]}
    assert client.post(page, {**sent, "parent": str(own.entity_id)}).status_code == 302
    there = reverse("sandbox:backoffice_entity_change", args=[Entity.objects.using("sandbox").get(code="new").pk])
    assert client.get(there).status_code == 200
    client.force_login(admin)
    assert client.post(page, {**sent, "code": "top", "parent": ""}).status_code == 302


def test_who_was_granted_every_entity_there_is_adds_none_at_the_top_either(
    client: Client, analyst: User, own: Account
) -> None:
    there = Entity.objects.using("sandbox").exclude(pk=own.entity_id).get()
    grant(analyst, Entity.objects.create(pk=there.pk, code=there.code, name=there.name))
    for_all = client.get(reverse("sandbox:ledger_limit_add")).context["adminform"].form.may_bind_all
    assert for_all  # they work on every entity, and a limit of them all is within what they see
    sent = {"code": "top", "name": "Top", "parent": "", "reason": "Trying"}
    refused = client.post(reverse("sandbox:backoffice_entity_add"), sent)
    assert refused.context["adminform"].form.errors == {"parent": [NEEDS_PARENT]}
    assert not Entity.objects.using("sandbox").filter(code="top").exists()


def test_a_new_member_of_staff_gets_a_row_on_the_first_visit(client: Client, analyst: User, filled: None) -> None:
    client.force_login(analyst)
    html = client.get(reverse("sandbox:index")).content.decode()
    assert "<strong>Jun</strong>" in html
    row = User.objects.using("sandbox").get()
    assert (row.pk, row.username, row.first_name, row.is_superuser) == (analyst.pk, "jun", "", False)
    assert not row.has_usable_password()


def test_a_name_taken_in_the_sandbox_is_said(analyst: User, filled: None) -> None:
    User.objects.using("sandbox").create(pk=10**12, username="jun")
    with pytest.raises(MissingAnalystError, match="The sandbox has another user called jun"):
        Analyst.of(analyst)


def test_a_sandbox_that_was_never_filled_says_so(client: Client, admin: User) -> None:
    client.force_login(admin)
    answer = client.get(reverse("sandbox:index"))
    assert answer.status_code == 503
    assert "manage.py sandbox_refresh" in answer.content.decode()


@pytest.mark.parametrize("name", ["login", "password_change", "password_change_done"])
def test_login_and_passwords_are_the_console_s(sandbox: Client, name: str) -> None:
    answer = sandbox.get(reverse(f"sandbox:{name}") + "?next=%2Fx%2F")
    assert (answer.status_code, answer["Location"]) == (302, reverse(f"console:{name}") + "?next=%2Fx%2F")


def test_logout_from_the_sandbox_logs_out_of_the_console(sandbox: Client) -> None:
    assert sandbox.post(reverse("sandbox:logout")).status_code == 200
    assert sandbox.get(reverse("console:index")).status_code == 302


def test_there_are_no_passwords_to_send_links_for(sandbox: Client, open_there: OpenThere) -> None:
    page = reverse("sandbox:backoffice_user_change", args=[open_there().user_id])
    assert "invite" not in sandbox.get(page).content.decode()
    with pytest.raises(NoReverseMatch):
        reverse("sandbox:backoffice_user_invite", args=[1])


def test_who_acts_is_told_to_the_sandbox_s_database(sandbox: Client, open_there: OpenThere, admin: User) -> None:
    account = open_there("100")
    sandbox.post(reverse("sandbox:ledger_account_change", args=[account.pk]), {"reason": "Asked to", "note": "tried"})
    row = Account.history.using("sandbox").filter(id=account.pk).latest("history_id")
    assert (row.note, row.history_user_id, row.history_type) == ("tried", admin.pk, "~")
