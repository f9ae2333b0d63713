"""The start page: who is shown what, that each number is that of the list behind it, and what the page costs."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from backoffice import dashboard, grant_requests
from backoffice.grants import grant
from backoffice.models import Entity, User
from backoffice.roles import ADMINISTRATOR, AGENT, ANALYST, IMPORTER, LEAD, REVIEWER
from bulk.models import Run
from imports.models import Import, State
from ledger import movements
from ledger.admin.dashboard import FULLEST
from ledger.choices import ActionType
from ledger.models import Account, Approval, Cap, Limit
from tests.audit.store import stored, stored_alert, stored_dead_letter, stored_verification
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
INDEX = "console:index"
TILE = re.compile(r'<li><a href="([^"]+)"><strong[^>]*>([\d,+]+)</strong> ([^<]+)</a></li>')
LINE = re.compile(r'<th scope="row">([^<]+?)(?: <span[^>]+>[^<]+</span>)?</th><td class="amount"><a href="([^"]+)">([\d,]+)</a>')  # fmt: skip


@pytest.fixture
def people(nord: Entity) -> dict[str, User]:
    """One person of each role, all working on nord."""
    found = {}
    for role in (AGENT, LEAD, REVIEWER, ANALYST, IMPORTER, ADMINISTRATOR):
        found[role] = User.objects.create_user(role.replace(" ", ""), is_staff=True)
        found[role].groups.add(Group.objects.get(name=role))
        grant(found[role], nord)
    return found


@pytest.fixture
def busy(people: dict[str, User], account: Account, agent: User) -> None:
    """Something of everything that the page tells of."""
    Limit.objects.create(kind="approval", currency="CZK", amount=Decimal(50))
    for amount in (55, 60, 70):
        request(account, people[AGENT], amount)
    reject(55)
    grant_requests.ask(by=agent, give=True, person=people[AGENT], group=Group.objects.get(name=LEAD), reason="x")
    upload = {"format": "csv", "size": 1, "by": people[IMPORTER]}
    Import.objects.create(file_name="a.csv", rows=3, **upload)
    Import.objects.create(file_name="b.csv", state=State.UNREADABLE, **upload)
    Import.objects.create(file_name="c.csv", state=State.POSTED, refused=2, entities=[account.entity_id], **upload)
    stored_alert("1", text="Looked at too many", entity_id=account.entity_id)
    stored_alert("2", text="Looked at more", entity_id=account.entity_id)
    stored_dead_letter()
    stored_verification(1)


def request(account: Account, by: User, amount: int) -> Approval:
    now = timezone.now()
    return Approval.request(verb="deposit", uid=account.uid, amount=Decimal(amount), comment="Sold", by=by, asof=now)


def reject(amount: int) -> None:
    found = Approval.objects.get(amount=amount)
    lead = User.objects.get(username="Supportlead")
    Approval.reject(uid=found.uid, by=lead, asof=timezone.now(), comment=f"Not {amount}")


def browser_of(person: User) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def html_of(person: User) -> str:
    answer = browser_of(person).get(reverse(INDEX))
    assert answer.status_code == 200
    return answer.content.decode()


def tiles(html: str) -> dict[str, str]:
    return {label: number for _, number, label in TILE.findall(html)}


RUNS = {"bulk runs running": "0", "bulk runs failed": "0"}
IMPORTS = {"imports running": "0", "imports stopped": "0"}
WAITING = {
    AGENT: {"decided in the last 7 days": "1", "waiting for others": "2", **RUNS},
    LEAD: {"for you to decide": "2", **RUNS},
    REVIEWER: {
        "open alerts": "2", "delivery given up": "1", "posted": "1", "waiting for confirmation": "0", "with refused rows": "1",
        **RUNS, **IMPORTS, "imports not readable": "0",
    },
    ANALYST: {},
    IMPORTER: {
        "to look at and confirm": "1", "posted": "1", "waiting for confirmation": "1", "with refused rows": "1",
        **IMPORTS, "import not readable": "1",
    },
    ADMINISTRATOR: {
        "for you to decide": "1", "delivery given up": "1", "open alerts": "2", "posted": "1",
        "waiting for confirmation": "0", "with refused rows": "1", **RUNS, **IMPORTS, "imports not readable": "0",
    },
}  # fmt: skip
PANELS = {  # by role, as they stand on the page; none of these people works on every entity
    AGENT: ["What you asked approval for", "Movements", "Jobs"],
    LEAD: ["Approvals", "Movements", "Jobs"],
    REVIEWER: ["Alerts", "Movements", "The record", "Imports of the last seven days", "Jobs"],
    ANALYST: [],
    IMPORTER: ["Your imports", "Movements", "Jobs", "Imports of the last seven days"],
    ADMINISTRATOR: [
        "Deliveries that failed", "Rights to decide on", "Movements", "The record", "Imports of the last seven days",
        "Jobs",
    ],
}  # fmt: skip


@pytest.mark.usefixtures("busy")
def test_each_role_is_shown_what_waits_first_and_only_numbers_of_lists_that_it_may_open(
    people: dict[str, User],
) -> None:
    Entity.objects.create(code="far", name="Far")  # so that nobody here sees everything
    for role, person in people.items():
        html = html_of(person)
        assert (role, tiles(html), re.findall(r"<h3>([^<]+)</h3>", html)) == (role, WAITING[role], PANELS[role])
        browser = browser_of(person)
        for address, number, label in TILE.findall(html):
            listed = browser.get(unescape(address))
            assert (role, label, listed.status_code) == (role, label, 200)
            assert (role, label, str(listed.context["cl"].result_count)) == (role, label, number)


def test_jobs_tell_how_far_they_have_come_and_lead_to_the_lists_behind_them(
    people: dict[str, User], account: Account
) -> None:
    about: dict[str, Any] = {"command": "freeze", "subject": "account", "total": 10, "entities": [account.entity_id]}
    for state, posted in (("running", 4), ("failed", 0), ("done", 10)):
        Run.objects.create(
            by=people[LEAD],
            what=f"Freeze {state}",
            selection="two",
            state=state,
            posted=posted,
            problem="No disk",
            **about,
        )
    files = {"format": "csv", "size": 1, "by": people[IMPORTER], "rows": 8, "entities": [account.entity_id]}
    Import.objects.create(file_name="on.csv", state=State.RUNNING, posted=5, refused=1, moved=timezone.now(), **files)
    Import.objects.create(file_name="dead.csv", state=State.RUNNING, moved=timezone.now() - timedelta(hours=1), **files)
    Import.objects.create(file_name="off.csv", state=State.STOPPED, problem="Closed for today", **files)
    html = html_of(people[REVIEWER])
    numbers = tiles(html)
    for label, number in (
        ("bulk run running", "1"), ("bulk run failed", "1"), ("imports running", "2"), ("import stopped", "1")
    ):  # fmt: skip
        assert (label, numbers[label]) == (label, number)
    for address, number, label in TILE.findall(html):
        listed = browser_of(people[REVIEWER]).get(unescape(address))
        assert (label, str(listed.context["cl"].result_count)) == (label, number)
    assert re.findall(r'aria-label="([^"]+ done)"', html) == ["6 of 8 done", "4 of 10 done"]
    for said in (
        "0 of 10. No disk",
        "0 of 8 rows. Closed for today",
        "0 of 8 rows. The command has to be given again.",
    ):
        assert said in html


def test_start_page_without_anything_to_do_says_so_and_without_a_role_says_what_to_do(
    people: dict[str, User],
) -> None:
    assert "Nothing waits for you." in html_of(people[LEAD])
    assert "Nothing was booked today yet." in html_of(people[LEAD])
    analyst = html_of(people[ANALYST])
    assert re.search(r"<h2>Your work is in the sandbox</h2>\s*<p>[^<]+</p>\s*<p><a [^>]+>Open the sandbox</a>", analyst)
    assert "Ask an administrator for a role" in html_of(User.objects.create_user("new", is_staff=True))


def test_what_one_asked_for_is_told_by_what_was_decided_last_and_then_by_what_waits(
    people: dict[str, User], account: Account
) -> None:
    Limit.objects.create(kind="approval", currency="CZK", amount=Decimal(50))
    for amount in range(61, 75):
        request(account, people[AGENT], amount)
    for amount in (66, 61, 64, 63, 62, 65):
        reject(amount)
    html = html_of(people[AGENT])
    panel = html[html.index("<h3>What you asked approval for") :].partition("</div>")[0]
    assert tiles(panel) == {"decided in the last 7 days": "6", "waiting for others": "8"}
    assert re.findall(r">Deposit CZK (\d+)", panel) == ["65", "62", "63", "64", "61", "74", "73", "72", "71", "70"]
    assert re.findall(r"; decided [^;]+; Not (\d+)", panel) == ["65", "62", "63", "64", "61"]
    for address, number, _ in TILE.findall(panel):
        assert str(browser_of(people[AGENT]).get(unescape(address)).context["cl"].result_count) == number


def test_caps_are_counted_and_the_fullest_are_told(people: dict[str, User], account: Account) -> None:
    def panel() -> str:
        html = html_of(people[AGENT])
        return html[html.index("<h3>Left under the caps") :].partition("</div>")[0]

    assert tiles(panel()) == {"caps": str(Cap.objects.count())}
    assert len(re.findall(r"( left)</a>", panel())) == FULLEST
    assert "Of the others half or more is left." in panel()
    Cap.set(currency="CZK", ceiling=account.balance + 50)
    told = re.findall(r">([^<]+ left)</a>", panel())
    assert (told[0], len(told)) == ("CZK 50.00 left", FULLEST)


def test_header_leads_to_the_very_requests_that_it_counts(
    people: dict[str, User], busy: None, account: Account
) -> None:
    lead = browser_of(people[LEAD])
    request(account, people[LEAD], 80)
    [(address, count)] = re.findall(r'<a href="([^"]+)" class="calls">Approvals: (\d+)</a>', html_of(people[LEAD]))
    assert (len(lead.get(address).context["requests"]), count) == (2, "2")


def test_movements_are_counted_by_type_and_currency_and_lead_to_the_same_actions(
    people: dict[str, User], account: Account, open_account: OpenAccount, agent: User
) -> None:
    other = open_account("5", currency="EUR")
    Account.withdraw(uid=other.uid, amount=Decimal(2), by=agent, asof=timezone.now())
    Account.deposit(uid=account.uid, amount=Decimal(11), by=agent, asof=timezone.now())
    far = Entity.objects.create(code="far", name="Far")
    unseen, _ = Account.create(
        user=User.objects.create(username="x"), entity=far, currency="CZK", by=agent, asof=timezone.now()
    )
    Account.deposit(uid=unseen.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    html = html_of(people[AGENT])
    found = {what: (count, address) for what, address, count in LINE.findall(html)}
    assert {what: count for what, (count, _) in found.items()} == {
        "Deposited, CZK": "2", "Deposited, EUR": "1", "Withdrawn, EUR": "1"
    }  # fmt: skip
    assert '<td class="amount">CZK 111.00</td>' in html
    for count, address in found.values():
        assert str(browser_of(people[AGENT]).get(unescape(address)).context["cl"].result_count) == count
    assert ("Movements by hour" in html) == (timezone.localtime().hour > 0)


def test_usual_is_the_average_of_the_same_weekdays_until_the_same_hour(open_account: OpenAccount) -> None:
    before = timezone.localtime()
    open_account("100")
    open_account("50")
    after = timezone.localtime()
    kind = ("CZK", ActionType.DEPOSITED)
    today = movements.today(after, "default")
    assert (today.booked, today.usual, today.weeks) == ({kind: (2, 150)}, {}, 0)
    assert movements.today(before + movements.WEEK, "default").weeks == 0  # then it was not booked yet
    later = movements.today(after + 2 * movements.WEEK, "default")
    assert (later.booked, later.usual, later.weeks) == ({}, {kind: (1, 75)}, 2)
    assert movements.today(after + 5 * movements.WEEK, "default").weeks == 0
    assert movements.today(after + timedelta(days=6), "default").usual == {}


def test_books_that_were_brought_today_are_compared_by_when_things_happened(
    people: dict[str, User], account: Account, agent: User
) -> None:
    now, kind = timezone.now(), ("CZK", ActionType.DEPOSITED)
    for weeks, amount in ((3, 10), (1, 20)):
        Account.deposit(uid=account.uid, amount=Decimal(amount), by=agent, asof=now - weeks * movements.WEEK)
    found = movements.today(now, "default")
    assert (found.happened, found.weeks, found.booked, found.usual) == (True, 3, {}, {kind: (2 * (Decimal(1) / 3), 10)})
    Account.deposit(uid=account.uid, amount=Decimal(7), by=agent, asof=now)
    assert movements.today(timezone.now(), "default").booked == {kind: (1, 7)}
    html = html_of(people[AGENT])
    assert "before, so all this is by when it happened, of the latest 50,000 actions" in html
    [(_, address, count)] = LINE.findall(html)
    assert (count, browser_of(people[AGENT]).get(unescape(address)).context["cl"].result_count) == ("1", 1)


def test_day_with_more_actions_than_are_counted_tells_of_the_latest(
    people: dict[str, User], account: Account, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movements, "MOST", 3)
    for amount in range(1, 8):
        Account.deposit(uid=account.uid, amount=Decimal(amount), by=agent, asof=timezone.now())
    now = timezone.now()
    found = movements.today(now, "default")
    assert not found.whole
    assert 1 <= found.booked["CZK", ActionType.DEPOSITED].number <= 3
    assert movements.today(now + movements.WEEK, "default").crowded
    html = html_of(people[AGENT])
    [(_, address, count)] = LINE.findall(html)
    assert str(browser_of(people[AGENT]).get(unescape(address)).context["cl"].result_count) == count
    assert "these are the latest, since" in html


def test_runs_of_both_verifications_are_told_and_old_ones_are_called_so(people: dict[str, User]) -> None:
    def told() -> list[str]:
        html = html_of(people[REVIEWER])
        return re.findall(r'class="chip chip-\w+">([^<]+)</span>', html[html.index("<h3>The record") :])

    assert told()[:2] == ["never verified", "never verified"]
    facts = {"type": "books.verified", "data": {"accounts": 1, "actions": 2, "findings": 0}}
    stored(**facts, created=timezone.now() - timedelta(days=3))
    stored_verification(1)
    assert told()[:2] == ["1 finding", "verified long ago"]
    stored(**facts)
    stored(**{**facts, "data": {"accounts": 1, "actions": 2, "findings": 9, "database": "sandbox"}})
    assert told()[:2] == ["1 finding", "verified"]
    assert Event.objects.filter(type="books.verified").count() == 3


@pytest.mark.parametrize("role", [REVIEWER, ADMINISTRATOR])
def test_that_no_alert_is_open_and_nothing_was_given_up_is_told(people: dict[str, User], role: str) -> None:
    numbers = tiles(html_of(people[role]))
    assert (numbers["open alerts"], numbers["deliveries given up"]) == ("0", "0")


def test_panel_that_takes_too_long_says_so_and_the_page_stands(
    people: dict[str, User], account: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(movements, "SUMS", movements.SUMS.replace("sum(a.delta)", "count(pg_sleep(1))"))
    monkeypatch.setattr(dashboard, "LONGEST", 30)
    html = html_of(people[AGENT])
    assert re.findall(r'<h3>Movements</h3>\s*<p class="notice warning" role="alert">', html)
    assert "Left under the caps" in html
    assert [record.getMessage() for record in caplog.records if record.name == "backoffice.dashboard"] == [
        "panel=Movements could not be read"
    ]
    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_start_page_costs_the_same_queries_for_3_and_30_and_stays_small(
    people: dict[str, User], account: Account, admin: User
) -> None:
    Limit.objects.create(kind="approval", currency="CZK", amount=Decimal(50))
    browser = browser_of(admin)

    def fill(numbers: range) -> None:
        for number in numbers:
            request(account, people[AGENT], 60 + number)
            request(account, admin, 200 + number)
            request(account, admin, 300 + number)
            reject(300 + number)
            stored_alert(str(number))
            stored_dead_letter()
            Import.objects.create(file_name=f"{number}.csv", format="csv", size=1, by=admin)

    def cost() -> tuple[int, int, Any]:
        browser.get(reverse(INDEX))
        with (
            CaptureQueriesContext(connections["default"]) as queries,
            CaptureQueriesContext(connections["audit"]) as store,
        ):
            answer = browser.get(reverse(INDEX))
        return len(queries), len(store), answer

    fill(range(3))
    few = cost()
    fill(range(3, 30))
    many = cost()
    assert many[:2] == few[:2]
    assert (many[0] <= 45, many[1] <= 12) == (True, True), many[:2]
    assert len(many[2].content) < 40_000
