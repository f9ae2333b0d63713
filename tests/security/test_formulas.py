"""Nothing in a file that the console hands out is run by the spreadsheet that opens it."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from backoffice.models import Entity, User
from backoffice.sheets import FORMULA_STARTS, guarded_text, unguarded
from bulk.models import Row, Run
from imports.models import Import
from ledger.choices import Clock
from ledger.models import Account, Hold
from tests.audit.store import stored, stored_alert, stored_dead_letter
from tests.imports.files import csv_of, upload, xlsx_of

EVIL = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    '"=1',
    "\uff1d1",
    "x;=1+1",
    "x\n=1+1;",
    "x;\t@A1",
    "';=1",
)
DOWNLOAD = re.compile(r"_(csv|xlsx|json|refused)$")


def names(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
        elif isinstance(pattern, URLPattern) and pattern.name and DOWNLOAD.search(pattern.name):
            yield namespace + pattern.name, str(pattern.pattern)


DOWNLOADS = sorted({name: route for name, route in names(get_resolver()) if name.startswith("console:")}.items())


def is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def runs(cell: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula, quotes and blanks before it notwithstanding."""
    return cell.lstrip(' "').startswith(tuple(FORMULA_STARTS)) and not is_number(cell.strip(' "'))


def dangers_of_csv(text: str) -> list[str]:
    """The cells that would run, read as it is written, and as one reads it who separates by semicolons and knows no quotes."""
    read = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    torn = re.split(r"[;\r\n]", text)
    return [cell for cell in (*read, *torn) if runs(cell)]


def dangers_of_xlsx(content: bytes) -> list[Any]:
    book = load_workbook(io.BytesIO(content))
    return [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type in {"f", "e"}]


def whole(response: Any) -> bytes:
    return b"".join(response) if response.streaming else bytes(response.content)


def dangers(response: Any, content: bytes) -> list[Any]:
    kind = response.headers["Content-Type"]
    if kind == "application/zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [archive.read(name).decode("utf-8-sig") for name in archive.namelist() if name.endswith(".csv")]
        return [cell for text in files for cell in dangers_of_csv(text)]
    return dangers_of_csv(content.decode("utf-8-sig")) if kind.startswith("text/csv") else dangers_of_xlsx(content)


@settings(deadline=None)
@given(st.text(alphabet="=+-@'\";\t\r\n a\uff1d1", max_size=12))
def test_guarded_text_runs_nowhere_and_comes_back_as_it_was(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([guarded_text(text), "next"])
    assert dangers_of_csv(file.getvalue()) == []
    assert unguarded(guarded_text(text)) == text


@pytest.mark.parametrize("text", ["5; 6", "a;b", "a\n1", "Ask for Eva; he moved.", "1-2", "a=b", "", ";", "'", '"x"'])
def test_text_that_runs_nowhere_is_left_alone(text: str) -> None:
    assert guarded_text(text) == text


@pytest.mark.parametrize("text", EVIL)
def test_probe_sees_what_is_not_guarded(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(["first", text])
    assert dangers_of_csv(file.getvalue())


@pytest.fixture
def hostile(client: Client, admin: User, agent: User, account: Account, nord: Entity) -> dict[str, int]:
    """Texts that would run, wherever people can type; return the ids that addresses need."""
    now = timezone.now()
    for number, text in enumerate(EVIL):
        person = User.objects.create(
            username=f"evil{number}", first_name=text, last_name=text, email="a@example.com", phone=text
        )
        Entity.objects.create(code=f"e{number}", name=text)
        theirs, _ = Account.create(user=person, entity=nord, currency="CZK", by=agent, asof=now)
        theirs.note = text
        theirs.save()
        who: dict[str, Any] = {
            "by": agent,
            "asof": now,
            "comment": text,
            "reference_type": "bank_transfer",
            "reference": text,
        }
        for uid in (account.uid, theirs.uid):
            Account.deposit(uid=uid, amount=Decimal(9), **who)
        Account.transfer(uid=theirs.uid, to=account.uid, amount=Decimal(1), **who)
        Hold.place(uid=account.uid, amount=Decimal(1), **who)
        stored(type="object.changed", username=text, path=text, browser=text, reason=text, data={"note": text})
    stored_alert("=1+1", text="=1+1", username="=1+1", reason="=1+1")
    stored_dead_letter(error="=1+1")
    client.force_login(admin)
    rows = [(str(account.uid), text, "1", text, text, text, text, text) for text in EVIL]
    asked = {"file": upload(csv_of(*rows), "=evil.csv"), "how": "valid", "reason": "=1+1"}
    client.post(reverse("console:imports_import_add"), asked)
    about = {"command": "freeze", "subject": "account", "request_id": "a test", "state": "failed"}
    texts = {"what": "=1+1", "selection": "=1+1", "reason": "=1+1"}
    run = Run.objects.create(by=agent, entities=[nord.pk], total=1, **about, **texts)
    Row.objects.create(run=run, object_id=account.pk, account=account, entity=nord, text="=1+1")
    return {"ledger_account": account.pk, "imports_import": Import.objects.get().pk, "bulk_run": run.pk}


@pytest.mark.django_db(databases=["default", "audit"])
def test_no_download_holds_what_runs(client: Client, hostile: dict[str, int]) -> None:
    assert len(DOWNLOADS) > 30
    found, seen = {}, 0
    for name, route in DOWNLOADS:
        model = "_".join(name.removeprefix("console:").split("_")[:2])
        moment = {"moment": f"{timezone.localtime():%Y-%m-%dT%H:%M}", "clock": Clock.BUSINESS.value}
        asked = moment if "balances" in name else {}
        response = client.get(reverse(name, args=[hostile[model]] if "<" in route else []), asked)
        assert "attachment" in response.headers.get("Content-Disposition", ""), name
        content = whole(response)
        found[name] = dangers(response, content)
        seen += b"SUM(A1)" in content
    assert {name: cells for name, cells in found.items() if cells} == {}
    assert seen > 3


@pytest.mark.django_db(databases=["default", "audit"])
def test_refused_rows_of_a_workbook_do_not_run(client: Client, hostile: dict[str, int], account: Account) -> None:
    rows = [(str(account.uid), "fee", "1", "", text, text, text, "") for text in EVIL if "=" not in text[:1]]
    asked = {"file": upload(xlsx_of(*rows), "evil.xlsx"), "how": "valid", "reason": "The bank sent it"}
    client.post(reverse("console:imports_import_add"), asked)
    response = client.get(reverse("console:imports_import_refused", args=[Import.objects.latest("pk").pk]))
    assert dangers(response, whole(response)) == []
