"""Long bulk runs of the sandbox: done behind the request by the ledger's own worker, on the sandbox alone."""

from typing import Any

import pytest
from django.test import Client

from backoffice.grants import grant
from backoffice.models import Entity, User
from bulk import worker, working
from bulk.models import Run
from ledger.admin.commands import several
from ledger.models import Account, Action
from tests.bulk.conftest import choose_all, preview, sent
from tests.sandbox.conftest import OpenThere

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
LIST = "sandbox:ledger_account_changelist"


@pytest.fixture(autouse=True)
def behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is longer than two rows is done behind the request, two rows a portion."""
    monkeypatch.setattr(several, "AT_ONCE", 2)
    monkeypatch.setattr(working, "AT_ONCE", 2)
    monkeypatch.setattr(worker, "PORTION", 2)


def confirmed(browser: Client) -> Any:
    url = choose_all(browser, "deposit", name=LIST)
    assert browser.post(url, sent(preview(browser, url, amount="10"))).status_code == 302
    return Run.objects.using("sandbox").latest("pk")


def test_run_of_the_sandbox_is_done_there_by_who_may_still_use_it(
    client: Client, analyst: User, open_there: OpenThere
) -> None:
    accounts = [open_there("5") for _ in range(4)]
    same = Entity.objects.create(pk=accounts[0].entity_id, code="sandnord", name="Sandnord")
    grant(analyst, same)
    client.force_login(analyst)
    run = confirmed(client)
    assert (run.state, worker.go_on()) == ("running", None)

    assert worker.go_on("sandbox") == (run, "")
    run.refresh_from_db()
    assert (run.state, run.posted) == ("running", 2)
    action = accounts[0].actions.using("sandbox").latest()
    assert (action.by_id, action.delta, Action.objects.using("default").count()) == (analyst.pk, 10, 0)

    analyst.user_permissions.clear()
    assert worker.go_on("sandbox") == (run, "")
    run.refresh_from_db()
    assert (run.state, run.posted, run.refused) == ("done", 2, 2)
    assert set(run.rows.values_list("code", flat=True)) == {"", "not_allowed"}
    assert sorted(Account.objects.using("sandbox").values_list("balance", flat=True)) == [5, 5, 15, 15]
    assert worker.go_on("sandbox") is None
