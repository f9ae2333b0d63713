"""The timeline of an object: pages back to its first line, and any two of all versions compared."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.timeline import PAGE
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.posting import Posting
from tests.audit.store import stored

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
VERSIONS = 2 * PAGE + 50


@pytest.fixture
def page(account: Account) -> str:
    """The history of an account whose note changed VERSIONS times."""
    for number in range(VERSIONS):
        Account.objects.filter(pk=account.pk).update(note=f"Note {number}")
    return reverse("console:ledger_account_history", args=[account.pk])


def walked(log: Client, page: str, **chosen: Any) -> list[Any]:
    """Return the lines of all pages, the way that the buttons go."""
    lines, until = [], ""
    while True:
        context = log.get(page, {"until": until, **chosen}).context
        lines += context["lines"]
        if context["older"] is None:
            return lines
        until = str(context["older"])


def test_pages_show_every_line_once(log: Client, page: str, account: Account) -> None:
    lines = walked(log, page)
    versions = [line.version for line in lines if line.version]
    assert versions == list(Account.history.filter(id=account.pk).values_list("history_id", flat=True))
    assert len(versions) == VERSIONS + 1
    assert sum("Deposited" in line.text for line in lines) == 1
    assert [line.text for line in lines if line.text == "Changed"] == []  # each is told by what it changed


def test_lines_of_one_moment_are_not_lost_between_pages(log: Client, account: Account, agent: Any) -> None:
    one = Posting(type=ActionType.DEPOSITED, uid=account.uid, amount=Decimal(1), by=agent, asof=account.created)
    Account.post_batch([one] * (2 * PAGE + 10))  # of one statement, so of one moment
    lines = walked(log, reverse("console:ledger_account_history", args=[account.pk]))
    assert len([line for line in lines if not line.version]) == Action.objects.filter(account=account).count()


def test_first_version_is_compared_with_the_last(log: Client, page: str, account: Account) -> None:
    ids = list(Account.history.filter(id=account.pk).order_by("history_id").values_list("history_id", flat=True))
    chosen = {"old": ids[0], "new": ids[-1]}
    html = log.get(page, chosen).content.decode()
    assert f"<td>nothing</td><td>“Note {VERSIONS - 1}”</td>" in html
    assert f'<input type="hidden" name="old" value="{ids[0]}">' in html  # kept while the reader turns pages
    assert f'name="new" value="{ids[-1]}" aria-label' in html
    middle = log.get(page, {"old": ids[7], "new": ids[120]}).content.decode()
    assert "<td>“Note 6”</td><td>“Note 119”</td>" in middle


def test_version_of_another_object_is_not_compared(log: Client, account: Account, open_account: Any) -> None:
    other = open_account("1")
    ids = [Account.history.filter(id=key).latest().history_id for key in (account.pk, other.pk)]
    page = reverse("console:ledger_account_history", args=[account.pk])
    assert log.get(page, {"old": ids[0], "new": ids[1]}).context["comparison"] is None


@pytest.mark.parametrize(
    "until", ["nonsense", "2026-01-01T00:00:00 0", "2026-01-01T00:00:00+00:00 -5", "x 9", "2026-01-01T00:00:00+00:00 ~"]
)
def test_page_that_cannot_be_read_is_the_newest(log: Client, account: Account, until: str) -> None:
    answer = log.get(reverse("console:ledger_account_history", args=[account.pk]), {"until": until})
    assert answer.status_code == 200


def test_history_is_read_without_who_looked_until_that_is_asked_for_again(log: Client, account: Account) -> None:
    page = reverse("console:ledger_account_history", args=[account.pk])
    for kind in ("object.viewed", "export.downloaded", "review.asked"):
        stored(
            type=kind, object_type="ledger.account", object_id=str(account.pk), reason="" if "v" in kind[:8] else kind
        )
    every, without = log.get(page).context["lines"], log.get(page, {"looks": "no"})
    assert len(every) == len(without.context["lines"]) + 2
    assert any("asked" in str(line.text) for line in without.context["lines"])
    assert 'type="hidden" name="looks" value="no"' in without.content.decode()
    assert "With who looked" in without.content.decode()
    assert len(log.get(page, {"looks": ["no", ""]}).context["lines"]) >= len(every)
