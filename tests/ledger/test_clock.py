"""Where the clock was set back, nothing single is posted before its account's last action: bisection needs their order."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone

from backoffice.models import User
from ledger.errors import LedgerOutOfStep
from ledger.models import Account, Action
from tests.audit.sealed import superuser
from tests.cast import OpenAccount

pytestmark = pytest.mark.usefixtures("committing")
AHEAD = """
    INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, held, turnover, status, version, created,
                               latest, reference_type, external_reference, comment, by_id, recorded)
    SELECT account_id, entity_id, currency, 'deposited', 1, balance + 1, held, turnover + 1, status, version + 1, created,
           latest, 'none', '', '', by_id, now() + interval '1 hour' FROM ledger_action
    WHERE account_id = %s ORDER BY version DESC LIMIT 1
"""


def single(account: Account, other: Account, by: User) -> None:
    Account.deposit(uid=account.uid, amount=Decimal(1), by=by, asof=timezone.now())


def transfer(account: Account, other: Account, by: User) -> None:
    Account.transfer(uid=other.uid, to=account.uid, amount=Decimal(1), by=by, asof=timezone.now())


@pytest.mark.parametrize("post", [single, transfer])
def test_nothing_is_recorded_before_the_last_action_of_its_account(
    open_account: OpenAccount, agent: User, post: Callable[[Account, Account, User], None]
) -> None:
    account, other, third = open_account("100"), open_account("100"), open_account("100")
    post(account, other, agent)
    with superuser("default") as owner:
        owner.execute(AHEAD, [account.pk])
    before = Action.objects.count()
    with pytest.raises(LedgerOutOfStep, match="clock was set back") as refused:
        post(account, other, agent)
    assert refused.value.data["constraint"] == "ledger_action_too_early"
    assert Action.objects.count() == before
    post(third, other, agent)
