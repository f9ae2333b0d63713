"""The search box in the sandbox: looks there, and leads there."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import OpenAccount
from tests.sandbox.conftest import OpenThere, recording

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])


def test_search_of_the_sandbox_finds_what_is_there(
    sandbox: Client, open_there: OpenThere, open_account: OpenAccount
) -> None:
    there, here = open_there("100", name="Petra Kolar"), open_account("100", name="Jana Nova")
    with recording() as recorder:
        response = sandbox.get("/console/sandbox/find/", {"q": "kolar"})
    assert response.headers["Location"] == reverse("sandbox:ledger_account_change", args=[there.pk])
    assert not [sql for sql in recorder.statements["default"] if "ledger_" in sql]
    assert sandbox.get("/console/sandbox/find/", {"q": str(here.uid)}).context["found"].parts == []
    amount = sandbox.get("/console/sandbox/find/", {"q": "100.00"}).headers["Location"]
    assert amount == reverse("sandbox:ledger_action_change", args=[there.actions.get(type="deposited").pk])
    [part] = sandbox.get("/console/sandbox/find/suggestions/", {"q": "deposit to kolar"}).json()["parts"]
    assert [hit["url"] for hit in part["hits"]] == [reverse("sandbox:ledger_account_deposit", args=[there.pk])]
    assert 'action="/console/sandbox/find/"' in sandbox.get("/console/sandbox/").content.decode()
