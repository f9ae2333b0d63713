"""The search box of every page: where it leads, what it finds, offers and suggests, and for whom."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import Outbox
from backoffice import people
from backoffice.grants import grant
from backoffice.models import Entity, User
from backoffice.roles import AGENT, LEAD
from ledger.admin.finding import searching
from ledger.models import Account, Action, Hold
from ledger.reference import ALPHABET
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
FIND, SUGGEST = "/console/find/", "/console/find/suggestions/"
DAY = timedelta(days=1)


@pytest.fixture
def console(client: Client, agent: User) -> Client:
    """A browser of a support agent who works on nord."""
    agent.groups.add(Group.objects.get(name=AGENT))
    client.force_login(agent)
    return client


@pytest.fixture
def jana(open_account: OpenAccount, agent: User) -> Account:
    """Jana Nováková with CZK 1,234.50 of which 34.50 are held; Petr Čermák, frozen with CZK 5.00, beside her."""
    petr = open_account("5", name="Petr Čermák")
    Account.freeze(uid=petr.uid, by=agent, asof=LONG_AGO + 2 * DAY, comment="Lost card")
    account = open_account(name="Jana Nováková")
    posting: Any = {"uid": account.uid, "by": agent}
    Account.deposit(
        **posting,
        amount=Decimal("1234.50"),
        asof=LONG_AGO + 9 * DAY,
        reference_type="bank_transfer",
        reference="20240001",
    )
    Hold.place(**posting, amount=Decimal("34.50"), asof=LONG_AGO + 20 * DAY)
    return account


@pytest.fixture
def elsewhere(jana: Account, agent: User) -> Account:
    """An account of another entity, which the agent does not work on."""
    other = Entity.objects.create(code="sud", name="Südbank")
    customer = User.objects.create(username="x1", first_name="Jana", last_name="Zahraniční", email="x1@example.com")
    return Account.create(user=customer, entity=other, currency="CZK", by=agent, asof=LONG_AGO)[0]


def page_of(row: Account | Action, command: str = "change") -> str:
    return reverse(f"console:ledger_{row._meta.model_name}_{command}", args=[row.pk])


def hits(response: Any) -> dict[str, list[str]]:
    """Return the labels that the page shows, by part."""
    return {part.heading: [hit.label for hit in part.hits] for part in response.context["found"].parts}


def deposit_of(account: Account) -> Action:
    return account.actions.get(type="deposited")


def test_only_action_is_gone_to(console: Client, jana: Account, elsewhere: Account) -> None:
    action = deposit_of(jana)
    reference = str(action.reference)
    searches = [
        reference, f" {reference.lower().replace('-', ' ')}", str(action.uid), "20240001", "1.234,50", "1,234.50", "1234.5", "+1 234,50",
        "CZK 1234.50", "nov 1234.5", "amount:>1000", "amount:1.234,50 currency:czk", "10 Jan 2024", "2024-01-10", "10.01.2024",
        "jana 10. 1. 2024", "type:deposit balance:>1000", "since:2024-01-10 until:2024-01-10", "entity:nord by:me amount:1234.5",
        "by:agent held:>0 type:deposit",
    ]  # fmt: skip
    for typed in searches:
        assert console.get(FIND, {"q": typed}).headers.get("Location") == page_of(action), typed


def test_only_account_is_gone_to(console: Client, jana: Account, elsewhere: Account) -> None:
    searches = [
        str(jana.uid), jana.user.email, jana.user.email.upper()[:-4], jana.user.username, "jana nov", "NOVAKOVA", "held:>0",
        "nov balance:1,234.50", "jana status:open", "balance:>1000", "entity:Nordbank balance: >= 1000",
    ]  # fmt: skip
    for typed in searches:
        assert console.get(FIND, {"q": typed}).headers.get("Location") == page_of(jana), typed


def test_lists_understand_the_same(console: Client, jana: Account, elsewhere: Account) -> None:
    jn, pc = "Jana Nováková", "Petr Čermák"
    searches: dict[str, list[str]] = {
        "status:frozen": [pc], "status:frozen balance:>1000": [], "status:frozen by:agent since:2024": [pc], "type:hold": [jn],
        "amount:-5": [], "amount:34.5": [jn], "balance:<1000": [pc], "since:2024-01-21": [jn], "until:2023": [], "currency:EUR": [],
        "by:system": [], "entity:nord": [jn, pc], "5 PLN": [], "amount:5": [pc], "5": [pc],
    }  # fmt: skip
    for typed, found in searches.items():
        for name in ("account", "action"):
            rows = console.get(reverse(f"console:ledger_{name}_changelist"), {"q": typed}).context["cl"].result_list
            people = {str(row.user if name == "account" else row.account.user) for row in rows}
            assert sorted(people) == found, (name, typed)
        holds = console.get(reverse("console:ledger_hold_changelist"), {"q": typed}).context["cl"].result_list
        assert {str(hold.account.user) for hold in holds} == {jn} & set(found), typed


def test_ranges_take_both_of_their_ends(console: Client, jana: Account) -> None:
    page, jn, pc = reverse("console:ledger_account_changelist"), "Jana Nováková", "Petr Čermák"
    for typed, found in {
        "amount:4..5": [pc], "amount:5..6": [pc], "amount:1,000..2,000": [jn], "amount:6..30": [],
        "balance:0..5": [pc], "balance:5..5": [pc], "balance:0..4.99": [],
    }.items():  # fmt: skip
        rows = console.get(page, {"q": typed}).context["cl"].result_list
        assert [str(row.user) for row in rows] == found, typed


def test_what_was_understood_is_shown_and_what_was_not_is_told(console: Client, jana: Account) -> None:
    accounts = reverse("console:ledger_account_changelist")
    for page in (FIND, accounts):
        html = console.get(page, {"q": "currency:czk balance:<=1,234.50"}).content.decode()
        assert '<li class="chip">In CZK</li><li class="chip">Balance at most 1,234.5</li>' in html.replace("\n", "")
    problems = {
        "colour:red jana": "There is no operator “colour:”.", "entity:sud": "You see no entity “sud”: nord.",
        "by:jana": "Nobody of the staff is called “jana”", "balance:much": "“much” is no amount",
    }  # fmt: skip
    for typed, problem in problems.items():
        assert hits(console.get(FIND, {"q": typed})) == {}
        for page in (FIND, accounts):
            assert problem in console.get(page, {"q": typed}).content.decode()


def test_every_part_has_its_hits_and_the_way_to_its_list(console: Client, jana: Account, elsewhere: Account) -> None:
    response = console.get(FIND, {"q": "a"})
    assert "Accounts" in hits(response)["Pages"]
    found = console.get(FIND, {"q": "customer"})
    assert hits(found) == {"Accounts": ["Jana Nováková", "Petr Čermák"]}
    assert f'href="{reverse("console:ledger_account_changelist")}?q=customer"' in found.content.decode()


def slips(reference: str) -> dict[str, str]:
    other = ALPHABET[(ALPHABET.index(reference[-1]) + 1) % len(ALPHABET)]
    swap = next(n for n in (0, 1, 4, 5, 8, 9) if reference[n] != reference[n + 1])
    return {
        "wrong": reference[:-1] + other,
        "foreign": f"A{reference[1:]}",
        "swapped": reference[:swap] + reference[swap + 1] + reference[swap] + reference[swap + 2 :],
        "missing": reference[1:],
        "extra": f"{reference}{other}",
    }


def test_mistyped_reference_gets_what_it_may_be(console: Client, jana: Account, elsewhere: Account) -> None:
    reference = str(deposit_of(jana).reference)
    for slip, typed in slips(reference).items():
        response = console.get(FIND, {"q": typed})
        assert "looks like a mistyped reference" in response.content.decode()
        assert hits(response) == {"Did you mean": [reference]}, slip  # offered, not gone to
    for slip, typed in slips(str(elsewhere.actions.get().reference)).items():
        assert hits(console.get(FIND, {"q": typed})) == {}, slip


def test_amount_that_nothing_is_of_is_not_called_a_mistyped_reference(console: Client, jana: Account) -> None:
    html = console.get(FIND, {"q": "JPY 28,639"}).content.decode()
    assert "mistyped reference" not in html
    assert "Nothing there is as you asked." in html


def test_what_another_entity_has_is_not_found(console: Client, elsewhere: Account) -> None:
    action = elsewhere.actions.get()
    for typed in ("x1", "x1@example.com", "Zahraniční", elsewhere.uid, action.reference, action.uid):
        response = console.get(FIND, {"q": str(typed)})
        assert hits(response) == {}, typed
        assert response.context["found"].said


def test_commands_lead_to_whom_they_are_for(console: Client, jana: Account, agent: User) -> None:
    petr = Account.objects.get(status="frozen")
    deposit = str(deposit_of(jana).reference)
    goes = {
        "deposit to nov": page_of(jana, "deposit"), "Freeze jana": page_of(jana, "freeze"), "unfreeze petr": page_of(petr, "unfreeze"),
        "withdraw from balance:>1000": page_of(jana, "withdraw"), "approvals": reverse("console:ledger_approval_changelist"),
    }  # fmt: skip
    for typed, url in goes.items():
        assert console.get(FIND, {"q": typed}).headers.get("Location") == url, typed
    says = {
        "deposit": "Deposit: add a name", "freeze petr": "Freeze is not possible: Petr Čermák · Nordbank · CZK is frozen.",
        "deposit to nobody": "Names are found by how they begin", "capture": "Capture: add the reference of the hold.",
    }  # fmt: skip
    for typed, said in says.items():
        assert said in console.get(FIND, {"q": typed}).content.decode(), typed
    hold = Hold.objects.get()
    capture = reverse("console:ledger_hold_capture", args=[hold.pk])
    assert console.get(FIND, {"q": f"capture {hold.placed.reference}"}).headers.get("Location") == capture
    agent.groups.set([Group.objects.get(name=LEAD)])
    back = page_of(deposit_of(jana), "reverse")
    assert console.get(FIND, {"q": f"reverse {deposit}"}).headers.get("Location") == back


def test_command_is_found_behind_whom_it_is_for_and_with_an_amount(console: Client, jana: Account) -> None:
    goes = {
        "Jana Nováková deposit": "deposit", "withdraw 500 from Jana Nováková": "withdraw", "deposit CZK 1,500.50 to nov": "deposit",
        "deposit 20 EUR to nov": "deposit", "statement nov": "statement", "history of jana": "history", "nov statement": "statement",
    }  # fmt: skip
    for typed, command in goes.items():
        assert console.get(FIND, {"q": typed}).headers.get("Location") == page_of(jana, command), typed
    User.objects.filter(pk=jana.user_id).update(last_name="Deposit")
    assert console.get(FIND, {"q": "jana deposit"}).headers["Location"] == page_of(jana)  # who is called so


def test_what_is_not_among_one_s_rights_is_said_with_the_way_to_what_was_meant(
    console: Client, jana: Account, elsewhere: Account
) -> None:
    reference, hidden = str(deposit_of(jana).reference), str(elsewhere.actions.get().reference)
    meant: dict[str, dict[str, list[str]]] = {
        f"reverse {reference}": {"Actions": [reference]}, "close nov": {"Accounts": ["Jana Nováková"]}, "close": {},
        f"reverse {hidden}": {}, "add user": {},
    }  # fmt: skip
    for typed, found in meant.items():
        response = console.get(FIND, {"q": typed})
        assert hits(response) == found, typed
        assert "is not among your rights." in response.content.decode()
        assert "Nothing was found" not in response.content.decode()
    assert "Nothing was found" not in console.get(FIND, {"q": "deposit"}).content.decode()
    assert "Nothing was found" in console.get(FIND, {"q": "deposit to nobody"}).content.decode()


def test_customers_are_found_by_phone_and_by_the_beginning_of_an_address(
    console: Client, jana: Account, elsewhere: Account
) -> None:
    people = User.objects.filter(pk__in=[jana.user_id, elsewhere.user_id])
    people.update(phone="+420 700 633 537", email="jana.novakova.7@example.com")
    searches = [
        "+420 700 633 537", "+420700633537", "420700633537", "00420 700 633 537", "700 633 537", "700633537", "633537",
        "jana.novakova", "jana.nov", "jana.novakova.",
    ]  # fmt: skip
    for typed in searches:
        assert console.get(FIND, {"q": typed}).headers.get("Location") == page_of(jana), typed
    for typed in ("33537", "+420 700 633 538", "jana.petr", "novakova.7"):
        assert console.get(FIND, {"q": typed}).headers.get("Location") != page_of(jana), typed


def test_number_that_is_nobody_s_phone_is_an_amount(console: Client, open_account: OpenAccount) -> None:
    account = open_account("100000000", currency="JPY")
    for typed in ("100 000 000", "+100000000", "+100 000 000"):
        assert console.get(FIND, {"q": typed}).headers.get("Location") == page_of(deposit_of(account)), typed


def test_actions_are_shown_as_their_list_does(console: Client, jana: Account, agent: User) -> None:
    html = console.get(FIND, {"q": "by:me amount:>0"}).content.decode()
    action = deposit_of(jana)
    assert f'<td><a href="{page_of(jana)}">Jana Nováková</a></td>' in html
    assert f'<th scope="row"><a class="reference" href="{page_of(action)}">{action.reference}</a></th>' in html
    assert '<td class="amount"><span class="amount">+CZK 1,234.50</span></td>' in html


def test_pages_are_those_that_the_reader_may_open(console: Client, client: Client, admin: User) -> None:
    events = reverse("console:audit_event_changelist")
    assert hits(console.get(FIND, {"q": "events"})) == {}
    client.force_login(admin)
    assert client.get(FIND, {"q": "events"}).headers["Location"] == events
    assert hits(client.get(FIND, {"q": "add"}))["Pages"] == ["Add entity", "Add group", "Add import", "Add user"]


def test_staff_without_a_role_find_pages_alone(client: Client, jana: Account, nord: Entity) -> None:
    nobody = User.objects.create_user("nobody", is_staff=True)
    grant(nobody, nord)
    client.force_login(nobody)
    for typed in ("jana", str(jana.uid), str(deposit_of(jana).reference), "status:frozen", "deposit to jana"):
        assert hits(client.get(FIND, {"q": typed})) == {}
        assert client.get(SUGGEST, {"q": typed}).json()["parts"] == []
    assert client.get(FIND, {"q": "password"}).headers["Location"] == reverse("console:password_change")


def test_customers_and_the_anonymous_find_nothing(client: Client, jana: Account) -> None:
    assert client.get(FIND, {"q": "jana"}).headers["Location"].startswith("/console/login/")
    client.force_login(jana.user)
    assert client.get(SUGGEST, {"q": "jana"}).headers["Location"].startswith("/console/login/")


def test_suggestions_are_what_the_page_would_show(console: Client, jana: Account, elsewhere: Account) -> None:
    answer = console.get(SUGGEST, {"q": "nov"}).json()
    [hit] = answer["parts"][0]["hits"]
    assert (answer["parts"][0]["heading"], hit["label"], hit["url"]) == ("Accounts", "Jana Nováková", page_of(jana))
    assert hit["detail"] == f"Nordbank · CZK 1,234.50 · Open · {jana.user.email}"
    assert console.get(SUGGEST, {"q": "status:frozen"}).json()["terms"] == ["The account is frozen"]
    assert console.get(SUGGEST).json() == {"parts": [], "said": [], "terms": []}


def test_every_search_is_an_event(console: Client, jana: Account, agent: User) -> None:
    before = Outbox.objects.order_by("pk").last()
    typed = ((FIND, "customer", 200), (FIND, "jana nov", 302), (SUGGEST, "nov", 200))
    for page, text, status in typed:
        assert console.get(page, {"q": text}).status_code == status
    rows = Outbox.objects.filter(pk__gt=before.pk if before else 0, type="page.viewed").order_by("pk")
    assert [(row.data["page"], row.data["query"], row.status, row.user_id) for row in rows] == [
        ("find", "q=customer", 200, agent.pk), ("find", "q=jana+nov", 302, agent.pk), ("find_suggestions", "q=nov", 200, agent.pk),
    ]  # fmt: skip


def test_box_is_on_every_page_and_needs_no_script(console: Client, jana: Account) -> None:
    pages = (
        reverse("console:index"),
        reverse("console:ledger_account_changelist"),
        page_of(jana),
        page_of(jana, "deposit"),
        FIND,
    )
    for page in pages:
        html = console.get(page).content.decode()
        assert f'<form id="find" role="search" action="{FIND}"' in html
        assert 'name="q"' in html
    assert 'value="&quot;&gt;&lt;b&gt;"' in console.get(FIND, {"q": '"><b>'}).content.decode()


def test_search_costs_the_same_for_3_and_30_rows(console: Client, open_account: OpenAccount) -> None:
    searches = [
        "jana",
        "status:open",
        "entity:nord balance:>0",
        "type:deposit",
        "jana amount:7",
        "7",
        "2 Jan 2024",
        "deposit to jana",
    ]
    counts: list[dict[tuple[str, str], int]] = []
    for number in (3, 27):
        for _ in range(number):
            open_account("7")
        counts.append({(page, typed): cost(console, page, typed) for page in (FIND, SUGGEST) for typed in searches})
    assert counts[0] == counts[1]
    assert max(counts[1].values()) <= 18


def cost(console: Client, page: str, typed: str) -> int:
    """Return the queries of a search, once what is kept for the process is kept."""
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert console.get(page, {"q": typed}).status_code == 200
    return len(queries)


def test_more_than_the_candidates_are_cut_and_told(
    console: Client, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CANDIDATES", 5)
    for _ in range(8):
        open_account("7")
    for typed in ("jana", "entity:nord", "amount:7"):
        name = "action" if typed.startswith("amount") else "account"
        page = console.get(reverse(f"console:ledger_{name}_changelist"), {"q": typed})
        assert len(page.context["cl"].result_list) == 5
        assert "More match than the 5 that are shown" in page.content.decode()


def test_candidates_are_taken_of_what_the_filters_of_a_list_leave(
    console: Client, open_account: OpenAccount, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest are others, and as many as there can be candidates."""
    monkeypatch.setattr(searching, "CANDIDATES", 5)
    frozen = [open_account("7") for _ in range(3)]
    for account in frozen:
        Account.freeze(uid=account.uid, by=agent, asof=timezone.now(), comment="Asked")
    for _ in range(8):
        open_account("7")
    for typed in ("balance:>1", "entity:nord", "jana", "amount:7"):
        page = console.get(reverse("console:ledger_account_changelist"), {"q": typed, "status__exact": "frozen"})
        assert {row.pk for row in page.context["cl"].result_list} == {row.pk for row in frozen}, typed
        assert "More match" not in page.content.decode()
    page = console.get(reverse("console:ledger_action_changelist"), {"q": "by:agent", "type__exact": "frozen"})
    assert len(page.context["cl"].result_list) == 3


def test_names_of_more_people_than_are_looked_at_are_told_whatever_the_filters_leave(
    console: Client, open_account: OpenAccount, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "CANDIDATES", 6)
    accounts = [open_account("7") for _ in range(12)]
    for account in accounts[::3]:
        Account.freeze(uid=account.uid, by=agent, asof=timezone.now(), comment="Asked")
    page, frozen = reverse("console:ledger_account_changelist"), {"status__exact": "frozen"}
    for asked in ({"q": "jana", **frozen}, {"q": "jana status:frozen"}):
        html = console.get(page, asked).content.decode()
        assert "More than 5 people are meant by these words" in html or "No accounts" in html
        refused = console.get(reverse("console:ledger_account_export_csv"), asked)
        assert refused.status_code == 302, asked
    assert (
        console.get(
            f"{reverse('console:ledger_account_deposit_selected')}?list=q%3Djana%26status__exact%3Dfrozen"
        ).status_code
        == 400
    )
    monkeypatch.setattr(people, "CANDIDATES", 1_001)
    assert len(console.get(page, {"q": "jana", **frozen}).context["cl"].result_list) == 4


def test_nothing_is_done_with_all_of_a_search_that_did_not_see_all(
    console: Client, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CANDIDATES", 5)
    accounts = [open_account("7") for _ in range(8)]
    page, said = reverse("console:ledger_account_changelist"), "That is not everything that the search means"
    chosen = {"action": "deposit", "_selected_action": [accounts[0].pk], "select_across": "1"}
    assert said in console.post(f"{page}?q=jana", chosen, follow=True).content.decode()
    assert console.get(f"{reverse('console:ledger_account_deposit_selected')}?list=q%3Djana").status_code == 400
    for kind in ("csv", "xlsx"):
        refused = console.get(reverse(f"console:ledger_account_export_{kind}"), {"q": "jana"}, follow=True)
        assert refused.redirect_chain == [(f"{page}?q=jana", 302)]
        assert said in refused.content.decode()
    by_hand = console.post(f"{page}?q=jana", {**chosen, "select_across": "0"})
    assert by_hand.status_code == 302
    assert by_hand["Location"].startswith(reverse("console:ledger_account_deposit_selected"))


def test_what_was_not_looked_through_is_told(
    console: Client, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "WINDOW", 4)
    monkeypatch.setattr(searching, "EXAMINED", 3)
    accounts = [open_account(balance) for balance in ("1", "2", "3", "4", "5")]
    amounts = {
        "amount:5": accounts[4:],
        "amount:1": [],
        "amount:1 2 Jan 2024": accounts[:1],
        "until:2024-01-02 amount:1": accounts[:1],
    }
    for typed, found in amounts.items():
        page = console.get(reverse("console:ledger_account_changelist"), {"q": typed})
        assert list(page.context["cl"].result_list) == found, typed
        assert "Looked through what was recorded" in page.content.decode()
    page = console.get(reverse("console:ledger_account_changelist"), {"q": "balance:<4"})
    assert list(page.context["cl"].result_list) == accounts[2:3]
    assert "Looked through the newest 3 of these accounts" in page.content.decode()
