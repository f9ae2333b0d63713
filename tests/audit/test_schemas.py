"""The data of events: checked when recorded, and free of secrets whatever is sent to the console."""

import json

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import get_resolver, reverse

from audit.models import Outbox
from audit.record import record
from audit.registry import TYPES
from audit.schemas import BadEventData, check
from backoffice.models import Entity, User
from ledger.models import Account
from tests.test_urls import addresses

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
SECRET = "Tr0ub4dor-and-3"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("logout", {"colour": "red"}, "no field colour"),
        ("right.given", {"kind": "group"}, "needs the field right"),
        ("right.given", {"kind": "group", "right": 3}, "is a int"),
        ("export.downloaded", {"rows": True}, "is a bool"),
        ("export.downloaded", {"password": "x"}, "no field password"),
        ("command.refused", {"command": "deposit", "refusals": [1]}, "is a list"),
        ("approval.requested", {"kind": "posting"}, "needs the field amount, asked, currency, maker"),
    ],
)
def test_data_that_is_not_what_the_schema_says_is_refused(name: str, data: dict[str, object], why: str) -> None:
    with pytest.raises(BadEventData, match=why):
        record(name, data=data)


def test_what_the_database_writes_fits_its_schema(account: Account, agent: User, nord: Entity) -> None:
    Entity.objects.update(name="Nord")
    Entity.objects.create(code="x", name="X").purge_from_db()
    agent.groups.create(name="Night shift")
    written = Outbox.objects.filter(type__startswith="change.")
    for event in written:
        check(event.type, TYPES[event.type].schema, event.data)
    assert {event.type for event in written} == {"change.created", "change.updated", "change.deleted"}


@pytest.mark.parametrize("name", ["approval.requested", "approval.approved", "approval.rejected", "approval.cancelled", "approval.failed", "approval.expired"])  # fmt: skip
def test_approvals_can_be_recorded(name: str, account: Account) -> None:
    record(name, obj=account, data={"kind": "posting", "amount": "5.00", "currency": "CZK", "maker": 1, "asked": {}})
    assert Outbox.objects.get(type=name).object_id == str(account.pk)


@pytest.mark.parametrize("who", [None, "admin"])
def test_secrets_sent_everywhere_reach_no_event(client: Client, agent: User, admin: User, who: str | None) -> None:
    if who:
        client.force_login(User.objects.get(username=who))
    cookies = {client.cookies["sessionid"].value} if who else set()
    sent = {
        "password": SECRET, "password1": SECRET, "old_password": SECRET, "new_password1": SECRET, "token": SECRET,
        "csrfmiddlewaretoken": SECRET, "sessionid": SECRET, "api_key": SECRET, "q": "nova",
    }  # fmt: skip
    for address in sorted(set(addresses(get_resolver()))):
        if who and "/sandbox/" in address:  # the same views as the console's
            continue
        key = client.cookies["sessionid"].value if who else SECRET
        for answer in (
            client.get(address, {**sent, "next": key, "secret": SECRET}),
            client.post(address, sent),
        ):
            if isinstance(answer, StreamingHttpResponse):
                b"".join(answer)  # to its end, so that the file behind it is closed
        if who and "logout" in address:
            client.force_login(User.objects.get(username=who))
            cookies |= {client.cookies["sessionid"].value}
    client.post(reverse("console:login"), {"username": SECRET, "password": SECRET})
    everything = [json.dumps(row, default=str) for row in Outbox.objects.values()]
    assert len(everything) > 3
    for secret in {SECRET} | cookies:
        assert [row for row in everything if secret in row] == []


def test_name_of_a_failed_login_is_kept_where_somebody_has_it(client: Client, agent: User) -> None:
    for name in ("agent", SECRET):
        client.post(reverse("console:login"), {"username": name, "password": "wrong"})
    rows = Outbox.objects.filter(type="login.failed").order_by("id").values_list("username", "data")
    assert list(rows) == [("agent", {}), ("", {"unknown_name": True})]
