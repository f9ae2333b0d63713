"""A command on several objects: the filter is kept, all are tried, what was confirmed is done once, and each row says how."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import Outbox
from backoffice.grants import grant, revoke
from backoffice.models import Entity, User
from bulk import worker, working
from bulk.models import Row, Run
from ledger.admin.commands import selection, several
from ledger.models import Account, Action, Approval, Hold, Limit
from tests.bulk.conftest import LIST, choose_all, permit, preview, sent
from tests.cast import OpenAccount
from tests.console.test_approvals import text
from tests.console.test_commands import hidden, select
from tests.scope import call_command

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])


def page(run: Run, name: str = "change") -> str:
    return reverse(f"console:bulk_run_{name}", args=[run.pk])


def freeze(account: Account, by: User) -> None:
    Account.freeze(uid=account.uid, by=by, asof=timezone.now(), comment="Court order")


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is longer than two rows is done behind the request, two rows a portion."""
    monkeypatch.setattr(several, "AT_ONCE", 2)
    monkeypatch.setattr(working, "AT_ONCE", 2)
    monkeypatch.setattr(worker, "PORTION", 2)


def confirm(console: Client, verb: str = "deposit", query: str = "", **fields: str) -> Run:
    url = choose_all(console, verb, query)
    answer = console.post(url, sent(preview(console, url, **{"amount": "10", **fields})))
    assert answer.status_code == 302, text(answer.content.decode())
    return Run.objects.get(pk=answer.headers["Location"].rstrip("/").split("/")[-2])


def test_all_that_match_are_kept_as_the_filter_and_drift_is_told(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    accounts = [open_account("5") for _ in range(4)]
    freeze(accounts[0], agent)
    url = choose_all(console, "deposit", "status__exact=open")
    assert url.endswith("?list=status__exact%3Dopen")
    shown = preview(console, url, amount="10")
    html = text(shown.content.decode())
    assert "Deposit CZK 10.00 to 3 accounts, CZK 30.00 in total." in html
    assert "Of all accounts with status Open: 3." in html

    late = open_account("5", name="Late Comer")
    Account.deposit(uid=accounts[1].uid, amount=Decimal(1), by=agent, asof=timezone.now())
    drifted = console.post(url, sent(shown))
    warned = text(drifted.content.decode())
    assert "Then it was 3 accounts, of which 3 can be done; now it is 4, of which 4 can be done." in warned
    assert (
        f"{accounts[1]} was CZK 5.00 when you looked, is now CZK 6.00 +CZK 10.00 was CZK 15.00 when you looked"
        in warned
    )
    assert f"{late} was not among them when you looked CZK 5.00 +CZK 10.00 CZK 15.00" in warned
    assert warned.count("when you looked") == 3
    assert not Run.objects.exists()

    done = console.post(url, sent(drifted), follow=True)
    run = Run.objects.get()
    assert done.redirect_chain == [(page(run), 302)]
    assert (run.matching, run.query, run.state, run.total, run.posted) == (True, "status__exact=open", "done", 4, 4)
    assert [account.balance for account in Account.objects.order_by("pk")] == [5, 16, 15, 15, 15]
    assert late.pk in run.rows.values_list("object_id", flat=True)


def test_drift_of_a_status_is_told_in_the_words_of_the_status(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    frozen, other = open_account("5", name="Jana Nova"), open_account("7", name="Petr Novy")
    url = select(console, "freeze", frozen, other)
    shown = preview(console, url)
    freeze(frozen, agent)
    warned = text(console.post(url.partition("?")[0], sent(shown)).content.decode())
    assert f"{other} Open \N{EN DASH} Frozen" in warned
    assert (
        f"{frozen} was Open when you looked, is now Frozen "
        "When you looked it would have become Frozen. Now it is left out: The account is frozen already."
    ) in warned
    assert "CZK 5.00" not in warned


def test_what_a_search_finds_is_kept_as_the_search(console: Client, open_account: OpenAccount) -> None:
    open_account("5")
    open_account("5", name="Petr Novotny")
    url = choose_all(console, "deposit", "q=petr")
    shown = text(preview(console, url, amount="10").content.decode())
    assert "Of all accounts found by “petr”: 1." in shown


def test_a_filter_that_finds_nothing_any_more_leads_to_the_first_result(
    console: Client, open_account: OpenAccount
) -> None:
    for _ in range(2):
        open_account("5")
    url = choose_all(console, "freeze", "status__exact=open")
    confirmation = sent(preview(console, url))
    first, again = (console.post(url, confirmation).headers["Location"] for _ in range(2))
    assert first == again == page(Run.objects.get())


def test_the_same_confirmation_twice_posts_once_and_shows_the_first_result(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    one, frozen, named = open_account("5"), open_account("5"), open_account("5", name="=cmd()|'/c' !A1")
    freeze(frozen, agent)
    url = select(console, "deposit", one, frozen, named)
    shown = preview(console, url, amount="10")
    html = text(shown.content.decode())
    assert "Leave out, account frozen: 1 account" in html
    assert "The account is frozen: unfreeze it first." in html
    confirmation = sent(shown)
    answers = [console.post(url.partition("?")[0], confirmation, follow=True) for _ in range(2)]
    run = Run.objects.get()
    assert [answer.redirect_chain for answer in answers] == [[(page(run), 302)]] * 2
    again = text(answers[1].content.decode())
    assert "This form was confirmed before, and only once: this is what came of it." in again
    assert "Left out: 1" in again
    assert "Posted: 2" in again
    assert f"{page(run)[:-7]}" in answers[1].content.decode()
    assert [account.balance for account in Account.objects.order_by("pk")] == [15, 5, 15]
    # The form again, by the back button, with another amount: it was confirmed.
    assert console.post(url.partition("?")[0], {**confirmation, "amount": "11"}).headers["Location"] == page(run)

    events = Outbox.objects.filter(object_type="bulk.run").order_by("id").values_list("type", "reason")
    assert [event for event in events if event[0].startswith("bulk.")] == [
        ("bulk.confirmed", "Bonus"),
        ("bulk.finished", "Bonus"),
    ]
    assert set(Action.objects.filter(type="deposited", comment="Bonus").values_list("by", flat=True)) == {agent.pk}

    file = b"".join(console.get(page(run, "rows_csv"))).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [(row["result"], row["delta"], row["balance"], row["code"]) for row in rows] == [
        ("Posted", "10.00", "15.00", ""), ("Left out", "", "", "account_frozen"), ("Posted", "10.00", "15.00", ""),
    ]  # fmt: skip
    assert rows[2]["customer"].startswith("'=cmd()")
    assert rows[0]["reference"] == str(one.actions.latest())


def test_what_is_over_the_threshold_is_asked_for(console: Client, open_account: OpenAccount) -> None:
    over, one = open_account("5"), open_account("5")
    Limit.objects.create(kind="approval", currency="CZK", account=over, amount=5)
    url = select(console, "deposit", over, one)
    shown = preview(console, url, amount="10")
    assert "Deposit CZK 10.00 to 1 account, ask for approval for 1" in text(shown.content.decode())
    html = console.post(url.partition("?")[0], sent(shown), follow=True).content.decode()
    run, approval = Run.objects.get(), Approval.objects.get()
    assert (run.posted, run.asked_for, run.refused, run.state) == (1, 1, 0, "done")
    assert "Asked for approval: 1" in text(html)
    assert reverse("console:ledger_approval_change", args=[approval.pk]) in html
    assert (approval.account, approval.reason) == (over, "Bonus")
    assert [account.balance for account in Account.objects.order_by("pk")] == [5, 15]


def test_holds_are_released_and_actions_reversed_in_numbers(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    accounts = [open_account("20") for _ in range(3)]
    for account in accounts:
        Hold.place(uid=account.uid, amount=Decimal(5), by=agent, asof=timezone.now())
    url = choose_all(console, "release", "state__exact=pending", "console:ledger_hold_changelist")
    shown = preview(console, url)
    assert "Release 3 holds, +CZK 15.00 in total." in text(shown.content.decode())
    html = console.post(url, sent(shown), follow=True).content.decode()
    assert "Posted: 3" in text(html)
    assert set(Hold.objects.values_list("state", flat=True)) == {"released"}
    url = choose_all(console, "reverse", "type__exact=deposited", "console:ledger_action_changelist")
    html = console.post(url, sent(preview(console, url)), follow=True).content.decode()
    assert "-CZK 20.00 CZK 0.00" in text(html)
    assert [account.balance for account in Account.objects.all()] == [0, 0, 0]


def test_reversals_are_added_up_by_currency_and_direction(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    crowns, euros, gone = open_account("100"), open_account("20.50", currency="EUR"), open_account("7")
    poor = open_account("40")
    Account.withdraw(uid=poor.uid, amount=Decimal(30), by=agent, asof=timezone.now())
    back = gone.actions.latest()
    Action.reverse(uid=back.uid, by=agent, asof=timezone.now(), comment="Booked twice")
    accounts = (crowns, euros, poor, open_account("1000"))
    ids = ",".join(str(action.pk) for action in [back, *(account.actions.latest() for account in accounts)])
    shown = text(preview(console, f"{reverse('console:ledger_action_reverse_selected')}?ids={ids}").content.decode())
    assert "Reverse 4 actions, -CZK 1,100.00, +CZK 30.00 and -EUR 20.50 in total." in shown


@pytest.mark.usefixtures("behind")
def test_a_long_run_goes_on_behind_the_request(console: Client, open_account: OpenAccount, agent: User) -> None:
    accounts = [open_account("5") for _ in range(5)]
    run = confirm(console)
    html = console.get(page(run)).content.decode()
    assert "Running" in html
    assert "Waiting: 5" in text(html)
    assert console.get(page(run, "progress")).json() == {"running": True, "settled": 0, "total": 5}
    assert not Outbox.objects.filter(data__page="bulk_run_progress").exists()

    assert worker.go_on() == (run, "")
    assert console.get(page(run, "progress")).json() == {"running": True, "settled": 2, "total": 5}
    freeze(accounts[4], agent)
    call_command("bulk_runs", once=True)
    run.refresh_from_db()
    assert (run.state, run.posted, run.refused) == ("done", 4, 1)
    assert worker.go_on() is None
    assert [account.balance for account in Account.objects.order_by("pk")] == [15, 15, 15, 15, 5]
    action = accounts[0].actions.latest()
    assert (action.by, action.comment, action.idempotency_key) == (agent, "Bonus", f"bulk:{run.pk}:{accounts[0].pk}")
    posted = Outbox.objects.filter(type="ledger.posted", reason="Bonus")
    assert set(posted.values_list("request_id", "user_id")) == {(run.request_id, agent.pk)}
    html = console.get(page(run)).content.decode()
    assert "Try the 1 left out again" in text(html)
    assert f"ids={accounts[4].pk}" in html


def test_what_is_tried_again_is_filled_in_as_it_was_for_who_gave_it(
    console: Client, open_account: OpenAccount, agent: User, nord: Entity
) -> None:
    one, frozen = open_account("5"), open_account("5")
    freeze(frozen, agent)
    typed = {"amount": "12.5", "reference_type": "bank_transfer", "reference": "K 7", "comment": "Bonus of May"}
    run = confirm(console, **typed)
    [address] = re.findall(r'href="([^"]+&amp;again=[^"]+)"', console.get(page(run)).content.decode())
    Account.unfreeze(uid=frozen.uid, by=agent, asof=timezone.now(), comment="Lifted")
    form = console.get(address.replace("&amp;", "&"))
    shown = form.context["form"]
    assert {name: shown[name].value() for name in typed} == typed
    assert str(shown["key"].value()) != str(run.key)
    answer = console.post(form.request["PATH_INFO"], {**sent(form), **typed, "amount": "13"})
    assert "Deposit CZK 13.00 to 1 account" in text(answer.content.decode())

    lead = User.objects.create_user("lead", is_staff=True)
    permit(lead, "deposit")
    grant(lead, nord)
    browser = Client()
    browser.force_login(lead)
    for query in (f"ids={one.pk}&again={run.pk}", f"ids={one.pk}&again=x"):
        html = (browser if "x" not in query else console).get(f"{form.request['PATH_INFO']}?{query}").content.decode()
        assert "Bonus of May" not in html
        assert "12.5" not in html


def test_what_can_never_pass_is_not_tried_again(console: Client, open_account: OpenAccount, agent: User) -> None:
    one, frozen, closed = open_account("5"), open_account("5"), open_account()
    freeze(frozen, agent)
    Account.close(uid=closed.uid, by=agent, asof=timezone.now(), comment="Moved away")
    html = console.get(page(confirm(console))).content.decode()
    assert "Left out: 2" in text(html)
    assert "Try 1 of the 2 left out again" in text(html)
    assert f"?ids={frozen.pk}&amp;again=" in html
    url = select(console, "deposit", one, closed)
    html = console.post(url.partition("?")[0], sent(preview(console, url, amount="1")), follow=True).content.decode()
    assert "Left out: 1" in text(html)
    assert "left out again" not in text(html)


@pytest.mark.usefixtures("behind")
def test_rows_are_done_with_the_rights_of_now(
    console: Client, open_account: OpenAccount, agent: User, nord: Entity
) -> None:
    sud = Entity.objects.create(code="sud", name="Südbank")
    grant(agent, sud)
    for number in range(3):
        open_account("5")
        customer = User.objects.create(username=f"south{number}")
        Account.create(user=customer, entity=sud, currency="CZK", by=agent, asof=timezone.now())
    first, second = confirm(console), confirm(console, amount="20")
    revoke(agent, sud)
    while worker.go_on() and Run.objects.get(pk=first.pk).state != "done":
        pass
    assert set(first.rows.values_list("entity__code", "state", "code")) == {
        ("nord", "posted", ""), ("sud", "refused", "out_of_reach"),
    }  # fmt: skip
    permit(agent, "withdraw")
    call_command("bulk_runs", once=True)
    assert "not_allowed" in set(second.rows.values_list("code", flat=True))
    assert set(second.rows.filter(code="").values_list("state", flat=True)) <= {"posted"}
    assert Action.objects.filter(account__entity=sud, type="deposited").count() == 0


@pytest.mark.usefixtures("behind")
def test_a_run_is_stopped_with_a_reason_and_what_was_posted_stays(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    for _ in range(3):
        open_account("5")
    run = confirm(console)
    worker.go_on()
    assert page(run, "stop") in console.get(page(run)).content.decode()
    assert console.post(page(run, "stop"), {"reason": ""}).status_code == 200
    console.post(page(run, "stop"), {"reason": "Wrong amount"})
    run.refresh_from_db()
    assert (run.state, run.posted, run.refused) == ("stopped", 2, 1)
    assert [row.text for row in run.rows.filter(code="stopped")] == [f"Stopped by {agent}: Wrong amount"]
    assert Outbox.objects.get(type="bulk.stopped").reason == "Wrong amount"
    assert worker.go_on() is None
    assert page(run, "stop") not in console.get(page(run)).content.decode()


def test_what_fails_is_tried_again_and_then_waits_for_a_person(console: Client, account: Account, agent: User) -> None:
    about = {"command": "sing", "what": "Sing", "subject": "account", "selection": "all accounts", "reason": "Why"}
    run = Run.objects.create(by=agent, total=1, entities=[account.entity_id], request_id="x", **about)
    Row.objects.create(run=run, object_id=account.pk, account=account, entity_id=account.entity_id)
    for tried in range(1, worker.TRIES + 1):
        worked = worker.go_on()
        assert worked
        assert "ValueError" in worked[1]
        run.refresh_from_db()
        assert (run.tries, run.state) == (tried, "running" if tried < worker.TRIES else "failed")
        assert worker.go_on() is None
        Run.objects.update(due=timezone.now() - timedelta(minutes=5))
    assert "It failed too often" in text(console.get(page(run)).content.decode())
    console.post(page(run, "go_on"), {"reason": "Mended"})
    run.refresh_from_db()
    assert (run.state, run.tries, run.problem) == ("running", 0, "")
    assert list(
        Outbox.objects.filter(type__in=["bulk.failed", "bulk.resumed"]).values_list("type", flat=True).order_by("id")
    ) == ["bulk.failed", "bulk.resumed"]


def test_what_was_confirmed_and_what_became_of_it_are_kept(console: Client, open_account: OpenAccount) -> None:
    open_account("5")
    run = confirm(console)
    changes: list[tuple[Any, dict[str, Any]]] = [
        (Run, {"asked": {}}), (Run, {"by": run.by}), (Run, {"query": ""}), (Row, {"text": "x"}), (Row, {"account": 1})
    ]  # fmt: skip
    for model, change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(**change)


def test_too_much_and_nothing_are_refused_with_a_sentence(
    console: Client, open_account: OpenAccount, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        open_account("5")
    url = choose_all(console, "deposit", "status__exact=open")
    two = select(console, "deposit", *Account.objects.all()[:2])
    opened = hidden(console.get(two).content.decode())
    for account in Account.objects.all():
        freeze(account, agent)
    assert console.get(url).status_code == 400
    monkeypatch.setattr(selection, "MOST", 2)
    chosen = {"action": "deposit", "_selected_action": [1], "select_across": "1"}
    html = text(console.post(reverse(LIST), chosen, follow=True).content.decode())
    assert "One run takes 2 accounts at most: filter the list first." in html
    refused = console.post(two, {**opened, "amount": "1", "reference_type": "none", "comment": "Asked"})
    assert "The account is frozen: unfreeze it first." in text(refused.content.decode())
    assert Outbox.objects.filter(type="command.refused").count() == 1


def test_another_s_run_is_seen_by_those_who_see_all_its_entities(
    console: Client, open_account: OpenAccount, admin: User, nord: Entity
) -> None:
    open_account("5")
    run = confirm(console)
    other = User.objects.create_user("other", is_staff=True)
    permit(other)
    browser = Client()
    browser.force_login(other)
    for name in ("rows_csv", "progress", "stop"):
        assert browser.get(page(run, name)).status_code == 404
    assert browser.get(page(run)).status_code == 302
    grant(other, nord)
    assert browser.get(page(run)).status_code == 200


def test_preview_and_result_cost_the_same_queries_for_3_and_30(console: Client, open_account: OpenAccount) -> None:
    def cost() -> tuple[int, ...]:
        url = choose_all(console, "deposit")
        console.get(url)
        with CaptureQueriesContext(connection) as seen:
            console.get(url)
            form = len(seen)  # now: what was captured is forgotten with the next request
        with CaptureQueriesContext(connection) as seen:
            shown = preview(console, url, amount="1")
            tried = len(seen)
        with CaptureQueriesContext(connection) as seen:
            answer = console.post(url, sent(shown))
            done = len(seen)
        console.get(answer.headers["Location"])  # what is cached per process is cached the second time
        with CaptureQueriesContext(connection) as seen:
            console.get(answer.headers["Location"])
            return form, tried, done, len(seen)

    for _ in range(3):
        open_account("5")
    few = cost()
    for _ in range(27):
        open_account("5")
    many = cost()
    # Of more than a few accounts the ledger reads limits in two statements instead of one, at each try; of a list that is
    # longer than a page the list asks how long it is, at each step.
    assert [one - other for one, other in zip(many, few, strict=True)] == [3, 7, 5, 0]
    assert max(many) <= 42
