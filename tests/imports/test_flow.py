"""An import in the console: uploaded, previewed row by row, posted once, its refused rows handed back."""

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from audit.models import Event, Outbox
from audit.names import Subject
from audit.sentences import sentence
from backoffice.grants import grant, revoke
from backoffice.models import Entity, User
from imports.models import STILL, Import
from ledger.models import Account, Action, Limit, Refusal
from tests.cast import PASSWORD, OpenAccount
from tests.imports.conftest import ADD, Desk
from tests.imports.files import HEADER, csv_of, xlsx_of

pytestmark = pytest.mark.django_db


def rows_of(response: Any) -> list[list[str]]:
    content = b"".join(response)
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("name", ["postings.csv", "postings.xlsx"])
def test_file_is_posted_in_its_order_with_running_balances(
    desk: Desk, account: Account, importer: User, name: str
) -> None:
    make = csv_of if name.endswith("csv") else xlsx_of
    content = make(
        (str(account.uid), "deposit", "10.50", "2024-03-01", "bank_transfer", "B-1", "Refund", ""),
        (str(account.uid), "withdrawal", "110", "2024-03-02T10:00:00+00:00", "", "", "", "pay-1"),
    )
    preview = desk.upload(content, name)
    assert [(line.line, line.before, line.change, line.after, line.error) for line, _ in preview.context["lines"]] == [
        (2, "CZK 100.00", "CZK 10.50", "CZK 110.50", ""),
        (3, "CZK 110.50", "-CZK 110.00", "CZK 0.50", ""),
    ]
    assert "Jana Nova" in preview.content.decode()
    account.refresh_from_db()
    assert account.balance == 100

    answer = desk.confirm(preview)

    account.refresh_from_db()
    first, second = account.actions.order_by("version")[2:]
    assert (account.balance, first.external_reference, first.comment, first.by) == (
        Decimal("0.5"),
        "B-1",
        "Refund",
        importer,
    )
    assert (first.created.isoformat(), second.created.isoformat()) == (
        "2024-02-29T23:00:00+00:00",
        "2024-03-02T10:00:00+00:00",
    )
    assert second.reference in answer.content.decode()
    done = Import.objects.get()
    assert (done.state, done.rows, done.posted, done.already_posted, done.refused) == ("posted", 2, 2, 0, 0)


def test_confirming_twice_posts_once(desk: Desk, account: Account) -> None:
    preview = desk.upload(csv_of((account.uid, "deposit", "1", "", "", "", "", "")))
    desk.confirm(preview)
    again = desk.confirm(preview)
    assert (Action.objects.count(), "was posted before, and only once" in again.content.decode()) == (3, True)


def test_discarding_drops_the_file_and_posts_nothing(desk: Desk, account: Account) -> None:
    preview = desk.upload(csv_of((account.uid, "deposit", "1", "", "", "", "", "")))
    page, token = preview.request["PATH_INFO"], preview.context["token"]
    answer = desk.console.post(page, {"token": token, "discard": "1"}, follow=True)
    assert "Nothing was posted: postings.csv is discarded." in answer.content.decode()
    upload = Import.objects.get()
    assert (upload.state, bytes(upload.content), upload.problem) == (
        "discarded",
        b"",
        "It was discarded by who uploaded it.",
    )
    assert Outbox.objects.filter(type="import.discarded", object_id=upload.pk).exists()
    again = desk.console.post(page, {"token": token}, follow=True)
    assert "This file was discarded: upload it again to post it." in again.content.decode()
    listed = desk.console.get(reverse("console:imports_import_changelist")).content.decode()
    assert '<span class="chip chip-closed">Discarded</span>' in listed
    assert Action.objects.count() == 2


@pytest.mark.parametrize("key", ["", "invoice 7"])
def test_same_file_again_posts_nothing(desk: Desk, account: Account, key: str) -> None:
    content = csv_of((account.uid, "deposit", "1", "", "", "", "", key))
    desk.post(content)
    preview = desk.upload(content, "other-name.csv")
    [(line, _)] = preview.context["lines"]
    assert (line.replayed, preview.context["ready"]) == (True, 0)
    assert "Already posted" in preview.content.decode()
    desk.confirm(preview)
    assert Action.objects.count() == 3


def test_a_file_that_a_colleague_posted_is_posted_already(desk: Desk, account: Account) -> None:
    content = csv_of((account.uid, "deposit", "1", "", "", "", "", ""))
    row = desk.post(content)
    colleague = User.objects.create_superuser("colleague", password="correct horse battery")
    desk.console.force_login(colleague)
    preview = desk.upload(content)
    [(line, _)] = preview.context["lines"]
    assert (line.replayed, line.reference, row.posted) == (True, str(Action.objects.latest("id").reference), 1)
    assert Action.objects.count() == 3


def test_a_row_over_the_threshold_says_what_to_do(desk: Desk, account: Account) -> None:
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=50)
    errors = desk.errors(csv_of((account.uid, "deposit", "60", "", "", "", "", "")))
    assert errors[2] == (
        "approval_required",
        (
            "CZK 60.00 is over the approval threshold of CZK 50.00 set for this account: another person has to approve it. "
            "A file posts only what nobody has to approve: ask for this row on the page of its account."
        ),
    )


def test_key_posts_once_whatever_file_brings_it(desk: Desk, account: Account) -> None:
    desk.post(csv_of((account.uid, "deposit", "1", "", "", "", "", "k")))
    other = desk.post(
        csv_of((account.uid, "deposit", "1", "", "", "", "", "k"), (account.uid, "deposit", "2", "", "", "", "", ""))
    )
    assert (other.posted, other.already_posted, Action.objects.count()) == (1, 1, 4)


def test_key_of_another_posting_is_refused(desk: Desk, account: Account) -> None:
    desk.post(csv_of((account.uid, "deposit", "1", "", "", "", "", "k")))
    errors = desk.errors(csv_of((account.uid, "deposit", "2", "", "", "", "", "k")))
    assert errors[2][0] == "idempotency_conflict"


def test_other_content_of_the_same_name_is_warned_of(desk: Desk, account: Account) -> None:
    desk.post(csv_of((account.uid, "deposit", "1", "", "", "", "", "")))
    preview = desk.upload(
        csv_of((account.uid, "deposit", "1", "", "", "", "", ""), (account.uid, "deposit", "2", "", "", "", "", ""))
    )
    assert "Another file of this name was posted" in preview.content.decode()


def bad_and_good(account: Account) -> tuple[tuple[object, ...], ...]:
    return (
        (account.uid, "deposit", "1", "", "", "", "=1+1", ""),
        (account.uid, "withdrawal", "1000", "", "", "", "=2+2", "w"),
        (account.uid, "deposit", "1.001", "", "", "", "", ""),
    )


def test_valid_rows_are_posted_and_bad_ones_handed_back(desk: Desk, account: Account) -> None:
    done = desk.post(csv_of(*bad_and_good(account)))
    account.refresh_from_db()
    assert (account.balance, done.posted, done.refused) == (101, 1, 2)
    page = reverse("console:imports_import_refused", args=[done.pk])
    header, *rows = rows_of(desk.console.get(page))
    assert header == [*HEADER, "line", "code", "error"]
    uid = str(account.uid)
    assert rows == [
        [uid, "withdrawal", "1000", "", "", "", "'=2+2", "w", "3", "insufficient_funds", "CZK 1,000.00 is more than the available CZK 101.00."],
        [uid, "deposit", "1.001", "", "", "", "", "", "4", "invalid_amount", "CZK has 2 decimals, 1.001 has more."],
    ]  # fmt: skip


def test_refused_rows_of_a_workbook_come_back_as_a_workbook(desk: Desk, account: Account) -> None:
    content = xlsx_of((str(account.uid), "deposit", 1.001, "", "", "", "", ""), (str(account.uid), "deposit", "=1+1"))
    page = reverse("console:imports_import_refused", args=[desk.upload(content, "postings.xlsx").context["upload"].pk])
    sheet = load_workbook(io.BytesIO(b"".join(desk.console.get(page)))).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [(row[2], row[8], row[9]) for row in rows] == [(1.001, 2, "invalid_amount"), ("'=1+1", 3, "invalid_amount")]
    assert [cell.data_type for row in sheet.iter_rows() for cell in row if cell.data_type == "f"] == []


def test_mended_file_is_tried_again_under_its_key(desk: Desk, account: Account, agent: User) -> None:
    refused = csv_of((account.uid, "withdrawal", "150", "", "", "", "'=2+2", "w"))
    desk.post(
        csv_of(
            (account.uid, "deposit", "1", "", "", "", "", ""),
            (account.uid, "withdrawal", "150", "", "", "", "=2+2", "w"),
        )
    )
    Account.deposit(uid=account.uid, amount=Decimal(100), by=agent, asof=account.modified)
    done = desk.post(refused)
    account.refresh_from_db()
    assert (done.posted, account.balance, account.actions.latest().comment) == (1, 51, "=2+2")


def test_same_file_again_does_not_post_what_it_was_refused(desk: Desk, account: Account, agent: User) -> None:
    content = csv_of(
        (account.uid, "deposit", "1", "", "", "", "", ""), (account.uid, "withdrawal", "150", "", "", "", "", "w")
    )
    desk.post(content)
    assert Refusal.objects.count() == 1
    Account.deposit(uid=account.uid, amount=Decimal(100), by=agent, asof=account.modified)
    code, sentence = desk.errors(content)[3]
    assert code == "insufficient_funds"
    assert sentence.startswith("Refused when this very file was imported before: CZK 150.00 is more than")


def test_all_or_nothing_posts_nothing_where_a_row_is_refused(desk: Desk, account: Account) -> None:
    preview = desk.upload(csv_of(*bad_and_good(account)), how="all")
    assert preview.context["ready"] == 0
    assert "There is nothing to post." in desk.confirm(preview).content.decode()
    assert (Action.objects.count(), Refusal.objects.count()) == (2, 0)


def test_all_or_nothing_posts_a_file_without_fault(desk: Desk, account: Account) -> None:
    done = desk.post(csv_of((account.uid, "deposit", "1", "", "", "", "", "")), how="all")
    assert (done.posted, done.all_or_nothing) == (1, True)
    page = desk.console.get(reverse("console:imports_import_change", args=[done.pk])).content.decode()
    assert "Every row or none" in page


def test_drift_since_the_preview_is_shown_not_posted(desk: Desk, account: Account, agent: User) -> None:
    preview = desk.upload(csv_of((account.uid, "withdrawal", "60", "", "", "", "", "")))
    Account.withdraw(uid=account.uid, amount=Decimal(50), by=agent, asof=account.modified)
    warned = desk.confirm(preview)
    assert "Something has changed since you looked" in warned.content.decode()
    [(line, _)] = warned.context["lines"]
    assert line.error == "CZK 60.00 is more than the available CZK 50.00."
    account.refresh_from_db()
    assert account.balance == 50


def test_confirmation_needs_the_token_of_this_file(desk: Desk, account: Account) -> None:
    one = desk.upload(csv_of((account.uid, "deposit", "1", "", "", "", "", "")))
    other = desk.upload(csv_of((account.uid, "deposit", "2", "", "", "", "", "")))
    for token in ("", "forged", one.context["token"]):
        desk.console.post(desk.page(other), {"token": token})
    assert Action.objects.count() == 2


def test_upload_of_one_person_is_not_there_for_another(desk: Desk, account: Account, admin: User) -> None:
    preview = desk.upload(csv_of((account.uid, "deposit", "1", "", "", "", "", "")))
    desk.console.force_login(admin)
    page = desk.page(preview)
    assert desk.console.get(page).status_code == desk.console.post(page, {"token": "x"}).status_code == 404
    assert (
        desk.console.get(reverse("console:imports_import_refused", args=[preview.context["upload"].pk])).status_code
        == 404
    )


def test_old_preview_is_not_confirmed_and_its_content_dropped(desk: Desk, account: Account) -> None:
    preview = desk.upload(csv_of((account.uid, "deposit", "1", "", "", "", "", "")))
    old = preview.context["upload"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE imports_import SET created = now() - interval '61 minutes'")
    assert "too old" in desk.confirm(preview).content.decode()
    desk.upload(csv_of((account.uid, "deposit", "2", "", "", "", "", "")))
    old.refresh_from_db()
    assert (old.state, bytes(old.content), Action.objects.count()) == ("expired", b"", 2)


def test_accounts_of_other_entities_are_unknown_to_the_importer(
    desk: Desk, open_account: OpenAccount, importer: User
) -> None:
    other = open_account("100")
    revoke(importer, other.entity)
    errors = desk.errors(csv_of((other.uid, "deposit", "1", "", "", "", "", "")))
    assert errors == {2: ("unknown_account", f"There is no account {other.uid}.")}


def test_upload_is_for_those_who_see_all_of_its_accounts(desk: Desk, account: Account, client: Client) -> None:
    done = desk.post(csv_of((account.uid, "deposit", "1", "", "", "", "", "")))
    desk.upload(b"\xff\xfe", "broken.csv")
    stranger = User.objects.create_user("stranger", is_staff=True)
    stranger.user_permissions.set(Permission.objects.filter(codename="view_import"))
    client.force_login(stranger)
    assert client.get(reverse("console:imports_import_change", args=[done.pk])).status_code == 302
    assert list(client.get(reverse("console:imports_import_changelist")).context["cl"].result_list) == []
    grant(stranger, account.entity)
    assert "CZK 101.00" in client.get(reverse("console:imports_import_change", args=[done.pk])).content.decode()


def test_pages_need_the_permission(client: Client, agent: User, account: Account) -> None:
    agent.user_permissions.set(Permission.objects.filter(codename="view_import"))
    client.force_login(agent)
    pages = [
        reverse(ADD),
        reverse("console:imports_import_example_csv"),
        reverse("console:imports_import_confirm", args=[1]),
    ]
    assert [client.get(page).status_code for page in pages] == [403, 403, 403]
    assert reverse(ADD) not in client.get(reverse("console:imports_import_changelist")).content.decode()


def test_pages_send_the_anonymous_to_the_login(client: Client, nord: object) -> None:
    assert client.get(reverse(ADD)).headers["Location"] == f"{reverse('console:login')}?next={reverse(ADD)}"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_example_file_is_read_again_once_filled_in(desk: Desk, kind: str) -> None:
    content = b"".join(desk.console.get(reverse(f"console:imports_import_example_{kind}")))
    code, sentence = desk.errors(content, f"postings.{kind}")[2]
    assert (code, sentence) == ("unknown_account", "There is no account 00000000-0000-0000-0000-000000000000.")


def test_record_keeps_every_upload_and_cannot_be_changed(desk: Desk, account: Account) -> None:
    desk.upload(b"\xff\xfe", "broken.csv")
    kept = Import.objects.get()
    assert (kept.state, kept.file_name, bytes(kept.content)) == ("unreadable", "broken.csv", b"")
    assert kept.problem == "The file is UTF-16 and not UTF-8 text. Save it as “CSV UTF-8”."
    page = reverse("console:imports_import_change", args=[kept.pk])
    assert kept.problem in desk.console.get(page).content.decode()
    assert desk.console.post(page, {"file_name": "x"}).status_code == 403


def many(open_account: OpenAccount, number: int) -> bytes:
    accounts = [open_account("5") for _ in range(3)]
    return csv_of(*[(accounts[n % 3].uid, "deposit", "1", "2024-05-01", "", "", "", "") for n in range(number)])


def test_statements_of_every_page_are_constant(desk: Desk, open_account: OpenAccount) -> None:
    desk.post(many(open_account, 1))  # fills the caches of content types and permissions
    counts = []
    for number in (3, 30):
        content = many(open_account, number)
        with CaptureQueriesContext(connection) as uploading:
            preview = desk.upload(content)
        with CaptureQueriesContext(connection) as confirming:
            desk.confirm(preview)
        with CaptureQueriesContext(connection) as listing:
            desk.console.get(reverse("console:imports_import_changelist"))
        counts.append((len(uploading), len(confirming), len(listing)))
    assert counts[0] == counts[1], counts
    assert all(count <= limit for count, limit in zip(counts[0], (50, 60, 15), strict=True))


def test_two_thousand_rows_are_posted_in_as_many_statements_as_three(desk: Desk, open_account: OpenAccount) -> None:
    preview = desk.upload(many(open_account, 2000))
    with CaptureQueriesContext(connection) as confirming:
        desk.confirm(preview)
    assert (Import.objects.get().posted, len(confirming) <= 60) == (2000, True)


def test_page_of_a_running_import_keeps_itself_up_to_date(console: Client, importer: User, nord: Entity) -> None:
    facts = {"file_name": "a.csv", "sha256": "0" * 64, "format": "csv", "size": 1, "by": importer}
    running = Import.objects.create(**facts, state="running", rows=5, posted=2, refused=1, entities=[nord.pk])
    page, progress = (reverse(f"console:imports_import_{name}", args=[running.pk]) for name in ("change", "progress"))
    html = console.get(page).content.decode()
    assert f'data-progress="{progress}"' in html
    assert re.search(r'<script src="[^"]*console/progress[^"]*\.js" defer>', html)
    assert console.get(progress).json() == {"running": True, "settled": 3, "total": 5}
    assert not Outbox.objects.filter(data__page="imports_import_progress").exists()
    Import.objects.filter(pk=running.pk).update(moved=timezone.now() - 2 * STILL)
    assert console.get(progress).json()["running"] is False
    assert "progress.js" not in console.get(page).content.decode()
    revoke(importer, nord)
    other = User.objects.create_user("other", password=PASSWORD, is_staff=True)
    other.user_permissions.set(importer.user_permissions.all())
    console.force_login(other)
    assert console.get(progress).status_code == 404


def test_event_of_a_file_names_it_once() -> None:
    facts = {"file": "a.csv", "sha256": "0", "rows": 3, "posted": 2}
    event = Event(type="import.posted", username="ivo", object_type="imports.import", object_id="7", data=facts)
    assert sentence(event, {("imports.import", "7"): Subject("a.csv")}) == "ivo posted a.csv: 3 rows, 2 posted"
    assert sentence(event, {}) == "ivo posted import 7 (a.csv): 3 rows, 2 posted"
