"""Setting limits in the sandbox at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from ledger.models import Limit
from ledger.models.limit import OVERLAPS
from tests.sandbox.conftest import OpenThere
from tests.sandbox.test_limits import errors_of
from tests.sandbox.test_pages import typed

ANALYSTS = 6


@pytest.mark.usefixtures("committing")
def test_of_analysts_who_set_the_same_limit_at_once_one_does(admin: User, open_there: OpenThere) -> None:
    account, barrier = open_there(), Barrier(ANALYSTS)
    browsers = [Client() for _ in range(ANALYSTS)]
    for browser in browsers:
        browser.force_login(admin)
        browser.get(reverse("sandbox:index"))  # makes the analyst's row

    def save(browser: Client) -> list[str]:
        try:
            barrier.wait(20)
            answer = browser.post(reverse("sandbox:ledger_limit_add"), typed(account=str(account.pk)))
            return [] if answer.status_code == 302 else errors_of(answer)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(ANALYSTS) as pool:
        said = list(pool.map(save, browsers))
    assert sorted(said) == [[], *[[OVERLAPS]] * (ANALYSTS - 1)]
    assert Limit.objects.using("sandbox").filter(account=account).count() == 1
