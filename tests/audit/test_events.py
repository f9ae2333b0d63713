"""Events of the console: what staff see, what is refused, logins; in sentences, from the object and back."""

import uuid
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from audit.models import Outbox
from audit.record import record
from audit.registry import TYPES, UnknownEventType
from backoffice.models import Entity, User
from ledger.models import Account
from tests.audit.store import stored
from tests.audit.test_asof import moment
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
EVENTS = "console:audit_event_changelist"


def recorded(*types: str) -> list[dict[str, Any]]:
    rows = Outbox.objects.exclude(type__startswith="change.").exclude(type__startswith="ledger.")
    return [dict(row) for row in (rows.filter(type__in=types) if types else rows).order_by("id").values()]


def test_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownEventType):
        record("coffee.made")
    with pytest.raises(ValueError, match="database alone"):
        record("change.updated")


def test_login_failure_and_logout_are_recorded_without_the_password(client: Client, reviewer: User) -> None:
    login = reverse("console:login")
    client.post(login, {"username": "reviewer", "password": "wr0ng-secret"}, headers={"user-agent": "Firefox"})
    client.post(login, {"username": "reviewer", "password": PASSWORD})
    client.post(reverse("console:logout"))
    rows = recorded("login.failed", "login.succeeded", "logout")
    assert [(row["type"], row["username"], row["success"]) for row in rows] == [
        ("login.failed", "reviewer", False),
        ("login.succeeded", "reviewer", True),
        ("logout", "reviewer", True),
    ]
    failed = rows[0]
    assert (failed["ip"], failed["method"], failed["path"]) == ("127.0.0.1", "POST", login)
    assert "wr0ng" not in str(rows)


def test_pages_are_recorded_with_object_query_and_request(log: Client, reviewer: User, account: Account) -> None:
    log.get(reverse("console:ledger_account_change", args=[account.pk]))
    log.get(reverse("console:ledger_account_changelist"), {"q": "Nova"})
    log.get(reverse("console:index"))
    rows = recorded("object.viewed", "list.viewed", "page.viewed")
    assert [(row["type"], row["object_type"], row["object_id"], row["status"]) for row in rows] == [
        ("object.viewed", "ledger.account", str(account.pk), 200),
        ("list.viewed", "ledger.account", "", 200),
        ("page.viewed", "", "", 200),
    ]
    assert rows[1]["data"]["query"] == "q=Nova"
    assert {(row["user_id"], row["username"]) for row in rows} == {(reviewer.pk, "reviewer")}
    assert len({row["request_id"] for row in rows} - {""}) == 3


def test_nul_in_what_was_typed_is_recorded_as_something_readable(client: Client) -> None:
    client.get("/console/%00/", headers={"user-agent": "Fire\0fox"})
    record("login.failed", username="a\0b", success=False)
    assert [row["username"] for row in recorded("login.failed")] == ["a\N{REPLACEMENT CHARACTER}b"]


def test_refusal_is_recorded(log: Client, account: Account) -> None:
    page = reverse("console:ledger_account_deposit", args=[account.pk])
    assert log.get(page).status_code == 403
    [row] = recorded("access.refused")
    assert (row["success"], row["status"], row["path"], row["object_id"]) == (False, 403, page, str(account.pk))


def test_reading_the_log_is_recorded(log: Client) -> None:
    event = stored(type="logout")
    log.get(reverse(EVENTS))
    log.get(reverse("console:audit_event_change", args=[event.pk]))
    assert [row["object_id"] for row in recorded("log.viewed")] == ["", str(event.pk)]


def test_reviewer_changes_no_event(log: Client) -> None:
    event = stored(type="logout")
    page = reverse("console:audit_event_change", args=[event.pk])
    assert log.post(page, {"username": "nobody"}).status_code == 403
    assert log.get(reverse("console:audit_event_add")).status_code == 403
    assert log.post(reverse("console:audit_event_delete", args=[event.pk]), {"post": "yes"}).status_code == 403
    assert "save" not in log.get(page).content.decode().lower().replace("autosave", "")


def test_log_is_closed_to_others(client: Client, agent: User) -> None:
    client.force_login(agent)
    assert client.get(reverse(EVENTS)).status_code == 403


def test_sentences_link_to_the_object(log: Client, account: Account) -> None:
    stored(type="object.viewed", object_type="ledger.account", object_id=str(account.pk))
    stored(
        type="change.updated",
        object_type="ledger.account",
        object_id=str(account.pk),
        data={"changes": {"note": {"old": "", "new": "<b>"}}},
    )
    html = log.get(reverse(EVENTS)).content.decode()
    page = reverse("console:ledger_account_change", args=[account.pk])
    assert f'agent looked at <a href="{page}">{account}</a>' in html
    assert "note from nothing to “&lt;b&gt;”" in html
    assert reverse(EVENTS) in log.get(page).content.decode()


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("ledger_account_change", "looked at"),
        ("ledger_account_history", "looked at the history of"),
        ("ledger_account_statement", "looked at the statement of"),
        ("ledger_account_deposit", "opened the deposit form of"),
        ("", "looked at"),
    ],
)
def test_sentence_of_a_view_names_the_page(log: Client, account: Account, page: str, told: str) -> None:
    stored(
        type="object.viewed",
        object_type="ledger.account",
        object_id=str(account.pk),
        data={"page": page} if page else {},
    )
    link = reverse("console:ledger_account_change", args=[account.pk])
    assert f'agent {told} <a href="{link}">{account}</a>' in log.get(reverse(EVENTS)).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "agent", "window": "all"}, 1),
        ({"username": "agent", "window": "all"}, 1),
        ({"q": "lead"}, 1),
        ({"q": "r-1", "window": "all"}, 1),
        ({"q": "r-1"}, 0),
        ({"request_id": "r-1"}, 1),
        ({"q": "ledger.account 7"}, 1),
        ({"type": "logout", "window": "all"}, 1),
        ({"type": "login.", "window": "all"}, 1),
        ({"type": "nonsense"}, 0),
        ({"success": "0"}, 1),
        ({"object_type": "ledger.account", "object_id": "7"}, 1),
        ({"since": "2026-01-01T00:00", "until": "2026-01-02T00:00"}, 1),
        ({"since": "not a date"}, 0),
        ({"window": "all"}, 2),
        ({"q": "nobody"}, 0),
        ({"seen": "ledger.account 7"}, 0),
        ({"seen": "nonsense"}, 0),
        ({"user_id": "9" * 30}, 0),
        ({"entity_id": "x"}, 0),
    ],
)
def test_search_and_filters(log: Client, query: dict[str, str], found: int) -> None:
    stored(type="logout", username="agent", request_id="r-1", created="2026-01-01T12:00Z")
    stored(type="login.failed", username="lead", success=False, object_type="ledger.account", object_id="7")
    page = log.get(reverse(EVENTS), query)
    assert (page.status_code, len(page.context["cl"].result_list)) == (200, found)


ONE = {"entity_id": 1, "user_id": 3, "username": "agent", "success": True, "object_type": "ledger.account", "object_id": "7", "request_id": "r-1", "type": "object.viewed"}  # fmt: skip
OTHER = {"entity_id": 2, "user_id": 4, "username": "lead", "success": False, "object_type": "backoffice.user", "object_id": "8", "request_id": "r-2", "type": "command.refused", "data": {"command": "withdraw", "refusals": []}}  # fmt: skip


@pytest.mark.parametrize("found", ["r-1", "r-2"])
@pytest.mark.parametrize(
    "condition", ["entity_id", "user_id", "username", "success", "object_type", "object_id", "request_id", "type"]
)
def test_each_condition_of_the_search_finds_what_it_names_alone(
    client: Client, admin: User, nord: Entity, condition: str, found: str
) -> None:
    client.force_login(admin)
    other = Entity.objects.create(code="sud", name="Sudbank")
    entities = {1: nord.pk, 2: other.pk}
    wanted: Any = ONE if found == "r-1" else OTHER
    for facts in (ONE, OTHER):
        stored(**{**facts, "entity_id": entities[facts["entity_id"]]})  # type: ignore[index]  # a number
    asked = {"entity_id": entities[wanted["entity_id"]], "success": int(wanted["success"])}.get(condition, wanted[condition])  # fmt: skip
    page = client.get(reverse(EVENTS), {condition: asked})
    assert [event.request_id for event in page.context["cl"].result_list] == [found]


@pytest.mark.parametrize("rows", [3, 30])
def test_log_takes_the_same_queries_however_long(
    log: Client, account: Account, django_assert_num_queries: Any, rows: int
) -> None:
    for _ in range(rows):
        stored(type="object.viewed", object_type="ledger.account", object_id=str(account.pk))
    log.get(reverse(EVENTS))
    with django_assert_num_queries(4, using="audit"):
        page = log.get(reverse(EVENTS))
    assert len(page.context["cl"].result_list) == min(rows, 25)


def test_history_page_tells_compares_and_looks_back(log: Client, account: Account) -> None:
    account.note = "First"
    account.save()
    account.note = "Second"
    account.save()
    page = reverse("console:ledger_account_history", args=[account.pk])
    ids = list(Account.history.filter(id=account.pk).order_by("history_id").values_list("history_id", flat=True))
    html = log.get(page, {"old": ids[0], "new": ids[2]}).content.decode()
    assert "Changed note from “First” to “Second”" in html
    assert "Deposited CZK 100.00" in html
    assert "<td>nothing</td><td>“Second”</td>" in html
    assert "revert" not in html.lower()
    stood = log.get(page, {"at": moment().isoformat()}).content.decode()
    assert "<dd>CZK 100.00</dd>" in stood
    assert "Choose a moment that has been." in log.get(page, {"at": "2999-01-01T00:00"}).content.decode()
    before = log.get(page, {"at": "1999-01-01T00:00"}).content.decode()
    assert "It was not recorded yet" in before
    assert (
        f'<a href="{reverse("console:ledger_account_as_of", args=[account.pk])}">Balance as of a moment</a>' in before
    )
    assert log.get(page, {"old": "x", "new": "9" * 30, "at": "never"}).status_code == 200


@pytest.mark.parametrize("versions", [3, 30])
def test_history_page_takes_the_same_queries_however_long(
    log: Client, account: Account, django_assert_num_queries: Any, versions: int
) -> None:
    for number in range(versions):
        Account.objects.filter(pk=account.pk).update(note=str(number))
    page = reverse("console:ledger_account_history", args=[account.pk])
    log.get(page)
    with django_assert_num_queries(15):
        log.get(page)


def test_history_of_a_person_tells_of_groups(log: Client, agent: User) -> None:
    agent.groups.add(Group.objects.create(name="Night shift"))
    html = log.get(reverse("console:backoffice_user_history", args=[agent.pk])).content.decode()
    assert "Taken into Night shift" in html


def test_every_type_is_documented() -> None:
    text = (settings.BASE_DIR / "docs/audit.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `") and line.count("|") == 5]
    told = {row[1].strip().strip("`"): tuple(cell.strip().strip("`") for cell in row[2:5]) for row in rows}
    assert told == {kind.name: (kind.sentence, kind.written, kind.fields) for kind in TYPES.values()}


def test_refused_command_is_recorded_with_its_sentence(client: Client, admin: User, account: Account) -> None:
    client.force_login(admin)
    page = reverse("console:ledger_account_withdraw", args=[account.pk])
    sent = {"key": str(uuid.uuid4()), "amount": "5000", "reference_type": "none", "comment": "Asked"}
    client.post(page, sent)
    [row] = recorded("command.refused")
    assert (row["success"], row["object_id"], row["data"]["command"]) == (False, str(account.pk), "withdraw")
    assert len(row["data"]["refusals"]) == 1
