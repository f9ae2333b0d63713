"""One line a request, and what it says is true."""

import logging
import re
from contextlib import ExitStack

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from backoffice.middleware import QueryMeter
from backoffice.models import User
from ledger.models import Account

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
LINE = re.compile(
    r"method=(\S+) path=(\S+) status=(\d+) db_query_count=(\d+) db_query_time_ms=([\d.]+) duration_ms=([\d.]+)"
    r" request_id=([0-9a-f-]{36})"
)


def test_each_request_writes_one_line_with_its_queries_and_times(
    client: Client, admin: User, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(admin)
    pages = {
        reverse("console:ledger_account_changelist"): 200,
        reverse("console:ledger_account_change", args=[account.pk]): 200,
        "/console/nowhere/": 404,
    }
    for page, status in pages.items():
        client.get(page)  # what is read once a process is read
        meter = QueryMeter()
        with ExitStack() as stack, caplog.at_level(logging.INFO, "backoffice.request"):
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(meter))
            caplog.clear()
            client.get(page, {"q": "Nova"})
        [line] = [record.getMessage() for record in caplog.records if record.name == "backoffice.request"]
        found = LINE.fullmatch(line)
        assert found, line
        method, path, told, count, queries, whole, _ = found.groups()
        assert (method, path, int(told), int(count)) == ("GET", page, status, meter.count)
        assert 0 < float(queries) <= float(whole)
        assert "Nova" not in line
