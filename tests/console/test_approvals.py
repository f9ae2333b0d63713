"""Asking for approval and deciding in the console: who may, what is shown, and what one click does."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import Outbox
from backoffice import inbox
from backoffice.grants import grant
from backoffice.models import Entity, PersonGrant, User
from backoffice.reason import MISSING
from ledger.admin.forms import NEEDS_SCRIPT
from ledger.models import Account, Approval, Cap, Limit
from tests.cast import LONG_AGO, OpenAccount
from tests.console.test_commands import hidden, permit

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
INBOX = "console:ledger_approval_changelist"
MAKER = ("deposit", "withdraw", "view_approval")


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def browser_of(user: User, *codenames: str) -> Client:
    permit(user, *codenames)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def maker(agent: User) -> Client:
    """A browser of the agent, who may ask and not decide."""
    return browser_of(agent, *MAKER)


@pytest.fixture
def lead(nord: Entity) -> User:
    lead = User.objects.create_user("lead", is_staff=True)
    grant(lead, nord)
    return lead


@pytest.fixture
def checker(lead: User) -> Client:
    """A browser of the lead, who may decide."""
    return browser_of(lead, *MAKER, "decide_approval", "propose_limit", "propose_cap", "view_limit", "view_cap")


def threshold() -> None:
    Limit.objects.get_or_create(kind="approval", currency="CZK", defaults={"amount": 50})


def ask(
    account: Account, agent: User, comment: str = "Inheritance", verb: str = "deposit", asof: datetime | None = None
) -> Approval:
    threshold()
    return Approval.request(
        verb=verb, uid=account.uid, amount=Decimal(60), comment=comment, by=agent, asof=asof or timezone.now()
    )


def page(approval: Approval, name: str = "change") -> str:
    return reverse(f"console:ledger_approval_{name}", args=[approval.pk])


def shown(client: Client, approval: Approval) -> dict[str, str]:
    """Return what the page's form would send."""
    return hidden(client.get(page(approval)).content.decode())


def decide(client: Client, approval: Approval, name: str, **fields: str) -> Any:
    return client.post(page(approval, name), {**shown(client, approval), "comment": "Seen", **fields})


def preview(client: Client, url: str, **fields: str) -> Any:
    form = hidden(client.get(url).content.decode())
    return client.post(url, {**form, "reference_type": "none", "comment": "Asked", **fields})


def test_a_preview_over_the_threshold_offers_to_ask(maker: Client, account: Account, agent: User) -> None:
    threshold()
    url = reverse("console:ledger_account_deposit", args=[account.pk])
    seen = preview(maker, url, amount="60", comment="Inheritance")
    html = seen.content.decode()
    assert "CZK 60.00 is over the approval threshold of CZK 50.00 set for CZK" in text(html)
    assert "Before CZK 100.00 Change +CZK 60.00 After CZK 160.00" in text(html)
    assert re.findall(r'<button class="button \w+"[^>]*>([^<]+)</button>', html) == ["Ask for approval", "Back"]

    for _ in range(2):
        answer = maker.post(url, {**hidden(html), "ask": "ask"}, follow=True)
    approval = Approval.objects.get()
    assert (approval.maker, approval.reason, approval.amount) == (agent, "Inheritance", 60)
    assert answer.redirect_chain == [(reverse("console:ledger_account_change", args=[account.pk]), 302)]
    assert page(approval) in answer.content.decode()
    assert Account.objects.get().balance == 100


def test_what_was_asked_for_is_said_once_and_copied_as_the_address_of_its_page(maker: Client, account: Account) -> None:
    threshold()
    url = reverse("console:ledger_account_deposit", args=[account.pk])
    confirmation = hidden(preview(maker, url, amount="60", comment="x").content.decode())
    html = maker.post(url, {**confirmation, "ask": "ask"}, follow=True).content.decode()
    told = re.findall(r'<li class="success">(.*?)</li>', html)[0]
    assert "Asked for approval: Deposit CZK 60.00 waits until another person decides." in text(told)
    assert f'data-copy="http://testserver{page(Approval.objects.get())}"' in told


def test_confirming_what_needs_approval_posts_nothing(maker: Client, account: Account) -> None:
    threshold()
    url = reverse("console:ledger_account_deposit", args=[account.pk])
    confirmation = hidden(preview(maker, url, amount="60", comment="x").content.decode())
    assert maker.post(url, confirmation).context["form"].errors["amount"]
    assert (Account.objects.get().balance, Approval.objects.count()) == (100, 0)


def test_asking_without_a_reason_is_told_at_its_field(maker: Client, account: Account) -> None:
    threshold()
    url = reverse("console:ledger_account_deposit", args=[account.pk])
    assert preview(maker, url, amount="60", comment=" ").context["form"].errors["comment"] == [MISSING]


def test_approving_posts_and_goes_on_to_the_next(checker: Client, account: Account, agent: User, lead: User) -> None:
    one, two = ask(account, agent), ask(account, agent, "Second")
    html = checker.get(page(one)).content.decode()
    assert "Approve: Deposit CZK 60.00" in text(html)
    assert "Approvals: 2" in text(html)
    assert f'rel="next" href="{page(two)}"' in html
    listed = checker.get(reverse("console:waiting")).content.decode()
    assert listed.index(page(one)) < listed.index(page(two))
    assert "Deposit CZK 60.00 Jana Nova · Nordbank · CZK Second agent" in text(listed)
    answer = decide(checker, one, "approve", comment="Seen")
    assert answer.headers["Location"] == page(two)
    one.refresh_from_db()
    assert (one.state, one.checker, one.comment, one.action.by if one.action else None) == (
        "approved", lead, "Seen", agent,
    )  # fmt: skip
    html = checker.get(page(two)).content.decode()
    what = f"Deposit CZK 60.00 · {account}"
    assert f'<a href="{page(one)}">{what}</a> is approved and posted. Reference' in html
    assert f'data-copy="{one.action}"' in html
    assert decide(checker, two, "reject", comment="No").headers["Location"] == page(two)
    html = checker.get(page(two)).content.decode()
    assert f'<a href="{page(two)}">{what}</a> is rejected.' in html
    assert "Approvals /" in text(html)


def test_approving_twice_posts_once_and_says_so(checker: Client, account: Account, agent: User) -> None:
    approval = ask(account, agent)
    sent = {**shown(checker, approval), "comment": "Seen"}
    checker.post(page(approval, "approve"), sent)
    again = checker.post(page(approval, "approve"), sent)
    assert "The request is approved already." in text(again.content.decode())
    assert Account.objects.get().balance == 160


def test_drift_is_marked_and_nothing_decided(checker: Client, account: Account, agent: User) -> None:
    approval = ask(account, agent)
    sent = shown(checker, approval)
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=timezone.now())
    answer = checker.post(page(approval, "approve"), {**sent, "comment": "Fine"})
    html = answer.content.decode()
    assert "Something has changed since you looked" in text(html)
    assert '<tr class="drift">' in html
    assert "CZK 100.00 → CZK 160.00 CZK 101.00 +CZK 60.00 CZK 161.00" in text(html)
    assert "Fine</textarea>" in html
    approval.refresh_from_db()
    assert approval.state == "pending"
    checker.post(page(approval, "approve"), {**hidden(html), "comment": "Fine"})
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_what_would_be_refused_cannot_be_approved(checker: Client, account: Account, agent: User) -> None:
    approval = ask(account, agent, verb="withdraw")
    Account.freeze(uid=account.uid, by=agent, asof=timezone.now(), comment="Court order")
    html = checker.get(page(approval)).content.decode()
    assert "It would be refused now: The account is frozen" in text(html)
    assert "Approve:" not in html
    assert "Reject" in text(html)


@pytest.mark.parametrize("token", ["", "forged"])
def test_a_token_that_was_not_made_here_decides_nothing(
    checker: Client, account: Account, agent: User, token: str
) -> None:
    approval = ask(account, agent)
    checker.post(page(approval, "approve"), {"token": token, "comment": "Seen"})
    other = ask(account, agent, "Other")
    checker.post(page(approval, "approve"), {**shown(checker, other), "comment": "Seen"})
    assert set(Approval.objects.values_list("state", flat=True)) == {"pending"}


@pytest.mark.parametrize(
    ("whose", "name", "state"),
    [("checker", "approve", "approved"), ("checker", "reject", "rejected"), ("maker", "cancel", "cancelled")],
)
def test_every_decision_needs_a_reason_and_keeps_it(
    request: pytest.FixtureRequest, account: Account, agent: User, *, whose: str, name: str, state: str
) -> None:
    decider = request.getfixturevalue(whose)
    approval = ask(account, agent)
    too_long = "It has 501 characters, 500 are the most."
    for why, wrong in (("", MISSING), ("  ", MISSING), ("x" * 501, too_long)):
        html = decide(decider, approval, name, comment=why).content.decode()
        assert f'<ul class="errorlist" id="id_comment_error"><li>{wrong}</li></ul>' in html
        assert "maxlength" not in html.partition('id="id_comment"')[2].partition(">")[0]
        assert f">{why.strip()}</textarea>" in html
        assert "data-once novalidate>" in html
        assert 'aria-invalid="true" aria-describedby="id_comment_error"' in html
        assert "Your reason" in html
        assert "Reason for asking Inheritance" in text(html)
    approval.refresh_from_db()
    assert approval.state == "pending"
    decide(decider, approval, name, comment="The papers are complete")
    approval.refresh_from_db()
    assert (approval.state, approval.comment) == (state, "The papers are complete")
    assert type(approval).history.latest().history_change_reason == "The papers are complete"
    events = Outbox.objects.filter(object_type="ledger.approval", type__startswith="approval.").order_by("id")
    assert events.last().reason == "The papers are complete"  # type: ignore[union-attr]  # there is one


def waiting(client: Client) -> str:
    """Return what the header says of what waits."""
    return "".join(re.findall(r"Approvals(?:: \d+\+?)? /", text(client.get(reverse("console:index")).content.decode())))


def test_header_counts_what_the_reader_can_decide_now(
    checker: Client, maker: Client, account: Account, agent: User, nord: Entity
) -> None:
    lead = User.objects.get(username="lead")
    other = User.objects.create_user("other", is_staff=True)
    colleague = browser_of(other, *MAKER, "decide_approval")
    assert (waiting(checker), waiting(colleague)) == ("Approvals /", "Approvals /")
    ask(account, agent)
    ask(account, lead, "Mine")
    ask(account, agent, "Late", asof=timezone.now() - timedelta(days=settings.APPROVAL_DAYS, minutes=1))
    assert (waiting(checker), waiting(maker), waiting(colleague)) == ("Approvals: 1 /", "", "Approvals /")
    grant(other, nord)
    assert waiting(colleague) == "Approvals: 2 /"
    permit(other, "decide_approval", "withdraw")
    assert waiting(colleague) == "Approvals /"
    permit(other, "decide_approval")  # and no verb at all: there is nothing to ask the database for
    assert waiting(colleague) == "Approvals /"


def test_count_in_the_header_follows_who_works_elsewhere(
    checker: Client, account: Account, agent: User, lead: User
) -> None:
    sud = Entity.objects.create(code="sud", name="Sudbank")
    bara = User.objects.create(username="bara", email="bara@example.com")
    grant(agent, sud)
    there, _ = Account.create(user=bara, entity=sud, currency="CZK", by=agent, asof=LONG_AGO)
    for comment in ("One", "Two"):
        ask(there, agent, comment)
    ask(account, agent)
    assert waiting(checker) == "Approvals: 1 /"
    for entity, number in ((sud, 2), (account.entity, 1)):
        PersonGrant.objects.filter(user=lead).delete()
        grant(lead, entity)
        assert waiting(checker) == f"Approvals: {number} /"


def test_count_of_one_kind_is_not_that_of_another(checker: Client, account: Account, agent: User, lead: User) -> None:
    ask(account, agent)
    lead.user_permissions.add(Permission.objects.get(codename="decide_grant"))
    said = text(checker.get(reverse("console:index")).content.decode())
    assert "Approvals: 1 /" in said
    assert "Rights /" in said


def test_what_concerns_a_currency_is_counted_to_who_sees_everything(
    checker: Client, agent: User, lead: User, nord: Entity
) -> None:
    elsewhere = Entity.objects.create(code="elsewhere", name="Elsewhere")
    Approval.request_cap(currency="CZK", ceiling=Decimal(10**6), by=agent, asof=timezone.now(), reason="More")
    assert waiting(checker) == "Approvals /"
    Entity.objects.filter(pk=elsewhere.pk).update(is_void=True)
    assert waiting(checker) == "Approvals: 1 /"


def test_statement_of_what_waits_is_made_once_and_holds_no_moment(
    checker: Client, account: Account, agent: User
) -> None:
    inbox._kept.clear()
    waiting(checker)
    [found] = inbox._kept.values()
    assert found is not None
    assert not any(isinstance(value, datetime) for value in found[1])
    waiting(checker)
    [again] = inbox._kept.values()
    assert again is found


def test_looking_at_a_decision_changes_nothing(checker: Client, account: Account, agent: User) -> None:
    approval = ask(account, agent)
    for name in ("approve", "reject", "cancel"):
        assert checker.get(page(approval, name)).headers["Location"] == page(approval)
    approval.refresh_from_db()
    assert approval.state == "pending"


def test_the_maker_sees_no_way_to_decide_and_takes_it_back(maker: Client, account: Account, agent: User) -> None:
    approval = ask(account, agent)
    html = maker.get(page(approval)).content.decode()
    assert "Approve:" not in html
    assert "Approvals:" not in html
    assert maker.post(page(approval, "approve"), hidden(html)).status_code == 403
    maker.post(page(approval, "cancel"), {**hidden(html), "comment": "Not needed"})
    approval.refresh_from_db()
    assert approval.state == "cancelled"


def test_a_maker_who_may_decide_cannot_decide_on_his_own(account: Account, lead: User, checker: Client) -> None:
    lead.is_superuser = True
    lead.save()
    approval = ask(account, lead)
    assert "You asked for this yourself" in text(checker.get(page(approval)).content.decode())
    answer = decide(checker, approval, "approve")
    assert "You asked for this yourself" in text(answer.content.decode())
    approval.refresh_from_db()
    assert approval.state == "pending"


def test_a_checker_needs_the_verb_s_own_permission(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    client = browser_of(lead, "view_approval", "decide_approval", "withdraw")
    html = client.get(page(approval)).content.decode()
    assert "you need the permission to do it yourself" in text(html)
    for name in ("approve", "reject"):
        assert client.post(page(approval, name), {**hidden(html), "comment": "x"}).status_code == 403
    assert "Approvals /" in text(html)


def test_a_decision_needs_csrf(account: Account, agent: User, lead: User) -> None:
    approval = ask(account, agent)
    permit(lead, "deposit", "view_approval", "decide_approval")
    client = Client(enforce_csrf_checks=True)
    client.force_login(lead)
    assert client.post(page(approval, "reject"), {"comment": "x"}).status_code == 403


def test_the_inbox_shows_what_waits_and_what_belongs_to_the_reader(
    checker: Client, account: Account, agent: User, lead: User
) -> None:
    sued = Entity.objects.create(code="sud", name="Südbank")
    customer = User.objects.create(username="far")
    far, _ = Account.create(user=customer, entity=sued, currency="CZK", by=agent, asof=timezone.now())
    mine, theirs, other = ask(account, lead), ask(account, agent, "Theirs"), ask(far, agent, "Far")
    done = ask(account, agent, "Done")
    Approval.cancel(uid=done.uid, by=agent, asof=timezone.now())
    cap = Approval.request_cap(currency="KWD", ceiling=Decimal(7), by=agent, asof=timezone.now(), reason="Because")

    def listed(query: str = "") -> set[int]:
        response = checker.get(reverse(INBOX) + query)
        return {row.pk for row in response.context["cl"].result_list}

    assert listed() == {mine.pk, theirs.pk}
    assert listed("?by=others") == {theirs.pk}
    assert listed("?by=me") == {mine.pk}
    assert listed("?state=all") == {mine.pk, theirs.pk, done.pk}
    assert checker.get(page(other)).status_code == 302
    assert checker.post(page(other, "reject"), {"comment": "x"}).status_code == 404
    grant(lead, sued)
    assert listed() == {mine.pk, theirs.pk, other.pk, cap.pk}


def test_inbox_and_page_cost_the_same_queries_for_3_and_30(checker: Client, account: Account, agent: User) -> None:
    def cost(url: str) -> int:
        checker.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert checker.get(url).status_code == 200
        return len(queries)

    for number in range(3):
        ask(account, agent, f"Reason {number}")
    first = Approval.objects.order_by("pk")[0]
    few = cost(reverse(INBOX)), cost(page(first))
    for number in range(3, 30):
        ask(account, agent, f"Reason {number}")
    # Of a list that is longer than a page the list asks how long it is.
    assert (cost(reverse(INBOX)) - 1, cost(page(first))) == few
    assert max(few) <= 15


def propose(client: Client, url: str, **fields: str) -> Any:
    form = hidden(client.get(url).content.decode())
    seen = client.post(url, {**form, **fields})
    return client.post(url, hidden(seen.content.decode()), follow=True)


def test_a_limit_is_proposed_changed_and_ended_by_request(
    checker: Client, account: Account, admin: User, lead: User
) -> None:
    new = reverse("console:ledger_limit_propose_new")
    assert new in checker.get(reverse("console:ledger_limit_changelist")).content.decode()
    fields = {"kind": "max_deposit", "currency": "CZK", "account": str(account.pk), "amount": "10", "reason": "Why"}
    answer = propose(checker, new, **fields)
    approval = Approval.objects.get()
    assert answer.redirect_chain == [(page(approval), 302)]
    assert Limit.objects.filter(account=account).count() == 0

    decider = Client()
    decider.force_login(admin)
    decide(decider, approval, "approve")
    limit = Limit.objects.get(account=account)
    own = checker.get(reverse("console:ledger_limit_change", args=[limit.pk])).content.decode()
    change, end = (reverse(f"console:ledger_limit_{name}", args=[limit.pk]) for name in ("propose", "end"))
    assert change in own
    assert end in own
    assert 'name="_save"' not in own
    propose(checker, change, amount="20", reason="More")
    propose(checker, end, reason="No more")
    states = [(one.asked["amount"], one.state) for one in Approval.objects.order_by("pk")]
    assert states == [("10", "approved"), ("20", "pending"), (None, "pending")]


def test_a_limit_is_begun_on_the_page_of_an_account(checker: Client, account: Account, agent: User) -> None:
    new = reverse("console:ledger_limit_propose_new")
    begun = f"{new}?account={account.uid}&currency=CZK"
    own = checker.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode()
    assert f'class="button plain" href="{begun.replace("&", "&amp;")}"' in own
    form = checker.get(begun).content.decode()
    assert f'<option value="{account.pk}" selected>' in form
    assert '<option value="CZK" selected>' in form
    assert "admin/js/autocomplete.js" in form
    assert f'<noscript><p class="help">{NEEDS_SCRIPT}</p></noscript>' in form
    assert "selected>" not in checker.get(f"{new}?account=nonsense").content.decode().partition("<select")[0]
    propose(checker, begun, kind="max_deposit", account=str(account.pk), currency="", amount="1,000", reason="Why")
    assert Approval.objects.count() == 0  # without the currency chosen, 1,000 could be a dinar
    propose(checker, begun, kind="max_deposit", account=str(account.pk), currency="", amount="1,000.00", reason="Why")
    approval = Approval.objects.get()
    assert (approval.account, approval.currency, approval.amount) == (account, "CZK", 1000)


def test_a_limit_is_of_a_currency_and_of_accounts_within_reach(checker: Client, account: Account) -> None:
    new = reverse("console:ledger_limit_propose_new")
    fields = {"kind": "max_deposit", "currency": "", "amount": "5", "reason": "x"}
    answer = preview(checker, new, **fields)
    assert answer.context["form"].errors["currency"] == ["Choose the currency that the limit is in."]
    gone = preview(checker, new, **fields, account="999999")
    assert gone.context["form"].errors["account"] == ["Choose an account from the list that the search shows."]


def test_the_form_of_a_limit_costs_the_same_for_3_accounts_and_30(
    checker: Client, account: Account, open_account: OpenAccount
) -> None:
    begun = f"{reverse('console:ledger_limit_propose_new')}?account={account.uid}"
    counts = []
    for more in (2, 27):
        for _ in range(more):
            open_account()
        checker.get(begun)
        with CaptureQueriesContext(connection) as queries:
            assert checker.get(begun).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15


@pytest.mark.parametrize("name", ["ledger_limit_add", "ledger_limit_delete"])
def test_no_form_sets_a_limit(client: Client, admin: User, account: Account, name: str) -> None:
    client.force_login(admin)
    limit = Limit.objects.create(kind="max_deposit", currency="CZK", amount=1, account=account)
    url = reverse(f"console:{name}", args=[] if name.endswith("add") else [limit.pk])
    assert client.get(url).status_code == client.post(url, {}).status_code == 403
    assert client.post(reverse("console:ledger_limit_change", args=[limit.pk]), {"amount": "5"}).status_code == 403


def test_what_binds_all_is_proposed_by_who_sees_all(checker: Client, account: Account) -> None:
    wide = Limit.objects.get(kind="max_deposit", currency="CZK", entity=None, account=None)
    urls = [
        reverse("console:ledger_limit_propose", args=[wide.pk]),
        reverse("console:ledger_limit_end", args=[wide.pk]),
        reverse("console:ledger_cap_propose", args=["CZK"]),
    ]
    assert [checker.get(url).status_code for url in urls] == [200, 200, 200]
    propose(checker, urls[2], amount="1000000", reason="Smaller")
    assert Approval.objects.get().kind == "cap"
    Entity.objects.create(code="far", name="Far away")
    assert [checker.get(url).status_code for url in urls] == [403, 403, 403]
    refused = preview(
        checker, reverse("console:ledger_limit_propose_new"), kind="max_deposit", currency="CZK", amount="5", reason="x"
    )
    assert "for those who see all of them" in refused.content.decode()


def test_a_proposal_that_cannot_be_is_refused_at_its_field(checker: Client, account: Account, agent: User) -> None:
    Account.deposit(uid=account.uid, amount=Decimal(40), by=agent, asof=timezone.now())
    answer = preview(checker, reverse("console:ledger_cap_propose", args=["CZK"]), amount="1", reason="x")
    assert answer.context["form"].errors["amount"] == ["The balances in CZK come to more than CZK 1.00 already."]
    assert Cap.objects.get(currency="CZK").ceiling > 1


def test_a_proposal_needs_its_permission(maker: Client, account: Account) -> None:
    limit = Limit.objects.create(kind="max_deposit", currency="CZK", amount=1, account=account)
    urls = [reverse("console:ledger_limit_propose_new"), reverse("console:ledger_cap_propose", args=["CZK"])]
    urls += [reverse(f"console:ledger_limit_{name}", args=[limit.pk]) for name in ("propose", "end")]
    assert {maker.get(url).status_code for url in urls} | {maker.post(url).status_code for url in urls} == {403}


def test_a_request_that_speaks_of_an_account_elsewhere_is_decided_by_who_sees_both(
    open_account: OpenAccount, agent: User, lead: User
) -> None:
    elsewhere = Entity.objects.create(code="sud", name="Sudbank")
    source, target = open_account("100"), open_account("777", name="Petr Novy")
    stranger, _ = Account.create(
        user=User.objects.create(username="elsewhere", last_name="Daleko"), entity=elsewhere, currency="CZK", by=agent,
        asof=target.created,
    )  # fmt: skip
    Limit.objects.create(kind="approval", currency="CZK", account=source, amount=50)
    asked = {"uid": source.uid, "amount": Decimal(60), "by": agent, "asof": timezone.now(), "comment": "Rent"}
    far = Approval.request(verb="transfer", to=stranger.uid, **asked)  # type: ignore[arg-type]  # its keywords
    near = Approval.request(verb="transfer", to=target.uid, **asked)  # type: ignore[arg-type]  # as above
    client = browser_of(lead, "transfer", "view_approval", "view_account", "decide_approval")
    html = client.get(page(far)).content.decode()
    assert "Daleko" not in html
    assert "an entity that you do not work on" in html
    assert "Novy" in client.get(page(near)).content.decode()
    for verb in ("approve", "reject"):
        assert (
            client.post(reverse(f"console:ledger_approval_{verb}", args=[far.pk]), {"comment": "x"}).status_code == 403
        )


def test_a_limit_from_above_is_seen_and_not_changed(checker: Client, nord: Entity) -> None:
    nord.parent = Entity.objects.create(code="group", name="Group")
    nord.save()
    above = Limit.objects.create(kind="max_deposit", currency="CZK", amount=7, entity=nord.parent)
    beside = Limit.objects.create(
        kind="max_deposit", currency="CZK", amount=8, entity=Entity.objects.create(code="sud", name="Sud")
    )
    url = reverse("console:ledger_limit_change", args=[above.pk])
    assert url in checker.get(reverse("console:ledger_limit_changelist")).content.decode()
    assert "Propose" not in text(checker.get(url).content.decode())
    change, hidden_one = (reverse("console:ledger_limit_propose", args=[limit.pk]) for limit in (above, beside))
    assert [checker.get(change).status_code, checker.get(hidden_one).status_code] == [403, 404]
