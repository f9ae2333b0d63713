"""The search box of accounts and actions: what is typed is recognised by its shape and found through indexes."""

import re
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice import embedded
from backoffice.models import Entity, User
from backoffice.people import CANDIDATES, matching
from backoffice.scope import acting
from ledger.admin.finding import searching
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.opening import Opening, open_accounts
from ledger.posting import Posting
from ledger.reference import ALPHABET
from tests import scope
from tests.cast import LONG_AGO, OpenAccount
from tests.console.test_commands import permit

MANY = 12_000
BIG = r"Seq Scan on (ledger_account|ledger_action|backoffice_user)\b"
LISTS = ("ledger_account", "ledger_action")


@pytest.fixture
def console(client: Client, agent: User) -> Client:
    permit(agent)
    client.force_login(agent)
    return client


@pytest.fixture
def jana(open_account: OpenAccount, agent: User) -> Account:
    """Jana Nováková's account, with a deposit that has a bank's reference; Petr's beside it."""
    open_account("5", name="Petr Čermák")
    account = open_account(name="Jana Nováková")
    Account.deposit(
        uid=account.uid,
        amount=Decimal(10),
        by=agent,
        asof=LONG_AGO + timedelta(days=1),
        reference_type="bank_transfer",
        reference="20240001",
    )
    return account


def found(console: Client, name: str, typed: str) -> list[int]:
    """Return the accounts that a list shows for what is typed."""
    rows = console.get(reverse(f"console:{name}_changelist"), {"q": typed}).context["cl"].result_list
    return sorted({row.account_id if isinstance(row, Action) else row.pk for row in rows})


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "typed",
    ["reference", "reference, sloppily", "uid", "address", "Address", "address's beginning", "Nováková", "nov", "JANA", "novakova", "Nová jana", "jána nováková",
     "jana nov", "nov  jana", " Jana ", "20240001", "number", "Number's beginning and name"],
)  # fmt: skip
def test_search_finds_by(console: Client, jana: Account, name: str, typed: str) -> None:
    reference = str(jana.actions.latest().reference)
    words = {
        "reference": reference,
        "reference, sloppily": f" {reference.lower().replace('-', ' ')}",
        "uid": str(jana.uid),
        "address": jana.user.email,
        "number": jana.user.username,
        "Number's beginning and name": f"{jana.user.username.upper()} nov",
        "Address": jana.user.email.upper(),
        "address's beginning": jana.user.email[:-4],
    }
    assert found(console, name, words.get(typed, typed)) == [jana.pk]


@pytest.mark.django_db
def test_search_by_an_action_s_uid_finds_it_and_its_account(console: Client, jana: Account) -> None:
    action = jana.actions.latest()
    response = console.get(reverse("console:ledger_action_changelist"), {"q": str(action.uid)})
    assert list(response.context["cl"].result_list) == [action]
    assert found(console, "ledger_account", str(action.uid)) == [jana.pk]


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "typed",
    ["ovák", "jana petr", "2024", "example.com", "%", "_", "\\", "'; --", "jana " * 40],
)  # fmt: skip
def test_search_does_not_find_by(console: Client, jana: Account, name: str, typed: str) -> None:
    response = console.get(reverse(f"console:{name}_changelist"), {"q": typed})
    assert response.status_code == 200
    if typed.strip() != "jana " * 40:
        assert (found(console, name, typed) == []) != (set(typed.split()) == {"jana"})


@pytest.mark.django_db
def test_capital_with_an_accent_is_folded(console: Client, jana: Account) -> None:
    assert found(console, "ledger_account", "čer") == found(console, "ledger_account", "ČER") != []


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_mistyped_reference_is_told(console: Client, jana: Account, name: str) -> None:
    reference = str(jana.actions.latest().reference)
    wrong = ALPHABET[(ALPHABET.index(reference[-1]) + 1) % len(ALPHABET)]
    html = console.get(reverse(f"console:{name}_changelist"), {"q": reference[:-1] + wrong}).content.decode()
    assert "looks like a mistyped reference" in html


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("nobody@example.com", "Addresses are found by how they begin."),
        ("Xaver", "Names are found by how they begin"),
        ("234-567-89", "That looks like a mistyped reference"),
    ],
)
def test_empty_result_says_what_to_try(console: Client, account: Account, typed: str, sentence: str) -> None:
    html = console.get(reverse("console:ledger_account_changelist"), {"q": typed}).content.decode()
    assert sentence in html
    assert "No account matches" in html


@pytest.mark.django_db
def test_search_of_people_finds_customers(client: Client, admin: User, jana: Account) -> None:
    client.force_login(admin)
    page = reverse("console:backoffice_user_changelist")
    for typed in ("nov", jana.user.email[:6], jana.user.username):
        assert jana.user in client.get(page, {"q": typed}).context["cl"].result_list


@pytest.fixture
def many(committing: None, nord: Entity, agent: User) -> None:
    """MANY customers with an account and a movement each, and fresh statistics."""
    people = User.objects.bulk_create(
        User(username=f"c{n}", last_name=f"Name{n:05}", first_name=f"First{n % 5000:04}", email=f"c{n}@example.com")
        for n in range(MANY)
    )
    opened = open_accounts(
        Account, [Opening(user=user, entity=nord, currency="CZK", by=agent, asof=LONG_AGO) for user in people]
    )
    Account.post_batch(
        [
            Posting(
                type=ActionType.DEPOSITED,
                uid=outcome.unwrap()[0].uid,
                by=agent,
                asof=LONG_AGO,
                amount=Decimal(1),
                reference_type="bank_transfer",
                reference=f"B{number:06}",
            )
            for number, outcome in enumerate(opened)
        ]
    )
    for outcome in opened[::1000]:
        Account.freeze(uid=outcome.unwrap()[0].uid, by=agent, asof=LONG_AGO, comment="Lost")
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("ANALYZE")


def test_no_search_and_no_page_reads_a_whole_table(
    many: None, client: Client, agent: User, nord: Entity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the app role, in the scope of one entity, with bounds that a table of this size is far beyond."""
    for name, bound in (("CANDIDATES", 20), ("EXAMINED", 500), ("WINDOW", 500)):
        monkeypatch.setattr(searching, name, bound)
    permit(agent)
    client.force_login(agent)
    some = Account.objects.select_related("user").earliest("pk")
    reference = str(some.actions.latest().reference)
    searches = ["", str(some.uid), reference, str(some.actions.latest().uid)]
    searches += [some.user.email, "c1234", "c1234@", "name0123", "First0007", "first00 name00007", "B001234", "nobody"]
    searches += [
        "status:frozen",
        "status:frozen amount:1",
        "entity:nord balance:>0",
        "balance:<5 currency:CZK",
        "amount:1",
        "1.00",
    ]
    searches += [
        "name0123 amount:1",
        "by:agent type:deposit",
        "1 Jan 2024",
        "since:2024 until:2024-02",
        "held:>0",
        "name0123 held:>0",
    ]
    empty = {"nobody", "held:>0", "name0123 held:>0", reference[1:]}
    asked: dict[str, tuple[str, str]] = {}  # one statement of each shape
    for name in (*LISTS, "find"):
        for typed in [*searches, reference[1:]]:
            page = reverse(f"console:{name}_changelist" if name in LISTS else "console:find")
            with CaptureQueriesContext(connection) as queries:
                response = client.get(page, {"q": typed} if typed else {})
            assert name == "find" or bool(response.context["cl"].result_count) == (typed not in empty), typed
            selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
            asked |= {re.sub(r"'[^']*'|[0-9]+", "", sql): (f"{name} {typed!r}", sql) for sql in selects}
    with scope.narrow(), acting(actor=agent.pk, request_id="plan", entities=[nord.pk]), connection.cursor() as cursor:
        for where, query in asked.values():
            cursor.execute(f"EXPLAIN {query}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            bounded = re.search(r"LIMIT 10001\)", query)
            assert bounded or not re.search(BIG, plan), f"{where}\n{query}\n{plan}"


READ = "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'backoffice_user'"


def test_people_are_found_by_indexes_and_no_more_are_read_than_shown(many: None, nord: Entity) -> None:
    for typed, most in {
        "name": CANDIDATES,
        "name0123": 10,
        "first0007 name": 10 + CANDIDATES,
        "c1": CANDIDATES,
    }.items():
        with acting(actor=None, request_id="a test", entities=[nord.pk]), connection.cursor() as cursor:
            before = cursor.execute(READ).fetchone()
            people = matching(typed, using="default")
            after = cursor.execute(READ).fetchone()
        assert len(people) == min(CANDIDATES, {"name0123": 10, "first0007 name": 3}.get(typed, CANDIDATES))
        assert after[0] == before[0]
        assert after[1] - before[1] <= 3 * most


@pytest.mark.django_db
def test_people_of_other_entities_are_not_found(open_account: OpenAccount, nord: Entity) -> None:
    customer = open_account(name="Jana Nováková").user
    staff = User.objects.create(username="jan-staff", first_name="Jan", last_name="Novotný", is_staff=True)
    stranger = User.objects.create(username="jan-stranger", first_name="Jan", last_name="Novák")
    with acting(actor=None, request_id="a test", entities=[nord.pk]):
        assert matching("nov", using="default") == [customer.pk]
        assert set(matching("jan nov", using="default", others=True)) == {customer.pk, staff.pk, stranger.pk}
    with acting(actor=None, request_id="a test", entities=[]):
        assert matching("nov", using="default") == []
        assert set(matching("nov", using="default", others=True)) == {staff.pk, stranger.pk}
