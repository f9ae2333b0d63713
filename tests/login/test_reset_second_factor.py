"""Taking off the factors of somebody who has lost them, from the command line."""

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import Outbox
from backoffice.roles import AGENT
from tests.login.door import code, is_in, staff, try_code, try_password, with_app

pytestmark = pytest.mark.django_db(databases=["default", "audit"])


def test_factors_are_taken_off_and_sessions_end_on_record(client: Client) -> None:
    with_app(staff("agent", AGENT))
    other = with_app(staff("other", AGENT))
    try_password(client, "agent")
    try_code(client, code())
    assert is_in(client)
    out = StringIO()
    call_command("reset_second_factor", "agent", reason="Phone lost, seen in person", json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"removed": 1, "sessions": 1}
    assert not is_in(client)
    assert [kept.user for kept in Authenticator.objects.all()] == [other]
    rows = Outbox.objects.filter(type__in=["factor.removed", "session.revoked"]).order_by("type")
    assert [(row.type, row.user_id, row.reason) for row in rows] == [
        ("factor.removed", None, "Phone lost, seen in person"),
        ("session.revoked", None, "Phone lost, seen in person"),
    ]
    assert try_password(client, "agent").url == "/console/"


@pytest.mark.parametrize(("name", "reason"), [("nobody", "Lost"), ("agent", " ")])
def test_nobody_and_no_reason_are_refused(name: str, reason: str) -> None:
    with_app(staff("agent", AGENT))
    with pytest.raises(CommandError) as refused:
        call_command("reset_second_factor", name, reason=reason)
    assert refused.value.returncode == 2
    assert Authenticator.objects.count() == 1
