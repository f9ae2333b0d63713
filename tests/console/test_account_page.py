"""The account's page: the customer at a glance, whatever the account has been through, at the same cost."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from backoffice.models import Entity, User
from backoffice.scope import acting
from ledger.admin.balance_chart import STEPS
from ledger.admin.periods import named
from ledger.choices import Clock
from ledger.models import Account, Approval, Hold, Limit, Note
from ledger.possible import how_it_stands
from tests.cast import LONG_AGO, OpenAccount
from tests.console.test_commands import permit
from tests.console.test_pages import statements, text

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
Page = Callable[[Account], str]
DAY = timedelta(days=1)


@pytest.fixture
def page(client: Client, admin: User) -> Page:
    """Return an account's page as an administrator sees it."""
    client.force_login(admin)

    def _page(account: Account) -> str:
        return client.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode()

    return _page


def move(account: Account, by: User, amounts: list[str], start: datetime, step: timedelta = DAY) -> None:
    for number, amount in enumerate(amounts):
        post = Account.deposit if Decimal(amount) > 0 else Account.withdraw
        post(uid=account.uid, amount=abs(Decimal(amount)), by=by, asof=start + number * step)


def test_new_account_shows_what_can_be_done_and_no_chart(page: Page, open_account: OpenAccount) -> None:
    html = page(open_account("0"))
    assert "Possible now" in html
    assert "<svg role=" not in html
    assert "Nothing has been noted yet." in html
    assert 'aria-label="Warnings"' not in html


def test_page_says_what_is_possible_what_binds_and_what_is_left(page: Page, account: Account, agent: User) -> None:
    Account.withdraw(uid=account.uid, amount=Decimal(10), by=agent, asof=timezone.now())
    account.refresh_from_db()
    for kind, amount in (("daily_turnover", 100), ("max_deposit", 70), ("approval", 50), ("max_balance", 1000)):
        Limit.objects.create(kind=kind, currency="CZK", amount=amount, account=account)
    stands = how_it_stands(account)
    assert [(one.kind, one.taken, one.left, one.is_near) for one in stands.used] == [
        ("daily_turnover", 110, 0, True),  # the fixture's deposit was recorded today
        ("max_balance", 90, 910, False),
    ]
    shown = text(page(account))
    assert "Deposit Nothing Nothing can be deposited now: the daily turnover set for this account" in shown
    assert "Hold CZK 90.00 the balance" in shown
    assert "Above CZK 50.00 another person has to approve." in shown
    assert "Daily turnover CZK 0.00 left CZK 110.00 of CZK 100.00 " in shown
    assert "Near a limit: daily turnover CZK 110.00 of CZK 100.00, CZK 0.00 left." in shown


def test_frozen_and_closed_accounts_say_why_by_whom_and_since_when(
    page: Page, open_account: OpenAccount, agent: User
) -> None:
    moment = LONG_AGO + 40 * DAY
    account, _ = Account.freeze(uid=open_account("5").uid, by=agent, asof=moment, comment="Stolen card")
    shown = text(page(account))
    assert "Frozen since 10 Feb 2024, 01:00 by agent: Stolen card" in shown
    assert "Possible now" not in shown
    closed, _ = Account.close(uid=open_account().uid, by=agent, asof=moment, comment="Moved away")
    assert "Closed since 10 Feb 2024, 01:00 by agent: Moved away" in text(page(closed))


def test_unusual_amount_of_today_is_warned_of(page: Page, open_account: OpenAccount, agent: User) -> None:
    account = open_account("100")
    move(account, agent, ["20", "-10"] * 5, LONG_AGO + 2 * DAY)
    today = timezone.now()
    Account.deposit(uid=account.uid, amount=Decimal(150), by=agent, asof=today)
    assert "Unusual" not in page(account)
    _, action = Account.deposit(uid=account.uid, amount=Decimal(201), by=agent, asof=today)
    told = f"Unusual: Deposited CZK 201.00 today ( {action.reference} ), where the largest of the 11 movements before was CZK 100.00."
    assert told in text(page(account))


def test_what_waits_and_what_was_booked_late_are_warned_of(page: Page, account: Account, agent: User) -> None:
    Limit.objects.create(kind="approval", currency="CZK", amount=50)
    Approval.request(verb="deposit", uid=account.uid, amount=Decimal(60), comment="x", by=agent, asof=timezone.now())
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=LONG_AGO + DAY / 2)
    html = page(account)
    assert "A request waits for approval ." in text(html)
    assert "One of the latest actions was booked for a time before another" in html
    assert html.count(">back-dated</span>") == 1


def test_chart_shows_the_last_ninety_days_in_forty_steps_at_most(
    page: Page, open_account: OpenAccount, agent: User
) -> None:
    account = open_account("100")
    html = page(account)
    assert "Balance in the last 90 days" in html
    assert len(re.findall(r'<th scope="row">\d+ \w+ \d{4}, \d\d:\d\d</th>', html)) == 1  # nothing moved since
    move(account, agent, ["1"] * 90, timezone.now() - DAY, timedelta(minutes=1))
    html = page(account)
    assert "Balance after 41 of its 91 actions." in html
    rows = re.findall(r'<th scope="row">(\d+ \w+ \d{4}, \d\d:\d\d)</th><td class="amount">([^<]+)</td>', html)
    assert len(rows) == STEPS + 1
    assert (rows[0][1], rows[-1][1]) == ("CZK 100.00", "CZK 190.00")


def test_page_leads_on(page: Page, account: Account) -> None:
    html = page(account)
    for name in ("statement", "as_of", "history"):
        assert f'href="{reverse(f"console:ledger_account_{name}", args=[account.pk])}"' in html
    twin = f'<a href="{reverse("sandbox:ledger_account_change", args=[account.pk])}">its copy in the sandbox</a>'
    assert html.count(twin) == 1


def test_head_of_the_page_says_who_it_is_on_the_telephone_to_who_may_see_it(
    client: Client, page: Page, account: Account, agent: User
) -> None:
    User.objects.filter(pk=account.user_id).update(phone="+420 700 633 537", email="jana@example.com")
    head = page(account).partition('<header class="account">')[2].partition("</header>")[0]
    assert f"Customer number {account.user.username} · +420 700 633 537 · jana@example.com" in text(head)
    permit(agent)
    client.force_login(agent)
    html = client.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode()
    assert f"Customer number {account.user.username} · jana@example.com" in text(html)
    assert "+420 700 633 537" not in html


def told(day: date) -> str:
    return date_format(day, "j M Y")


def test_documents_of_the_account_are_links_that_answer(
    client: Client, page: Page, account: Account, nord: Entity, agent: User
) -> None:
    (_, _, today), (_, before, last) = named(timezone.localdate())[:2]
    section = page(account).partition('id="documents-heading"')[2].partition("</section>")[0]
    assert [text(row) for row in re.findall(r"<tr>(<th scope=.row.*?)</tr>", section)] == [
        f"Statement this month, 1 to {told(today)} Page · To print · CSV · XLSX",
        f"Statement last month, 1 to {told(last)} Page · To print · CSV · XLSX",
        f"Balance end of last month, {told(last)} Page",
        "History everything since it was opened Page",
    ]
    found = [unescape(url) for url in re.findall(r'href="([^"]+)"', section)]
    answers = [client.get(url) for url in found]
    assert [answer.status_code for answer in answers] == [200] * 12
    read = [text(b"".join(answer).decode("utf-8-sig", "replace")) for answer in answers]
    assert f"Statement, {told(before)} to {told(last)}" in read[4]
    assert "closing balance" in read[6]
    assert f"{told(last)}, 23:59:59 By Balance What that is {Clock.BUSINESS.label} CZK 100.00" in read[8]
    young, _ = Account.create(
        user=User.objects.create(username="young"), entity=nord, currency="CZK", by=agent, asof=timezone.now()
    )
    shown = page(young)
    assert "Statement this month" in text(shown)
    assert "last month" not in text(shown)


def busy(account: Account, rows: int, by: User, other: User) -> None:
    """Fill every part of the page with so many rows."""
    move(account, by, ["100", "-10"] * rows, LONG_AGO + 2 * DAY)
    for number in range(rows):
        asked: Any = {"uid": account.uid, "by": by, "comment": "Because of something that takes a line to tell"}
        Hold.place(amount=Decimal(1), asof=timezone.now(), **asked)
        Approval.request(verb="deposit", amount=Decimal(6000 + number), asof=timezone.now(), **asked)
        with acting(actor=by.pk, request_id="a test"):
            Note.write(account=account, text=f"@{other.username}, look at number {number}", by=by)
        account.note = f"Note {number}"
        account.save()


def test_page_costs_the_same_whatever_is_on_it(
    client: Client, open_account: OpenAccount, agent: User, admin: User
) -> None:
    Limit.objects.create(kind="approval", currency="CZK", amount=5000)
    Limit.objects.create(kind="daily_turnover", currency="CZK", amount=10**6)
    client.force_login(admin)
    costs = []
    for rows in (3, 30):
        account = open_account("1000")
        busy(account, rows, agent, admin)
        url = reverse("console:ledger_account_change", args=[account.pk])
        costs.append(statements(client, url))
        assert len(client.get(url).content) < 100_000
    assert costs[0] == costs[1] <= 32
