"""The reviewer's log: pages by keys, searches that are kept, words that lead to objects, masks, signed files."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.exports import check_export
from audit.models import Event, Outbox
from audit.signing import public_key
from backoffice.command import CommandPage, Line
from backoffice.grants import grant
from backoffice.models import Entity, User
from backoffice.scope import acting
from imports.models import Import
from imports.pages import told
from ledger.models import Account, Hold, Limit
from tests.audit.store import stored, stored_alert, stored_seal
from tests.audit.test_asof import moment
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
LOG = "console:audit_event_changelist"


def logged(**of: Any) -> Event:
    return stored(**{"type": "logout", **of})


def shown(log: Client, query: Any = None) -> list[str]:
    """The requests of the events on a page."""
    return [event.request_id for event in log.get(reverse(LOG), query).context["cl"].result_list]


def test_pages_go_on_by_keys_and_back(log: Client) -> None:
    now = timezone.now()
    for number in range(60):  # pairs share a timestamp
        logged(request_id=str(number), created=now - timedelta(minutes=number // 2))
    seen, query = [], ""
    first = log.get(reverse(LOG)).context["cl"]
    while True:
        page = log.get(reverse(LOG) + query).context["cl"]
        seen.append([event.pk for event in page.result_list])
        if not page.following:
            break
        query = page.following
    assert [len(rows) for rows in seen] == [25, 25, 10]
    assert [pk for rows in seen for pk in rows] == list(
        Event.objects.order_by("-created", "-id").values_list("pk", flat=True)
    )
    assert (first.previous, bool(first.following)) == ("", True)
    back = log.get(reverse(LOG) + page.previous).context["cl"]
    assert [event.pk for event in back.result_list] == seen[1]
    again = log.get(reverse(LOG) + back.previous).context["cl"]
    assert ([event.pk for event in again.result_list], again.previous) == (seen[0], "")
    assert log.get(reverse(LOG), {"before": "nonsense"}).status_code == 302


@pytest.mark.parametrize("query", ["", "?q=agent", "?type=logout&window=all", "?success=0", "?seen=ledger.account 1"])
def test_nothing_is_counted(log: Client, query: str) -> None:
    logged()
    with CaptureQueriesContext(connections["audit"]) as queries:
        assert log.get(reverse(LOG) + query).status_code == 200
    assert not [each["sql"] for each in queries if "COUNT(" in each["sql"]]


def test_words_find_what_lists_find_by_them(log: Client, account: Account) -> None:
    logged(object_type="ledger.account", object_id=str(account.pk), request_id="about the account")
    logged(object_type="backoffice.user", object_id=str(account.user_id), request_id="about the person")
    action = account.actions.latest()
    logged(id=action.uid, type="ledger.posted", object_type="ledger.account", object_id="0", request_id="posting",
           data={"reference": action.reference, "what": "deposited", "delta": "1", "held_delta": "0", "balance": "1", "currency": "CZK", "version": 1})  # fmt: skip
    logged(request_id="another")
    both = {"about the account", "about the person"}
    assert set(shown(log, {"q": "Nova"})) == both | {"posting"}
    assert set(shown(log, {"q": account.user.email})) >= both
    assert shown(log, {"q": str(account.uid)}) == ["about the account"] or set(shown(log, {"q": str(account.uid)})) == {"about the account", "posting"}  # fmt: skip
    for typed in (action.reference, action.reference.lower().replace("-", ""), str(action.uid)):
        assert shown(log, {"q": typed}) == ["posting"]  # and not all that happened to its account
    assert shown(log, {"q": str(Event.objects.get(request_id="another").pk)}) == ["another"]


def test_everyone_who_looked_at_a_customer(log: Client, account: Account) -> None:
    logged(type="object.viewed", object_type="ledger.account", object_id=str(account.pk), request_id="account")
    logged(type="object.viewed", object_type="backoffice.user", object_id=str(account.user_id), request_id="person",
           created="2020-01-01T00:00Z")  # fmt: skip
    logged(type="object.viewed", object_type="backoffice.user", object_id="0", request_id="other")
    logged(type="change.updated", object_type="ledger.account", object_id=str(account.pk), data={"changes": {}})
    for about in (f"ledger.account {account.pk}", f"backoffice.user {account.user_id}"):
        assert shown(log, {"seen": about}) == ["account", "person"]
    link = reverse(LOG, query={"seen": f"ledger.account {account.pk}"}).replace("+", "%20")
    page = log.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode().replace("&amp;", "&")
    assert link in page


def test_links_lead_to_person_request_and_object(log: Client) -> None:
    event = logged(user_id=7, request_id="r7", object_type="ledger.account", object_id="9")
    html = log.get(reverse("console:audit_event_change", args=[event.pk])).content.decode()
    for query in ({"user_id": 7}, {"request_id": "r7"}, {"seen": "ledger.account 9"}):
        assert reverse(LOG, query=query) in html


def test_log_can_be_asked_about_rows_of_any_model_there_is(log: Client) -> None:
    """Of auth.user too, which has no table: another model stands for it."""
    labels = [model._meta.label_lower for model in apps.get_models(include_auto_created=True, include_swapped=True)]
    assert "auth.user" in labels
    for label in labels:
        for key in ("1", "9" * 30, "x"):
            assert shown(log, {"seen": f"{label} {key}"}) == [], (label, key)
            assert shown(log, {"q": f"{label} {key}"}) == [], (label, key)


@pytest.mark.parametrize("typed", ["agent", "AGENT", "Hana", "hana malá", "malá", "Mal"])
def test_people_are_found_by_name_or_user_name(log: Client, agent: User, typed: str) -> None:
    User.objects.filter(pk=agent.pk).update(first_name="Hana", last_name="Malá")
    logged(user_id=agent.pk, username="agent", request_id="hers")
    logged(user_id=0, username="agent2", request_id="another")
    page = log.get(reverse(LOG), {"username": typed})
    assert [event.request_id for event in page.context["cl"].result_list] == ["hers"]


def test_search_for_nobody_says_so(log: Client) -> None:
    logged()
    page = log.get(reverse(LOG), {"username": "Xaver"})
    assert len(page.context["cl"].result_list) == 0
    assert "Nobody is called “Xaver”" in page.content.decode()


def test_one_person_has_one_name_everywhere(client: Client, admin: User, agent: User, account: Account) -> None:
    User.objects.filter(pk=agent.pk).update(first_name="Hana", last_name="Malá")
    about = {"object_type": "ledger.account", "object_id": str(account.pk), "user_id": agent.pk, "username": "agent"}
    event = logged(type="object.viewed", **about)
    with acting(actor=agent.pk, username="agent", request_id="r"):
        Account.objects.filter(pk=account.pk).update(note="Rings at night")
    client.force_login(admin)
    history = client.get(reverse("console:ledger_account_history", args=[account.pk]))
    whose = {line.who for line in history.context["lines"]}
    assert {who for who in whose if "agent" in who or "Hana" in who} == {"Hana Malá (agent)"}
    assert "Hana Malá (agent) looked at" in client.get(reverse(LOG)).content.decode()
    page = client.get(reverse("console:audit_event_change", args=[event.pk])).content.decode()
    assert '<div class="readonly">Hana Malá (agent)</div>' in page


def test_event_leads_to_its_seal_and_back(client: Client, admin: User, nord: Entity) -> None:
    client.force_login(admin)
    seal = stored_seal(7)
    event = logged(block=7, position=3, entity_id=nord.pk, request_id="sealed", created="2020-01-01T00:00Z")
    logged(block=8, request_id="another")
    page = client.get(reverse("console:audit_event_change", args=[event.pk])).content.decode()
    seal_page = reverse("console:audit_seal_change", args=[seal.pk])
    assert f'<a href="{seal_page}">Block 7</a>, position 3' in page
    assert f'<a href="{reverse("console:backoffice_entity_change", args=[nord.pk])}">Nordbank</a>' in page
    back = f"{reverse(LOG)}?block=7"
    assert f'href="{back}"' in client.get(seal_page).content.decode()
    assert shown(client, {"block": "7"}) == ["sealed"]


def test_person_s_page_leads_to_what_they_did(log: Client, agent: User) -> None:
    html = log.get(reverse("console:backoffice_user_change", args=[agent.pk])).content.decode()
    assert f"{reverse(LOG)}?user_id={agent.pk}" in html


def test_sentences_tell_values_as_people_know_them(log: Client, nord: Entity, account: Account) -> None:
    other = Entity.objects.create(code="sud", name="Sudbank", parent=nord)
    logged(type="change.updated", object_type="ledger.limit", object_id="1",
           data={"changes": {"entity_id": {"old": nord.pk, "new": other.pk}, "kind": {"old": None, "new": "max_balance"}}})  # fmt: skip
    html = log.get(reverse(LOG)).content.decode()
    assert "entity from Nordbank to Sudbank" in html
    assert f"to {Limit.Kind('max_balance').label}" in html


@pytest.fixture
def personal(agent: User) -> Event:
    data = {
        "changes": {
            "email": {"old": "old@example.com", "new": "new@example.com"},
            "is_staff": {"old": False, "new": True},
        }
    }
    return logged(type="change.updated", object_type="backoffice.user", object_id=str(agent.pk), data=data)


@pytest.mark.parametrize("may", [True, False])
def test_personal_values_are_masked_for_who_may_not_see_them(
    log: Client, reviewer: User, personal: Event, agent: User, may: bool
) -> None:
    if not may:
        reviewer.user_permissions.remove(Permission.objects.get(codename="view_personal"))
    User.objects.filter(pk=agent.pk).update(email="old@example.com")
    User.objects.filter(pk=agent.pk).update(email="new@example.com")
    before = f"{moment():%Y-%m-%dT%H:%M:%S}"
    pages = [
        reverse(LOG),
        reverse("console:audit_event_change", args=[personal.pk]),
        reverse("console:backoffice_user_history", args=[agent.pk]),
    ]
    ids = list(User.history.filter(id=agent.pk).values_list("history_id", flat=True))
    pages.append(f"{pages[-1]}?old={ids[0]}&new={ids[1]}&at={before}")
    for page in pages:
        html = log.get(page).content.decode()
        assert ("old@example.com" in html) is may, page
    zipped = log.get(reverse("console:audit_event_export_json")).content
    assert (b"old@example.com" in unzipped(zipped)[1]) is may


def unzipped(content: bytes) -> tuple[str, bytes, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(name for name in archive.namelist() if not name.endswith(".sig"))
        return name, archive.read(name), archive.read(name + ".sig")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_export_is_signed_and_any_change_of_it_is_found(log: Client, tmp_path: Path, kind: str) -> None:
    logged(request_id="one", data={"page": "index"}, type="page.viewed")
    logged(request_id="two", username="=cmd()")
    logged(request_id="old", created="2020-01-01T00:00Z")
    answer = log.get(reverse(f"console:audit_event_export_{kind}"), {"success": "1"})
    name, content, signature = unzipped(answer.content)
    rows: Any = (
        json.loads(content) if kind == "json" else list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    )
    assert {row["request_id"] for row in rows} == {"one", "two"}
    archive = tmp_path / "events.zip"
    archive.write_bytes(answer.content)
    assert check_export(archive)[0] == []
    file = tmp_path / name
    file.write_bytes(content)
    assert check_export(file)[0] == [f"There is no signature {name}.sig beside the file."]
    file.with_name(f"{name}.sig").write_bytes(signature)
    assert check_export(file)[0] == []
    file.write_bytes(content.replace(b"one", b"0ne"))
    assert check_export(file)[0] == [
        "The file is not the one that was signed: it was changed, or the signature belongs to another."
    ]
    assert check_export(file, trusted=b"0" * 32)[0] == ["The file was signed with another key than this site's."]
    assert len(public_key()) == 32
    event = Outbox.objects.get(type="export.downloaded")
    assert (event.object_type, event.data["rows"], event.data["format"]) == ("audit.event", 2, kind)


def test_export_keeps_moments_to_the_microsecond(log: Client) -> None:
    logged(created="2026-03-01T10:00:00.123456Z", request_id="exact")
    asked = {"request_id": "exact"}
    [row] = json.loads(unzipped(log.get(reverse("console:audit_event_export_json"), asked).content)[1])
    assert row["created"] == "2026-03-01T10:00:00.123456Z"
    content = unzipped(log.get(reverse("console:audit_event_export_csv"), asked).content)[1].decode("utf-8-sig")
    [told] = csv.DictReader(io.StringIO(content))
    assert ".123456" in told["created"]


def test_what_django_asks_itself_stands_in_no_sentence(log: Client) -> None:
    query = "_changelist_filters=q%3DNova&_popup=1&type=logout&looks=no"
    logged(type="object.viewed", object_type="ledger.account", object_id="1", data={"query": query})
    page = log.get(reverse(LOG)).content.decode()
    assert "with type “logout”" in page
    assert "_changelist_filters" not in page
    assert "_popup" not in page
    assert "looks “no”" not in page


def test_log_is_searched_by_words_of_the_reason(log: Client) -> None:
    for number, reason in enumerate(("As the customer wishes, after a stolen phone", "Stolen card", "")):
        logged(reason=reason, request_id=str(number))
    assert shown(log, {"reason": "stolen PHONE"}) == ["0"]
    assert set(shown(log, {"reason": "stolen"})) == {"0", "1"}
    assert shown(log, {"reason": "stol"}) == []
    assert shown(log, {"reason": "stolen", "until": "2020-01-01T00:00"}) == []


def test_lists_are_shown_as_they_stood(log: Client, account: Account, nord: Entity) -> None:
    before = moment()
    Entity.objects.update(name="Later")
    User.objects.filter(pk=account.user_id).update(last_name="Vesela")
    at = (before + timedelta(milliseconds=1)).isoformat()
    for name, then, today in (
        ("ledger_account", "Nordbank", "Later"),
        ("backoffice_entity", "Nordbank", "Later"),
        ("backoffice_user", "Nova", "Vesela"),
    ):
        page = reverse(f"console:{name}_changelist")
        html = log.get(page, {"as_of": at}).content.decode()
        assert then in html
        assert today not in html
        assert "as they stood on" in html
        assert today in log.get(page).content.decode()
    page = reverse("console:ledger_account_changelist")
    assert "CZK 100.00" in log.get(page, {"as_of": at}).content.decode()
    then = reverse("console:ledger_account_history", args=[account.pk])
    assert re.search(rf'href="{then}\?[^"]*at=', log.get(page, {"as_of": at}).content.decode())
    assert account.user.last_name not in log.get(page, {"as_of": "2020-01-01"}).content.decode()
    assert log.get(page, {"as_of": at, "version": "1"}).status_code == 302  # no version holds it
    assert len(log.get(page, {"as_of": at, "q": "Vesela"}).context["cl"].result_list) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [("never", "Enter a valid date/time."), ("2999-01-01", "a moment that has been"), ("0001-01-01", "since 1900")],
)
def test_list_of_no_moment_is_empty_and_says_why(log: Client, account: Account, typed: str, said: str) -> None:
    page = log.get(reverse("console:ledger_account_changelist"), {"as_of": typed})
    assert len(page.context["cl"].result_list) == 0
    assert said in page.context["cl"].problem
    assert f'role="alert">{page.context["cl"].problem} Nothing is shown.' in page.content.decode()


def test_list_of_the_past_offers_no_commands(client: Client, admin: User, account: Account) -> None:
    client.force_login(admin)
    page = reverse("console:ledger_account_changelist")
    at = {"as_of": moment().isoformat()}
    assert 'value="freeze"' in client.get(page).content.decode()
    assert '<select name="action"' not in client.get(page, at).content.decode()
    asked = {"action": "freeze", "_selected_action": [account.pk]}
    assert client.post(page, asked).headers["Location"].endswith(f"freeze/?ids={account.pk}")
    assert "Location" not in client.post(f"{page}?as_of={at['as_of'].replace('+', '%2B')}", asked).headers


def test_holds_and_actions_are_listed_as_they_stood(client: Client, admin: User, account: Account) -> None:
    client.force_login(admin)
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(30), by=admin, asof=timezone.now())
    at = {"as_of": moment().isoformat()}
    _, last = Hold.release(uid=hold.uid, by=admin, asof=timezone.now())
    lists = {name: reverse(f"console:ledger_{name}_changelist") for name in ("hold", "action")}
    assert [row.state for row in client.get(lists["hold"], at).context["cl"].result_list] == ["pending"]
    assert [row.state for row in client.get(lists["hold"]).context["cl"].result_list] == ["released"]
    assert len(client.get(lists["hold"], {**at, "state__exact": "released"}).context["cl"].result_list) == 0
    assert last not in client.get(lists["action"], at).context["cl"].result_list
    assert len(client.get(lists["action"], {**at, "q": "Nova"}).context["cl"].result_list) == 3
    page = reverse("console:ledger_hold_history", args=[hold.pk])
    assert re.search(rf'href="{page}\?[^"]*at=', client.get(lists["hold"], at).content.decode())
    stood = client.get(page, {"at": at["as_of"]}).context["stood"]
    assert dict(stood["fields"])["state"] == "Pending"


@pytest.mark.parametrize("name", ["hold", "action"])
def test_list_of_holds_or_actions_as_they_stood_costs_the_same_queries_for_3_and_30(
    client: Client, admin: User, open_account: OpenAccount, name: str
) -> None:
    client.force_login(admin)
    counts, page = [], reverse(f"console:ledger_{name}_changelist")
    for more in (3, 27):
        for _ in range(more):
            Hold.place(uid=open_account("100").uid, amount=Decimal(1), by=admin, asof=timezone.now())
        for _ in range(2):  # what is cached per process is cached the second time
            with CaptureQueriesContext(connections["default"]) as queries:
                assert client.get(page, {"as_of": moment().isoformat()}).status_code == 200
        counts.append(len([one for one in queries if "COUNT(" not in one["sql"]]))
    assert counts[0] == counts[1]


def test_list_without_a_past_says_so(log: Client) -> None:
    page = reverse(LOG)
    answer = log.get(page, {"as_of": moment().isoformat(), "q": "Nova"}, follow=True)
    assert answer.redirect_chain == [(f"{page}?q=Nova", 302)]
    assert "No list of events is kept as of a moment." in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since": "garbage"}, "Since: Enter a valid date/time."),
        ({"until": "garbage"}, "Until: Enter a valid date/time."),
        ({"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "The window ends before it begins"),
        ({"type": "nonsense"}, "Select a valid choice."),
    ],
)
def test_search_that_cannot_be_read_finds_nothing_and_says_why(log: Client, query: dict[str, str], said: str) -> None:
    logged()
    page = log.get(reverse(LOG), query)
    assert len(page.context["cl"].result_list) == 0
    assert said in page.content.decode().partition('role="alert">')[2].partition("</p>")[0]
    answer = log.get(reverse("console:audit_event_export_csv"), query)
    assert answer.status_code == 302


@pytest.mark.parametrize("rows", [3, 30])
def test_list_of_the_past_takes_the_same_queries_however_long(
    log: Client, open_account: Any, rows: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        open_account("1")
    page, at = reverse("console:ledger_account_changelist"), {"as_of": moment().isoformat()}
    log.get(page, at)
    with django_assert_num_queries(10 if rows <= 25 else 11):  # a list of several pages is counted
        assert len(log.get(page, at).context["cl"].result_list) == min(rows, 25)


def test_history_shows_what_was_related_then(log: Client, account: Account, nord: Entity) -> None:
    Limit.objects.create(kind="max_balance", currency="CZK", amount=9, entity=nord)
    page = reverse("console:backoffice_entity_history", args=[nord.pk])
    html = log.get(page, {"at": moment().isoformat()}).content.decode()
    assert "Maximum balance CZK" in html or "Limits" in html
    assert str(account) in html


@pytest.mark.parametrize("rows", [3, 30])
def test_timeline_joins_views_in_the_same_queries_however_many(
    log: Client, account: Account, rows: int, django_assert_num_queries: Any
) -> None:
    for number in range(rows):
        logged(
            type="object.viewed", object_type="ledger.account", object_id=str(account.pk), username=f"viewer{number}"
        )
    page = reverse("console:ledger_account_history", args=[account.pk])
    assert "viewer2 looked at" in log.get(page).content.decode()
    with django_assert_num_queries(4, using="audit"):
        log.get(page)


def test_no_page_of_the_record_changes_anything_back(log: Client, account: Account, nord: Entity) -> None:
    account.note = "One"
    account.save()
    event = logged(object_type="ledger.account", object_id=str(account.pk))
    at = moment().isoformat()
    pages = [
        reverse(LOG),
        reverse("console:audit_event_change", args=[event.pk]),
        reverse("console:ledger_account_history", args=[account.pk]) + f"?at={at}",
        reverse("console:ledger_account_changelist") + f"?as_of={at}",
    ]
    for page in pages:
        html = log.get(page).content.decode()
        assert not re.search(r"revert|restore|roll ?back|undo", html, re.IGNORECASE), page
        assert 'type="submit" value="Save' not in html
        forms = re.findall(r'<form[^>]*method="post"[^>]*>', html)
        assert all(
            "changelist-form" in form or "logout-form" in form or "/lists/" in form or "event_form" in form
            for form in forms
        ), forms


def test_erased_event_is_told_without_what_it_told(log: Client, account: Account) -> None:
    at = moment()
    logged(type="ledger.posted", object_type="ledger.account", object_id=str(account.pk), data={}, erased=at)
    assert "(erased)" in log.get(reverse(LOG), {"type": "ledger.posted"}).content.decode()


def test_amounts_and_moments_are_told_as_elsewhere(log: Client, account: Account) -> None:
    money = {"currency": "CZK", "balance": "0", "version": 1, "reference": "R", "held_delta": "0.0000"}
    key = {"object_type": "ledger.account", "object_id": str(account.pk)}
    logged(type="ledger.posted", data={**money, "what": "deposited", "delta": "1234567.5000"}, **key)
    logged(type="approval.requested", data={"kind": "posting", "asked": {"verb": "deposit"}, "amount": "2500.0000", "currency": "JPY"})  # fmt: skip
    logged(type="change.updated", data={"changes": {"amount": {"old": "1000.0000", "new": "1500.2500"}, "requested": {"old": None, "new": "2026-07-01T10:00:00+00:00"}}}, object_type="ledger.approval", object_id="0")  # fmt: skip
    event = logged(type="logout", created="2026-11-20T10:30:05Z")
    html = log.get(reverse(LOG)).content.decode()
    assert "deposited, CZK 1,234,567.50, reference R" in html
    assert "deposit JPY 2,500" in html
    assert "amount from 1,000 to 1,500.25; requested from nothing to 1 Jul 2026, 12:00:00 CEST" in html
    assert "20 Nov 2026, 11:30:05 CET" in html
    assert "Since (Europe/Prague)" in html
    page = log.get(reverse("console:audit_event_change", args=[event.pk])).content.decode()
    assert "logout 20 Nov 2026, 11:30:05 CET" in page
    assert "10:30:05" not in page


def test_amounts_of_versions_bear_their_currency(log: Client, account: Account, nord: Entity) -> None:
    limit = Limit.objects.create(kind="max_balance", currency="CZK", amount=1000, entity=nord)
    Limit.objects.filter(pk=limit.pk).update(amount=2500)
    page = reverse("console:ledger_limit_history", args=[limit.pk])
    html = log.get(page, {"at": moment().isoformat()}).content.decode()
    assert "from CZK 1,000.00 to CZK 2,500.00" in html
    assert "<dd>CZK 2,500.00</dd>" in html


def test_what_may_tell_of_other_tenants_is_for_who_sees_all(log: Client, reviewer: User, nord: Entity) -> None:
    """Of no entity, because it was about several: what somebody typed, files, refusals of a selection."""
    sud = Entity.objects.create(code="sud", name="Sudbank")
    typed = logged(type="list.viewed", object_type="ledger.account", data={"query": "q=Xaver+Rich"})
    logged(type="import.uploaded", data={"file": "a.csv", "sha256": "s", "problem": "No account Xaver Rich"})
    logged(type="command.refused", data={"command": "withdraw", "refusals": ["Xaver Rich has CZK 7.00"]})
    pages = [reverse(LOG), reverse("console:audit_event_change", args=[typed.pk])]
    for sees_all in (False, True):
        shown = [log.get(page).content.decode().count("Xaver") for page in pages]
        assert shown == ([3, 2] if sees_all else [0, 0])
        grant(reviewer, sud)


def test_refusals_of_a_selection_are_told_to_each_entity_apart(open_account: OpenAccount, agent: User) -> None:
    class Withdraw(CommandPage):
        name = "withdraw"

    here, there = open_account("1"), open_account("2")
    there.entity = Entity.objects.create(code="sud", name="Sudbank")
    page = Withdraw()
    page.objects = [here, there, here]
    page.tell_refusal([Line(label="", error=text) for text in ("one", "two", "one")])
    events = Outbox.objects.filter(type="command.refused").order_by("id")
    assert [(event.entity_id, event.data["refusals"]) for event in events] == [
        (here.entity_id, ["one"]),
        (there.entity_id, ["two"]),
    ]


def test_files_and_customers_are_of_their_entity(account: Account, agent: User, nord: Entity) -> None:
    for entities in ([nord.pk], [nord.pk, nord.pk + 1]):
        told(Import(file_name="a.csv", by=agent, entities=entities, size=1, sha256="s"), "import.uploaded")
    User.objects.filter(pk=account.user_id).update(last_name="Rich")
    events = Outbox.objects.filter(
        type__in=["import.uploaded", "change.updated"], object_type__in=["imports.import", "backoffice.user"]
    )
    assert [event.entity_id for event in events.order_by("id")][-3:] == [nord.pk, None, nord.pk]


def test_alert_is_seen_and_acknowledged_by_who_works_on_its_entity(log: Client, reviewer: User, nord: Entity) -> None:
    reviewer.user_permissions.add(*Permission.objects.filter(codename__in=("view_alert", "acknowledge_alert")))
    sud = Entity.objects.create(code="sud", name="Sudbank")
    mine, theirs, of_none = (
        stored_alert(str(key), entity_id=key, text=f"Alert {key}") for key in (nord.pk, sud.pk, None)
    )
    for sees_all in (False, True):
        listed = {alert.pk for alert in log.get(reverse("console:audit_alert_changelist")).context["cl"].result_list}
        assert listed == {mine.pk, *((theirs.pk, of_none.pk) if sees_all else ())}
        pages = [reverse("console:audit_alert_acknowledge", args=[alert.pk]) for alert in (mine, theirs, of_none)]
        assert [log.get(page).status_code for page in pages] == [200, *([200, 200] if sees_all else [404, 404])]
        grant(reviewer, sud)
