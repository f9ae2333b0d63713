"""demo_data: a believable bank, the same for the same arguments, and exactly as large as was asked for."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.core.management.base import CommandError
from django.db.models import Count, F, Max, Min
from django.utils import timezone
from pytest_django import Settings

from audit.models import Outbox
from backoffice.models import Entity, User
from ledger.choices import ActionType
from ledger.demo.load import shared
from ledger.demo.today import live_today
from ledger.models import Account, Action, Approval, Hold, Limit
from ledger.money import exponent
from ledger.movements import WEEK, midnight
from tests.scope import call_command

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])

UNTIL = "2026-03-01"
END = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _password(settings: Settings) -> None:
    settings.DEMO_PASSWORD = "known to the test"


def load(customers: int = 60, actions: int = 900, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    arguments = {"seed": 5, "until": UNTIL, **options}
    call_command(
        "demo_data", customers=customers, actions=actions, json=True, stdout=out, stderr=io.StringIO(), **arguments
    )
    return json.loads(out.getvalue())  # type: ignore[no-any-return]  # an object, as the command says


def record(using: str) -> list[tuple[Any, ...]]:
    """Return everything that an action says, but what the database gave."""
    actions = Action.objects.using(using).order_by("id")
    return list(
        actions.values_list(
            "account__uid", "account__user__username", "account__user__last_name", "account__user__email", "account__note",
            "account__user__phone", "entity__code", "currency", "type", "delta", "balance", "created", "reference_type",
            "external_reference", "comment", "by__username",
        )
    )  # fmt: skip


def test_exactly_so_many_customers_and_actions_are_made() -> None:
    report = load(60, 900)
    assert (report["accounts"], report["actions"]) == (60, 900)
    assert (Account.objects.count(), Action.objects.count()) == (60, 900)
    assert User.objects.filter(is_staff=False).count() == 60


def test_the_same_arguments_make_the_same_bank() -> None:
    load(using="default")
    load(using="sandbox")
    assert record("default") == record("sandbox")
    assert len({action[0] for action in record("default")}) == 60


def test_another_seed_makes_another_bank_beside_the_first() -> None:
    load(20, 200, seed=5)
    load(20, 200, seed=6)
    assert (Account.objects.count(), Action.objects.count()) == (40, 400)


def test_the_same_seed_again_is_misuse() -> None:
    load(5, 20)
    with pytest.raises(CommandError, match="holds the data of seed 5 already") as refusal:
        load(5, 20)
    assert refusal.value.returncode == 2
    assert Account.objects.count() == 5


def test_movements_lie_within_two_years_and_after_the_opening() -> None:
    load()
    moments = Action.objects.aggregate(first=Min("created"), last=Max("created"))
    assert END - timedelta(days=732) < moments["first"] < moments["last"] < END
    assert not Action.objects.filter(created__lt=F("account__created")).exists()


def test_actions_are_recorded_in_the_order_of_their_time() -> None:
    load()
    moments = list(Action.objects.exclude(type="created").order_by("id").values_list("created", flat=True))
    assert moments == sorted(moments)


def test_there_is_something_of_everything() -> None:
    load(300, 6000)
    assert set(Account.objects.values_list("status", flat=True)) == {"open", "frozen", "closed"}
    assert set(Account.objects.values_list("currency", flat=True)) == {"CZK", "EUR", "GBP", "JPY", "KWD", "USD"}
    assert set(Action.objects.values_list("type", flat=True)) == {kind.value for kind in Action.Type}
    assert Account.objects.values("entity").distinct().count() >= 7
    assert Action.objects.values("by").distinct().count() >= 6
    assert Account.objects.exclude(note="").exists()
    assert not Action.objects.filter(type__in=["frozen", "unfrozen", "closed"], comment="").exists()
    assert not Action.objects.filter(type__in=["deposited", "withdrawn"], external_reference="").exists()
    assert not User.objects.filter(is_staff=False).exclude(email__regex=r"@example\.(com|org|net)$").exists()


def test_who_freezes_unfreezes_and_closes_may_do_it() -> None:
    load(300, 3000)
    verbs = {ActionType.FROZEN: "freeze", ActionType.UNFROZEN: "unfreeze", ActionType.CLOSED: "close"}
    done = Action.objects.filter(type__in=verbs).values_list("type", "by").distinct()
    people = User.objects.in_bulk([by for _, by in done])
    assert {kind for kind, _ in done} == set(verbs)
    assert [(kind, by) for kind, by in done if not people[by].has_perm(f"ledger.{verbs[ActionType(kind)]}")] == []


def test_holds_of_each_state_transfers_and_what_was_taken_back_are_there() -> None:
    load(60, 1500)
    assert set(Hold.objects.values_list("state", flat=True)) == {"pending", "captured", "released", "expired"}
    assert Hold.objects.filter(state="captured", captured__lt=F("amount")).exists()
    assert Action.objects.filter(type="reversed").exclude(transfer=None).count() == 2
    assert Action.objects.filter(type="reversed", transfer=None).count() == 1
    assert Action.objects.filter(type="refunded").count() == 1
    assert set(Limit.objects.values_list("kind", flat=True)) >= {"daily_turnover", "monthly_turnover"}


def test_some_accounts_are_near_each_limit() -> None:
    load(300, 6000)
    widest = {limit.currency: limit.amount for limit in Limit.objects.filter(kind="max_balance", account=None)}
    accounts = list(Account.objects.filter(status="open"))
    assert any(account.balance > widest[account.currency] * 99 / 100 for account in accounts)
    assert any(0 < account.balance < 40 * 10 ** -exponent(account.currency) for account in accounts)
    own = list(Limit.objects.filter(kind="max_balance").exclude(account=None).select_related("account"))
    assert own
    assert all(limit.account and limit.account.balance < limit.amount < limit.account.balance * 2 for limit in own)
    assert Limit.objects.filter(entity__code="ostrava").count() == 1


def test_entities_form_a_tree_with_one_top() -> None:
    load(5, 20)
    assert list(Entity.objects.filter(parent=None).values_list("code", flat=True)) == ["alderwick"]


def test_if_empty_adds_nothing_to_a_ledger_that_has_accounts() -> None:
    load(5, 20)
    User.objects.filter(username="analyst").update(username="somebody.else")
    report = load(50, 500, seed=7, if_empty=True)
    assert (report["accounts"], report["actions"]) == (5, 20)
    assert User.objects.filter(username="analyst").exists()


def test_each_login_works_and_only_the_administrator_may_everything() -> None:
    report = load(5, 20)
    assert report["logins"] == ["agent", "lead", "reviewer", "analyst", "importer", "admin", "deputy"]
    people = [authenticate(username=name, password="known to the test") for name in report["logins"]]
    assert [bool(person and person.is_superuser) for person in people] == [*[False] * 5, True, False]
    assert all(person and person.is_staff for person in people)


def test_a_login_gets_the_group_of_its_role() -> None:
    Group.objects.get_or_create(name="Support agent")
    load(5, 20)
    agents = User.objects.filter(groups__name="Support agent").order_by("username")
    assert list(agents.values_list("username", flat=True)) == ["agent", "emily.hart"]  # hers was asked for and approved


def test_a_password_is_made_and_kept_where_none_is_set(settings: Settings, tmp_path: Path) -> None:
    settings.DEMO_PASSWORD, settings.BACKOFFICE_DATA = "", tmp_path
    load(5, 20)
    kept = tmp_path / "demo_password"
    assert authenticate(username="agent", password=kept.read_text())
    assert kept.stat().st_mode & 0o777 == 0o600


def test_database_of_others_is_not_given_the_demo_s_logins(settings: Settings) -> None:
    own = User.objects.create_user("admin", "ada@bank.example", "a password of her own", is_staff=True)
    settings.USES_EMBEDDED = False
    with pytest.raises(CommandError, match="whom the demo did not make"):
        load(1, 1)
    assert list(User.objects.all()) == [own]
    settings.USES_EMBEDDED = True
    load(1, 1)
    own.refresh_from_db()
    assert (own.check_password("a password of her own"), own.is_superuser, own.groups.count()) == (True, False, 0)
    settings.USES_EMBEDDED = False  # it holds the demo by now
    assert load(1, 1, if_empty=True)["accounts"] == 1


def test_production_refuses_demo_data(settings: Settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError) as refusal:
        load(5, 20)
    assert refusal.value.returncode == 2
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"customers": 0}, {"customers": 10, "actions": 9}, {"until": "yesterday"}, {"until": "2999-01-01"}, {"until": "1960-01-01"},
    ],
)  # fmt: skip
def test_impossible_arguments_are_misuse(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError) as refusal:
        load(**options)
    assert refusal.value.returncode == 2
    assert not User.objects.exists()


@pytest.mark.parametrize("actions", [5, 6, 7, 11, 23])
def test_small_banks_are_exact_too(actions: int) -> None:
    assert load(5, actions)["actions"] == actions


def test_many_small_banks_are_accepted_by_the_ledger() -> None:
    for seed in range(100, 104):
        load(20, 150 + seed, seed=seed)
    assert Account.objects.annotate(number=Count("actions")).exclude(number=F("version")).count() == 0


def test_shares_come_to_exactly_the_total() -> None:
    assert shared(10, [1.0, 1.0, 1.0]) == [3, 3, 4]
    assert shared(0, [1.0, 2.0]) == [0, 0]


def test_requests_for_approval_are_in_every_state_somebody_decides() -> None:
    call_command("demo_data", customers=150, actions=1500, seed=5, verbosity=0)
    found = Approval.objects.order_by("state").values_list("state", flat=True)
    assert list(found) == ["approved", "failed", "pending", "pending", "pending", "pending", "rejected"]
    assert Action.objects.count() == 1500


def test_requests_of_the_demo_are_made_and_decided_by_its_people() -> None:
    call_command("demo_data", customers=150, actions=1500, seed=5, verbosity=0)
    told = Outbox.objects.filter(type__startswith="approval.").values_list("type", "username", "user_id")
    people = User.objects.in_bulk(["agent", "lead"], field_name="username")
    assert {(kind, who, by) for kind, who, by in told} == {
        ("approval.requested", "agent", people["agent"].pk),
        ("approval.approved", "lead", people["lead"].pk),
        ("approval.rejected", "lead", people["lead"].pk),
        ("approval.failed", "lead", people["lead"].pk),
    }
    changes = Outbox.objects.filter(object_type="ledger.approval", type="change.updated")
    assert set(changes.values_list("user_id", flat=True)) == {people["lead"].pk}
    [capped] = Limit.objects.filter(kind="max_deposit", account__isnull=False, amount=100_000)
    assert (
        Outbox.objects.get(object_type="ledger.limit", object_id=str(capped.pk)).user_id
        == User.objects.get(username="admin").pk
    )


def test_a_day_of_the_demo_is_as_one_of_those_before_and_comes_once(account: Account, agent: User) -> None:
    now = timezone.now()
    for week in range(4, 0, -1):
        for amount in (1, 2, 3, 4, 5):
            Account.deposit(uid=account.uid, amount=Decimal(amount), by=agent, asof=now - week * WEEK)
    assert (live_today(), live_today()) == (8, 0)  # two of the five of each week
    assert Account.objects.get().actions.filter(created__gte=midnight(now)).count() == 8
