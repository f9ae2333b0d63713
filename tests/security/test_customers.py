"""What a customer can be handed or sent names neither a private id nor an address of the console."""

import csv
import io
import re
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from backoffice.models import Entity, User
from ledger.admin.extras import notify
from ledger.models import Account

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
ADDRESS = re.compile(r"https?://|/console|ledger/|href|\?")


def cells(response: Any) -> list[str]:
    content = b"".join(response)
    if response.headers["Content-Type"].startswith("text/csv"):
        return [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row]
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [str(cell.value) for row in sheet.iter_rows() for cell in row]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_statement_as_a_file_names_no_private_id(client: Client, admin: User, account: Account, kind: str) -> None:
    client.force_login(admin)
    today = timezone.localdate()
    period = {"since": "2024-01-01", "until": f"{today:%Y-%m-%d}"}
    response = client.get(reverse(f"console:ledger_account_statement_{kind}", args=[account.pk]), period)
    assert response.headers["Content-Disposition"].startswith(f'attachment; filename="statement-{account.uid}-')
    private = {str(account.pk), *(str(pk) for pk in account.actions.values_list("pk", flat=True)), str(account.user_id)}
    assert not private & set(cells(response))


def test_statement_on_paper_bears_no_address() -> None:
    """Browsers print the page's address in its margin, which has the private id: there is no margin."""
    css = (settings.BASE_DIR / "static/console/console.css").read_text()
    assert re.search(r"@page \{[^}]*margin: 0;", css)


def test_email_to_a_customer_names_no_address_and_no_id(account: Account) -> None:
    notify(account, "default")
    [sent] = mail.outbox
    text = f"{sent.subject} {sent.body}"
    assert not ADDRESS.search(text.replace("If you have a question", ""))
    assert not re.search(
        rf"\b{account.pk}\b|\b{account.user_id}\b|{account.uid}", re.sub(r"\d+ \w+ \d{4}, \d\d:\d\d", "", text)
    )


def test_line_end_in_a_name_begins_no_header_of_an_email(account: Account) -> None:
    Entity.objects.filter(pk=account.entity_id).update(name="Nord\r\nBcc: evil@example.com")
    notify(Account.objects.select_related("entity", "user").get(pk=account.pk), "default")
    [sent] = mail.outbox
    assert sent.subject == "Your account at Nord Bcc: evil@example.com"
    assert sent.recipients() == [account.user.email]
