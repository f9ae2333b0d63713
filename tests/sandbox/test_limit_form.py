"""The form of a limit that is there already: what nobody touches stays as it is."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from psycopg.types.range import TimestamptzRange

from backoffice.moments import CLOCKS
from ledger.models import Limit
from tests.sandbox.conftest import OpenThere
from tests.sandbox.test_limits import bind, errors_of
from tests.sandbox.test_pages import typed

BEGUN = datetime(2024, 3, 1, 9, 15, 27, 123456, tzinfo=UTC)  # as a limit begins that was approved
pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])


@pytest.fixture
def row(open_there: OpenThere) -> Limit:
    """A limit that begins where another one of the account ends."""
    account = open_there()
    bind(account=account, valid=TimestamptzRange(BEGUN - timedelta(days=9), BEGUN))
    return bind(account=account, valid=TimestamptzRange(BEGUN, None))


def page_of(row: Limit) -> str:
    return reverse("sandbox:ledger_limit_change", args=[row.pk])


def shown(browser: Client, row: Limit, **changed: str) -> dict[str, str]:
    """Return what the form sends, with something changed on it."""
    html = browser.get(page_of(row)).content.decode()
    inputs = [re.findall(r'([\w-]+)="([^"]*)"', one) for one in re.findall(r"<input ([^>]*)>", html)]
    sent = {of["name"]: unescape(of.get("value", "")) for of in map(dict, inputs) if of.get("name")}
    names = [name for name in sent if name.startswith(("amount", "valid", "initial-", "seen"))]
    return typed(account=str(row.account_id), **{name: sent[name] for name in names} | changed)


def changed_by_the_log() -> list[str]:
    [said] = json.loads(LogEntry.objects.using("sandbox").get().change_message)
    return list(said["changed"]["fields"])


def kept(row: Limit) -> tuple[Decimal, Any]:
    return Limit.objects.using("sandbox").values_list("amount", "valid").get(pk=row.pk)


def test_another_amount_leaves_the_bounds_as_they_are_to_the_microsecond(sandbox: Client, row: Limit) -> None:
    assert sandbox.post(page_of(row), shown(sandbox, row, amount="5")).status_code == 302
    assert kept(row) == (5, TimestamptzRange(BEGUN, None))
    assert changed_by_the_log() == ["Amount", "Reason"]


def test_a_bound_that_is_changed_leaves_the_other_as_it_is(sandbox: Client, row: Limit) -> None:
    assert sandbox.post(page_of(row), shown(sandbox, row, valid_1="2024-06-01T12:00")).status_code == 302
    amount, valid = kept(row)
    assert (amount, valid.lower) == (1000, BEGUN)
    assert valid.upper == datetime(2024, 6, 1, 10, tzinfo=UTC)
    assert changed_by_the_log() == ["Valid", "Reason"]


def test_a_form_that_is_sent_twice_is_saved_and_complains_of_nothing(sandbox: Client, row: Limit) -> None:
    sent = shown(sandbox, row, amount="5", valid_1="2024-06-01T12:00")
    assert sent["seen"]
    for _ in range(2):
        assert sandbox.post(page_of(row), sent).status_code == 302
    assert kept(row)[0] == 5
    assert len(Limit.history.using("sandbox").filter(id=row.pk)) == 2  # as it was made, and as it was changed


@pytest.mark.parametrize("bound", ["valid_0", "valid_1"])
@pytest.mark.parametrize("moment", ["2024-10-27T02:30", "2024-03-31T02:30"])
def test_a_bound_that_the_clocks_say_twice_or_never_is_refused_in_words(
    sandbox: Client, row: Limit, bound: str, moment: str
) -> None:
    assert errors_of(sandbox.post(page_of(row), shown(sandbox, row, **{bound: moment}))) == [CLOCKS]
