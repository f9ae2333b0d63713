"""Previews tell what looks like the same done twice, and forbid nothing."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.models import User
from ledger.admin.commands import alike
from ledger.models import Account, Action
from tests.console.test_commands import begin, hidden

pytestmark = pytest.mark.django_db(databases=["default", "audit"])


@pytest.fixture
def console(client: Client, agent: User) -> Client:
    agent.user_permissions.set(Permission.objects.filter(content_type__app_label="ledger"))
    client.force_login(agent)
    return client


def page_of(row: Account | Action, page: str = "change") -> str:
    return reverse(f"console:ledger_{row._meta.model_name}_{page}", args=[row.pk])


def text(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def previewed(console: Client, url: str, **fields: str) -> str:
    form = hidden(console.get(url).content.decode())
    return console.post(url, {**form, "reference_type": "none", **fields}).content.decode()


@pytest.mark.parametrize("verb", ["deposit", "withdraw", "hold"])
def test_what_looks_like_the_same_done_twice_is_told_with_the_way_there(
    console: Client, account: Account, verb: str
) -> None:
    url, fields = page_of(account, verb), {"amount": "5", "comment": "Cash"}
    assert "looks like one that was done already" not in previewed(console, url, **fields)
    console.post(url, begin(console, url, **fields))
    action = account.actions.latest()
    page = previewed(console, url, **fields)
    assert "This looks like one that was done already" in text(page)
    assert f'<a href="{page_of(action)}"><code>{action.reference}</code></a>. Go on if it is another.' in page
    assert "done already" not in previewed(console, url, amount="6", comment="Cash")
    assert console.post(url, begin(console, url, **fields)).status_code == 302
    assert account.actions.latest().version == action.version + 1


def test_same_reference_of_a_bank_is_told_whatever_the_amount(console: Client, account: Account) -> None:
    url = page_of(account, "deposit")
    invoice = {"reference_type": "invoice", "reference": "INV-55", "comment": "Paid"}
    console.post(url, begin(console, url, amount="5", **invoice))
    assert "done already: Deposited CZK 5.00" in text(previewed(console, url, amount="6", **invoice))
    assert "done already" not in previewed(console, url, amount="6", **{**invoice, "reference": "INV-56"})


def test_confirming_twice_is_no_likeness(console: Client, account: Account) -> None:
    """The form that posted is known by its key, and says so itself."""
    url = page_of(account, "deposit")
    sent = begin(console, url, amount="5", comment="Cash")
    console.post(url, sent)
    again = console.post(url, {name: value for name, value in sent.items() if name != "token"}).content.decode()
    assert "This was posted already" in again
    assert "looks like" not in again


def test_same_amount_long_ago_is_no_likeness(
    console: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, fields = page_of(account, "deposit"), {"amount": "5", "comment": "Cash"}
    console.post(url, begin(console, url, **fields))
    assert "done already" in previewed(console, url, **fields)
    monkeypatch.setattr(alike, "AGO", timedelta(0))
    assert "done already" not in previewed(console, url, **fields)
    assert account.actions.latest().recorded <= timezone.now()
