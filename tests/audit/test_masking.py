"""Personal values of the record, by every way there is to them: to who may not see them, none gives one away."""

import io
import json
import zipfile
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from audit.models import Outbox
from audit.personal import MASK, masked
from backoffice.models import User
from ledger.models import Account
from tests.audit.store import stored
from tests.audit.test_asof import moment

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
THEN, NOW = "Zapomenuta", "Dnesni"
MAIL = "zapomenuta@example.com"
USERS, ACCOUNTS, LOG = "backoffice_user", "ledger_account", "audit_event"


@pytest.fixture
def renamed(account: Account) -> tuple[Account, str]:
    """An account whose customer was once called otherwise, and a moment of that time."""
    them = User.objects.filter(pk=account.user_id)
    them.update(last_name=THEN, email=MAIL, phone="123456789")
    past = moment().isoformat()
    them.update(last_name=NOW, email="dnesni@example.com", phone="987654321")
    stored(type="change.updated", object_type="backoffice.user", object_id=str(account.user_id),
           data={"changes": {"last_name": {"old": THEN, "new": NOW}, "email": {"old": MAIL, "new": "dnesni@example.com"}}})  # fmt: skip
    stored(type="change.created", object_type="backoffice.user", object_id=str(account.user_id),
           data={"new": {"last_name": THEN, "groups": [1]}})  # fmt: skip
    for query in (f"q={THEN}", f"term={THEN}&field_name=user", f"last_name__startswith={THEN}", f"user__email={MAIL}",
                  f"_changelist_filters=q%3D{THEN}%26o%3D1"):  # fmt: skip
        stored(type="list.viewed", object_type="backoffice.user", data={"query": query})
    stored(type="search.saved", data={"name": "One", "query": f"q={THEN}"})
    return account, past


@pytest.fixture(params=[True, False], ids=["may", "may not"])
def may(request: pytest.FixtureRequest, reviewer: User) -> bool:
    if not request.param:
        reviewer.user_permissions.remove(Permission.objects.get(codename="view_personal"))
    return bool(request.param)


def url(name: str, *args: Any, **query: Any) -> str:
    return reverse(f"console:{name}", args=args, query=query)


def text_of(answer: Any) -> str:
    """Return all that an answer says: a page, a file, a workbook, a ZIP."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return str(content.decode())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            return "".join(archive.read(name).decode() for name in archive.namelist())
    sheet: Any = load_workbook(io.BytesIO(content)).active
    return "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row)


def ways(account: Account, past: str) -> list[str]:
    """Return every page and file that tells of the past or of events."""
    ids = list(User.history.filter(id=account.user_id).order_by("history_id").values_list("history_id", flat=True))
    pairs = [{"old": old, "new": new} for old in ids for new in ids if old != new]
    event = stored(type="change.updated", object_type="backoffice.user", object_id=str(account.user_id),
                   data={"changes": {"email": {"old": MAIL, "new": "x"}}})  # fmt: skip
    lists = [
        url(f"{model}_{page}", as_of=past)
        for model in (USERS, ACCOUNTS)
        for page in ("changelist", "export_csv", "export_xlsx")
    ]
    histories = [url(f"{USERS}_history", account.user_id, **pair) for pair in pairs]
    histories += [
        url(f"{model}_history", key, at=past)
        for model, key in ((USERS, account.user_id), (ACCOUNTS, account.pk), ("backoffice_entity", account.entity_id))
    ]
    log = [url(f"{LOG}_{page}") for page in ("changelist", "export_csv", "export_json", "export_xlsx")]
    return [*lists, *histories, *log, url(f"{LOG}_change", event.pk), url(f"{USERS}_history", account.user_id)]


def test_no_page_and_no_file_tells_who_may_not_see_it(log: Client, renamed: tuple[Account, str], may: bool) -> None:
    told = {}
    for way in ways(*renamed):
        answer: Any = log.get(way)
        assert answer.status_code == 200, way
        told[way] = THEN in (text := text_of(answer)) or MAIL in text or "123456789" in text
    without_values = {url(f"{LOG}_export_xlsx")}  # it has no column for the data
    assert {way for way, tells in told.items() if tells} == (told.keys() - without_values if may else set())


def test_who_reads_masked_names_of_the_past_is_told_why(log: Client, renamed: tuple[Account, str], may: bool) -> None:
    account, past = renamed
    told = "are masked (•••) for you: they are read by compliance reviewers"
    pages = [url(f"{model}_changelist", as_of=past) for model in (USERS, ACCOUNTS)]
    pages += [url(f"{USERS}_history", account.user_id, at=past), url(f"{ACCOUNTS}_history", account.pk, at=past)]
    for page in pages:
        assert (told in text_of(log.get(page))) == (not may), page
    for page in (url(f"{ACCOUNTS}_changelist"), url("backoffice_entity_changelist", as_of=past)):
        assert told not in text_of(log.get(page)), page


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (USERS, {"q": THEN}),
        (USERS, {"q": MAIL}),
        (USERS, {"last_name": THEN}),
        (USERS, {"email": MAIL}),
        (USERS, {"phone__gte": "0", "email": MAIL}),
        (ACCOUNTS, {"q": THEN}),
        (ACCOUNTS, {"q": MAIL}),
    ],
)
def test_nothing_of_the_past_is_found_by_what_is_masked(
    log: Client, renamed: tuple[Account, str], may: bool, model: str, asked: dict[str, str]
) -> None:
    found = log.get(url(f"{model}_changelist", as_of=renamed[1], **asked)).context["cl"].result_list
    assert len(found) == (1 if may and "q" not in asked else 0)  # searches know what people are called today


def test_order_of_the_past_tells_nothing(log: Client, open_account: Any) -> None:
    """No list is sorted by a name, of today or of the past."""
    keys = [open_account(name=f"Jan {name}").user_id for name in ("Bela", "Adam", "Cyril")]
    past = moment().isoformat()
    for asked in ("last_name", "-last_name", "1", "-1"):
        rows = log.get(url(f"{USERS}_changelist", as_of=past, o=asked)).context["cl"].result_list
        assert [row.pk for row in rows if row.pk in keys] == keys[::-1], asked


def test_events_cannot_be_filtered_by_what_they_hold(log: Client, renamed: tuple[Account, str]) -> None:
    for asked in ({"data__changes__email__old": MAIL}, {"data__icontains": THEN}, {"browser__icontains": "Fire"}):
        assert log.get(url(f"{LOG}_changelist", window="all", **asked)).status_code == 400


def test_what_was_typed_to_find_somebody_is_masked() -> None:
    told = "q=a&term=b&email__startswith=c&account__user__last_name=d&o=1&_changelist_filters=q%3De%26p%3D2"
    asked = dict(parse_qsl(masked("backoffice.user", {"query": told})["query"]))
    assert dict(parse_qsl(asked.pop("_changelist_filters"))) == {"q": MASK, "p": "2"}
    assert asked == {"q": MASK, "term": MASK, "email__startswith": MASK, "account__user__last_name": MASK, "o": "1"}


def test_relations_of_a_masked_row_are_masked_too(renamed: tuple[Account, str]) -> None:
    from audit.asof import at  # noqa: PLC0415  of this test alone

    account, past = renamed
    row = at(Account.objects.all(), moment().fromisoformat(past), hidden=True).get(pk=account.pk)
    assert (row.user.last_name, row.user.email) == (MASK, MASK)
    [same] = row.entity.account_set.all() if hasattr(row.entity, "account_set") else [row]
    assert same.user.last_name == MASK


def test_search_behind_a_field_is_recorded_and_masked(log: Client, reviewer: User, may: bool) -> None:
    asked = {"term": THEN, "app_label": "backoffice", "model_name": "entity", "field_name": "parent"}
    log.get(reverse("console:autocomplete"), asked)
    row = Outbox.objects.filter(type__endswith="viewed").latest("id")
    assert THEN in json.dumps(row.data)
    event = stored(type=row.type, data=row.data)
    assert (THEN in log.get(url(f"{LOG}_change", event.pk)).content.decode()) is may
