"""Setting limits in the sandbox: by whom, and for what."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.models import Entity, User
from ledger.admin.commands.propose import NEEDS_SUBJECT
from ledger.models import Account, Cap, Limit
from tests.sandbox.conftest import OpenThere
from tests.sandbox.test_pages import typed

ABOVE = 10**12 + 500
pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])


def bind(**of: Any) -> Limit:
    return Limit.objects.using("sandbox").create(kind="max_deposit", currency="CZK", amount=Decimal(1000), **of)


def errors_of(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [str(said) for group in answer.context["adminform"].form.errors.values() for said in group]


def test_a_limit_for_every_entity_is_for_who_works_on_all(client: Client, own: Account, admin: User) -> None:
    page, form = reverse("sandbox:ledger_limit_add"), typed(entity="", account="")
    assert errors_of(client.post(page, form)) == [NEEDS_SUBJECT]
    assert client.post(page, typed(entity=str(own.entity_id))).status_code == 302
    client.force_login(admin)
    assert client.post(page, form).status_code == 302


def test_a_limit_of_one_s_own_does_not_become_one_for_all(client: Client, own: Account) -> None:
    page = reverse("sandbox:ledger_limit_change", args=[bind(entity_id=own.entity_id).pk])
    assert errors_of(client.post(page, typed(entity=""))) == [NEEDS_SUBJECT]


@pytest.mark.parametrize("above", ["currency", "entity"])
def test_what_binds_more_than_one_s_own_is_looked_at_and_left(client: Client, own: Account, above: str) -> None:
    group = Entity.objects.using("sandbox").create(pk=ABOVE, code="group", name="Group")
    Entity.objects.using("sandbox").filter(pk=own.entity_id).update(parent=ABOVE)
    row = bind(entity=group if above == "entity" else None)
    for page, sent in (("change", typed()), ("delete", {"post": "yes", "reason": "Mine"})):
        assert client.post(reverse(f"sandbox:ledger_limit_{page}", args=[row.pk]), sent).status_code == 403
    shown = client.get(reverse("sandbox:ledger_limit_change", args=[row.pk]))
    assert shown.status_code == 200
    assert 'name="_save"' not in shown.content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes", "reason": "Mine"}
    assert client.post(reverse("sandbox:ledger_limit_changelist"), chosen).status_code == 403
    assert Limit.objects.using("sandbox").get(pk=row.pk).amount == 1000


@pytest.mark.parametrize("of", ["entity", "account"])
def test_limits_of_one_s_own_are_changed_and_deleted(client: Client, own: Account, of: str) -> None:
    subject = own.pk if of == "account" else own.entity_id
    row = bind(**{f"{of}_id": subject})
    changed = typed(amount="5", **{of: str(subject)})
    assert client.post(reverse("sandbox:ledger_limit_change", args=[row.pk]), changed).status_code == 302
    assert Limit.objects.using("sandbox").get(pk=row.pk).amount == 5
    sent = {"post": "yes", "reason": "Tried"}
    assert client.post(reverse("sandbox:ledger_limit_delete", args=[row.pk]), sent).status_code == 302
    assert not Limit.objects.using("sandbox").filter(pk=row.pk).exists()


def test_form_of_a_limit_offers_the_currencies_that_are_kept_and_writes_amounts_as_they_do(
    sandbox: Client, open_there: OpenThere
) -> None:
    row = bind(account=open_there())
    html = sandbox.get(reverse("sandbox:ledger_limit_change", args=[row.pk])).content.decode()
    assert 'name="amount" value="1000.00"' in html
    assert '<option value="CZK" selected>CZK</option>' in html
    assert [name in html for name in ('aria-label="Valid from"', 'aria-label="Valid until"')] == [True, True]
    assert "related-widget-wrapper-link" not in html


def test_a_limit_of_an_account_is_in_its_currency(sandbox: Client, open_there: OpenThere) -> None:
    Cap.objects.using("sandbox").get_or_create(currency="EUR", defaults={"ceiling": 10**9})
    account = open_there()
    answer = sandbox.post(reverse("sandbox:ledger_limit_add"), typed(account=str(account.pk), currency="EUR"))
    assert errors_of(answer) == ["The account is in CZK, the limit in EUR."]
