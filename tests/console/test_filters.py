"""Filters by what is typed, by days, and how far a list looks."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice import filters
from backoffice.admin.lists import encoded
from backoffice.grants import grant
from backoffice.models import Entity, User
from backoffice.roles import IMPORTER
from ledger.admin.filters import RecordedFilter
from ledger.models import Account, Action, Hold
from tests.cast import LONG_AGO, OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
ACTIONS = "console:ledger_action_changelist"
HOLDS = "/console/ledger/hold/"
NO_DAYS = ({"since": "tomorrow", "until": "today"}, {"since": "x"}, {"since": "0001-01-01"}, {"until": "0001-01-01"}, {"until": "9999-12-31"})  # fmt: skip


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def shown(browser: Client, name: str = ACTIONS, **asked: Any) -> Any:
    return browser.get(reverse(name), asked).context["cl"]


def test_objects_are_found_by_what_is_typed(
    browser: Client, open_account: OpenAccount, agent: User, nord: Entity
) -> None:
    jana, petr = open_account("1"), open_account("1", name="Petr Vesely")
    html = browser.get(reverse(ACTIONS), {"account__id__exact": str(petr.pk), "o": "pk"}).content.decode()
    assert "Petr Vesely" in html.partition('class="related-filter"')[2]
    assert 'data-choose="/console/autocomplete/?app_label=ledger&amp;model_name=action&amp;field_name=account"' in html
    found = browser.get(reverse("console:autocomplete"), {"app_label": "ledger", "model_name": "action", "field_name": "account", "term": "Vesely"})  # fmt: skip
    assert [row["id"] for row in found.json()["results"]] == [str(petr.pk)]
    assert shown(browser, account__id__exact=petr.pk).result_count == 2
    assert shown(browser, by__id__exact=agent.pk).result_count == 4
    assert shown(browser, entity__id__exact=nord.pk, account__id__exact=jana.pk).result_count == 2
    assert browser.get(reverse(ACTIONS), {"by__id__exact": "x"}).headers["Location"].endswith("?e=1")
    assert shown(browser, by__id__exact="999999").result_count == 0


def test_filter_keeps_what_was_asked_of_the_others(browser: Client, account: Account) -> None:
    for kind in ("deposited", "withdrawn", "deposited"):
        html = browser.get(reverse(ACTIONS), {"type__exact": kind}).content.decode()
        other = {"deposited": "withdrawn", "withdrawn": "deposited"}[kind]
        days = html.partition('data-filter-title="recorded"')[2]
        assert f'<input type="hidden" name="type__exact" value="{kind}">' in days
        assert f"?days=today&amp;type__exact={kind}" in days
        assert f'value="{other}"' not in days


def test_nothing_that_somebody_looks_for_is_kept_in_a_piece(browser: Client, account: Account) -> None:
    typed = ("q", "comment", "since", "until", "days", "type__exact", "reach", "as_of")  # fmt: skip
    asked_for: list[dict[str, Any]] = [{}, {"type__exact": "deposited"}, {"type__exact": ["deposited", "Zdenka"]}]
    for asked in [*asked_for, *({name: "Zdenka"} for name in typed)]:
        assert browser.get(reverse(ACTIONS), asked).status_code in {200, 302}
    kept = repr(vars(caches["pieces"])["_cache"])
    assert "filter:" in kept
    assert "Zdenka" not in kept


@pytest.mark.parametrize("asked", [{"comment": "Zdenka"}, {"since": "Zdenka"}, {"after": "Zdenka"}, {"q": "Zdenka"}])
def test_no_address_with_what_somebody_typed_is_kept(browser: Client, asked: dict[str, str]) -> None:
    encoded.cache_clear()
    browser.get(reverse(ACTIONS), asked)
    assert encoded.cache_info().currsize == 0
    browser.get(reverse(ACTIONS), {"type__exact": "deposited"})
    assert encoded.cache_info().currsize > 0


def test_what_is_chosen_is_told_to_who_may_see_it_whoever_asked_before(
    browser: Client, account: Account, nord: Entity
) -> None:
    asked = {"account__id__exact": account.pk, "by__id__exact": account.actions.latest().by_id}
    assert "Jana Nova" in browser.get(reverse(ACTIONS), asked).content.decode()
    importer = User.objects.create_user("ida", is_staff=True)
    importer.groups.add(Group.objects.get(name=IMPORTER))
    grant(importer, nord)
    browser.force_login(importer)
    html = browser.get(reverse(ACTIONS), asked).content.decode()
    assert html.count(filters.UNSEEN) == 1
    assert "Jana Nova" not in repr(vars(caches["pieces"])["_cache"])


def test_who_sees_no_people_is_offered_none(client: Client, account: Account, nord: Entity) -> None:
    importer = User.objects.create_user("ida", is_staff=True)
    importer.groups.add(Group.objects.get(name=IMPORTER))
    grant(importer, nord)
    client.force_login(importer)
    html = client.get(reverse(ACTIONS)).content.decode()
    assert ("field_name=account" in html, "field_name=by" in html, "field_name=entity" in html) == (True, False, False)
    named = client.get(reverse(ACTIONS), {"by__id__exact": account.actions.latest().by_id}).content.decode()
    assert "something that you may not see" in named


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"days": "today"}, 4), ({"days": "7"}, 4), ({"days": "month"}, 4), ({"days": "nonsense"}, 4),
        ({"since": "today", "until": "today"}, 4), ({"since": "tomorrow"}, 0), ({"until": "yesterday"}, 0),
        ({"since": "tomorrow", "until": "today"}, 0), ({"since": "x"}, 0), ({"until": "0001-01-01"}, 0),
        ({"since": "0001-01-01"}, 0), ({"until": "9999-12-31"}, 0), ({"since": "1900-01-01", "until": "2999-12-31"}, 4),
    ],
)  # fmt: skip
def test_days_are_named_or_typed(browser: Client, open_account: OpenAccount, asked: dict[str, str], found: int) -> None:
    for _ in range(2):
        open_account("1")
    today = timezone.localdate()
    days = {"today": today, "tomorrow": today + timedelta(days=1), "yesterday": today - timedelta(days=1)}
    typed = {name: str(days.get(text, text)) if name != "days" else text for name, text in asked.items()}
    cl = shown(browser, **typed)
    assert cl.result_count == found
    assert bool(cl.problem) == (asked in NO_DAYS)


def test_holds_are_found_by_the_day_of_placing(browser: Client, account: Account, agent: User) -> None:
    Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    name = "console:ledger_hold_changelist"
    assert (shown(browser, name, days="today").result_count, shown(browser, name, until="2020-01-01").result_count) == (
        1,
        0,
    )


def test_list_says_by_which_clock_it_goes_and_where_the_other_differs(
    browser: Client, open_account: OpenAccount, agent: User
) -> None:
    account = open_account("1")  # long ago
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now(), reference_type="none")
    html = browser.get(reverse(ACTIONS)).content.decode()
    assert "In the order in which they were recorded." in html
    assert html.count('<span class="recorded">recorded ') == Action.objects.count() - 1
    assert "<summary>Recorded</summary>" in html
    assert "In the order in which they were recorded" in browser.get(HOLDS).content.decode()


def test_days_on_which_nothing_was_recorded_lead_to_what_happened_on_them(
    browser: Client, open_account: OpenAccount
) -> None:
    open_account("1")
    day = f"{LONG_AGO:%Y-%m-%d}"
    html = browser.get(reverse(ACTIONS), {"since": day, "until": day}).content.decode()
    link = f"?q=since%3A{day}+until%3A{day}"
    assert f'was recorded on these days. <a href="{link}">Look for what happened on them</a>.' in html
    assert shown(browser, q=f"since:{day} until:{day}").result_count


def test_moment_is_found_among_keys(account: Account, browser: Client) -> None:
    first, last = Action.objects.earliest("pk").pk, Action.objects.latest("pk").pk
    [days] = (one for one in shown(browser).filter_specs if isinstance(one, RecordedFilter))
    moments = datetime(2000, 1, 1, tzinfo=UTC), timezone.now() + timedelta(days=1)
    assert [days.key_at(moment, "default") for moment in moments] == [first, last + 1]


def test_list_looks_through_the_newest_where_no_index_helps(
    browser: Client, open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [open_account("1") for _ in range(4)]  # eight actions, every other one a deposit
    monkeypatch.setattr(filters, "NEWEST", 4)
    assert shown(browser, type__exact="deposited").result_count == 2
    assert shown(browser, type__exact="deposited", reach="all").result_count == 4
    assert shown(browser, type__exact="deposited", account__id__exact=accounts[0].pk).result_count == 1
    assert shown(browser, type__exact="deposited", days="today").result_count == 4
    assert shown(browser, o="pk").result_count == 8
    assert "The newest 4" in browser.get(reverse(ACTIONS), {"type__exact": "deposited"}).content.decode()
    assert "how far to look" not in browser.get(reverse(ACTIONS)).content.decode()
