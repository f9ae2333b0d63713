"""The pages of transfers, reversals, refunds and holds: both sides shown, posted once, and nothing out of one's reach."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import Outbox
from backoffice.models import Entity, User
from backoffice.reason import MISSING
from ledger.admin.forms import NEEDS_SCRIPT
from ledger.models import Account, Action, Hold, Limit
from ledger.possible import what_can_be_transferred
from tests.cast import LONG_AGO, OpenAccount
from tests.console.test_commands import begin, hidden, permit
from tests.console.test_pages import text

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
VERBS = ("transfer", "hold", "reverse", "refund", "view_hold")


@pytest.fixture
def console(client: Client, agent: User) -> Client:
    """A browser of the agent, who may everything here on nord."""
    permit(agent, *VERBS)
    client.force_login(agent)
    return client


@pytest.fixture
def pair(open_account: OpenAccount) -> tuple[Account, Account]:
    """Jana with CZK 100.00 and Petr with CZK 5.00."""
    return open_account("100"), open_account("5", name="Petr Novy")


@pytest.fixture
def abroad(open_account: OpenAccount, agent: User) -> Account:
    """An account of an entity that the agent does not work on."""
    entity = Entity.objects.create(code="sued", name="Suedbank")
    customer = User.objects.create(username="stranger", first_name="Ute", last_name="Fremd", email="ute@example.com")
    account, _ = Account.create(user=customer, entity=entity, currency="CZK", by=agent, asof=LONG_AGO)
    return account


def at(row: Any, page: str = "change") -> str:
    return reverse(f"console:ledger_{row._meta.model_name}_{page}", args=[row.pk])


def asked(agent: User, **more: Any) -> dict[str, Any]:
    return {"by": agent, "asof": timezone.now(), **more}


def transferred(agent: User, source: Account, to: Account, amount: int = 30) -> list[Action]:
    legs = Account.transfer(uid=source.uid, to=to.uid, amount=Decimal(amount), **asked(agent))
    return [action for _, action in legs]


def held(agent: User, account: Account, amount: int = 60, **more: Any) -> Hold:
    return Hold.place(uid=account.uid, amount=Decimal(amount), **asked(agent, **more))[0]


def balances() -> list[Decimal]:
    return list(Account.objects.order_by("pk").values_list("balance", flat=True))


def previewed(console: Client, url: str, **fields: str) -> str:
    form = hidden(console.get(url).content.decode())
    return console.post(url, {**form, "comment": "Asked", **fields}).content.decode()


def test_transfer_shows_both_accounts_and_posts_once(console: Client, pair: tuple[Account, Account]) -> None:
    source, target = pair
    url = at(source, "transfer")
    page = text(previewed(console, url, to=str(target.pk), amount="30", comment="Rent"))
    assert f"Transfer CZK 30.00 from {source} to {target}." in page
    assert f"Jana Nova · CZK · {source.user.email} · Nordbank CZK 100.00 -CZK 30.00 CZK 70.00" in page
    assert f"Petr Novy · CZK · {target.user.email} · Nordbank CZK 5.00 +CZK 30.00 CZK 35.00" in page
    confirmation = begin(console, url, to=str(target.pk), amount="30", comment="Rent")
    answers = [console.post(url, confirmation, follow=True) for _ in range(2)]
    assert balances() == [70, 35]
    assert source.actions.latest().reference in answers[0].content.decode()
    assert "posted before" in answers[1].content.decode()


def test_transfer_is_shown_again_when_the_receiver_moved(
    console: Client, pair: tuple[Account, Account], agent: User
) -> None:
    source, target = pair
    confirmation = begin(console, at(source, "transfer"), to=str(target.pk), amount="30")
    Account.deposit(uid=target.uid, amount=Decimal(1), **asked(agent))
    warned = text(console.post(at(source, "transfer"), confirmation).content.decode())
    assert "Something has changed since you looked" in warned
    assert "Nordbank CZK 100.00 -CZK 30.00 CZK 70.00" in warned
    assert "Nordbank was CZK 5.00 when you looked, is now CZK 6.00 +CZK 30.00 was CZK 35.00 when you looked" in warned
    assert balances() == [100, 6]


def test_transfer_says_that_it_is_the_receiver_that_is_frozen_or_closed(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    source, target = open_account("100"), open_account(name="Petr Novy")
    called = f"The receiving account (Petr Novy · CZK · {target.user.email} · Nordbank) is"
    Account.freeze(uid=target.uid, comment="Court order", **asked(agent))
    page = previewed(console, at(source, "transfer"), to=str(target.pk), amount="30")
    assert f"{called} frozen: unfreeze it first." in page
    assert 'id="id_to_error"' in page
    [told] = Outbox.objects.filter(type="command.refused").values_list("data__refusals", flat=True)
    assert told == ["The receiving account is frozen: unfreeze it first."]
    assert str(what_can_be_transferred(source, target)) == (
        "Nothing can be transferred now. The receiving account is frozen: unfreeze it first."
    )
    Account.close(uid=target.uid, comment="Gone", **asked(agent))
    page = previewed(console, at(source, "transfer"), to=str(target.pk), amount="30")
    assert f"{called} closed for good." in page


def test_transfer_confirmed_for_one_account_does_not_go_to_another_of_the_same_name(
    console: Client, open_account: OpenAccount
) -> None:
    source, one, other = open_account("100"), open_account("5"), open_account("5")
    confirmation = begin(console, at(source, "transfer"), to=str(one.pk), amount="30")
    page = console.post(at(source, "transfer"), {**confirmation, "to": str(other.pk)}).content.decode()
    assert "The form has changed since the preview" in page
    assert balances() == [100, 5, 5]


def test_transfer_goes_only_to_accounts_within_reach_and_looks_for_those_of_its_currency(
    console: Client, pair: tuple[Account, Account], abroad: Account, open_account: OpenAccount
) -> None:
    source, target = pair
    page = previewed(console, at(source, "transfer"), to=str(abroad.pk), amount="30")
    assert "Choose an account from the list that the search shows." in page
    search = {"app_label": "ledger", "model_name": "action", "field_name": "counterparty"}
    for typed, found in (
        ("Petr", [str(target.pk)]),
        (str(target.uid), [str(target.pk)]),
        ("Ute", []),
        (str(abroad.uid), []),
    ):
        answer = console.get(reverse("console:autocomplete"), {**search, "term": typed}).json()
        assert [choice["id"] for choice in answer["results"]] == found
    in_euros = open_account("5", currency="EUR", name="Petr Novotny")
    form = console.get(at(source, "transfer")).content.decode()
    assert f'data-ajax--url="{reverse("console:autocomplete")}?beside={source.pk}"' in form
    for one, typed, of_it in (
        (source, "Nov", [target]),
        (source, "", [target]),
        (source, str(source.uid), []),
        (source, "currency:EUR", []),
        (target, "Nov", [source]),
        (in_euros, "Nov", []),
        (abroad, "Nov", []),
    ):
        told = {**search, "term": typed, "beside": str(one.pk)}
        answer = console.get(reverse("console:autocomplete"), told).json()
        assert [choice["id"] for choice in answer["results"]] == [str(account.pk) for account in of_it], (one, typed)
    for beside in ("", "0", "x", "9" * 30):
        told = {**search, "term": "Nov", "beside": beside}
        assert console.get(reverse("console:autocomplete"), told).json()["results"] == []
    assert f'<noscript><p class="help">{NEEDS_SCRIPT}</p></noscript>' in form
    choice = console.get(reverse("console:autocomplete"), {**search, "term": target.user.email}).json()["results"][0]
    assert choice["text"] == f"Petr Novy · CZK · {target.user.email} · Nordbank"
    assert balances() == [100, 5, 0, 5]


@pytest.mark.parametrize(
    ("amount", "field", "sentence"),
    [
        ("100.01", "amount", "CZK 100.01 is more than the available CZK 100.00."),
        ("51", "amount", "CZK 51.00 is over the maximum transfer of CZK 50.00 set for this account."),
    ],
)
def test_refusals_stand_at_their_field(
    console: Client, pair: tuple[Account, Account], amount: str, field: str, sentence: str
) -> None:
    source, target = pair
    if amount != "100.01":
        Limit.objects.create(kind="max_transfer", currency="CZK", account=source, amount=50)
        Limit.objects.create(kind="approval", currency="CZK", account=source, amount=40)
    answer = previewed(console, at(source, "transfer"), to=str(target.pk), amount=amount)
    assert sentence in answer
    assert f'id="id_{field}_error"' in answer


def test_transfer_over_the_threshold_can_be_asked_for(console: Client, pair: tuple[Account, Account]) -> None:
    source, target = pair
    Limit.objects.create(kind="approval", currency="CZK", account=source, amount=40)
    answer = previewed(console, at(source, "transfer"), to=str(target.pk), amount="41")
    assert "CZK 41.00 is over the approval threshold of CZK 40.00 set for this account: another person" in answer
    assert 'name="ask"' in answer


def test_transfer_to_the_same_account_is_refused_at_its_field(console: Client, account: Account) -> None:
    page = previewed(console, at(account, "transfer"), to=str(account.pk), amount="1")
    assert 'id="id_to_error"' in page


def test_transfer_form_says_what_both_accounts_allow(console: Client, pair: tuple[Account, Account]) -> None:
    source, target = pair
    Limit.objects.create(kind="max_balance", currency="CZK", account=target, amount=9)
    assert (
        "Between CZK 0.01 and CZK 100.00 now; the balance binds."
        in console.get(at(source, "transfer")).content.decode()
    )
    page = previewed(console, at(source, "transfer"), to=str(target.pk), amount="30")
    assert "and CZK 4.00 now; the maximum balance set for the receiving account binds." in page


def test_pages_of_a_transfer_lead_to_its_other_side(
    console: Client, pair: tuple[Account, Account], agent: User
) -> None:
    source, target = pair
    out, into = transferred(agent, source, target)
    for page in (at(source), at(out), at(source, "history"), reverse("console:ledger_action_changelist")):
        html = console.get(page).content.decode()
        assert f'Transferred out to <a href="{at(target)}">Petr Novy</a>' in html, page
    html = console.get(at(out)).content.decode()
    assert f'<a class="reference" href="{at(into)}">{into.reference}</a>' in html
    assert f"Other side: {into.reference}" in text(html)


def test_other_account_out_of_reach_is_not_named_and_not_moved(
    console: Client, account: Account, abroad: Account, agent: User
) -> None:
    out, _ = transferred(agent, account, abroad)
    for page in (at(account), at(out), at(account, "history"), reverse("console:ledger_action_changelist")):
        html = console.get(page).content.decode()
        assert "Transferred out to an account that you may not see" in html
        assert "Fremd" not in html
    assert at(out, "reverse") not in console.get(at(out)).content.decode()
    sent = {"key": uuid4(), "comment": "Booked twice"}
    for answer in (console.get(at(out, "reverse")), console.post(at(out, "reverse"), sent)):
        assert "belongs to an entity that you do not work on" in answer.content.decode()
    assert Account.objects.get(pk=account.pk).balance == 70


def test_reverse_takes_a_transfer_back_on_both_accounts_once(
    console: Client, pair: tuple[Account, Account], agent: User
) -> None:
    source, target = pair
    out, into = transferred(agent, source, target)
    page = text(previewed(console, at(into, "reverse"), comment="Booked twice"))
    assert f"Reverse Transferred in {into}, CZK 30.00 on {target}." in page
    assert f"Petr Novy · CZK · {target.user.email} · Nordbank CZK 35.00 -CZK 30.00 CZK 5.00" in page
    assert f"Jana Nova · CZK · {source.user.email} · Nordbank CZK 70.00 +CZK 30.00 CZK 100.00" in page
    confirmation = begin(console, at(into, "reverse"), comment="Booked twice")
    for _ in range(2):
        console.post(at(into, "reverse"), confirmation)
    assert balances() == [100, 5]
    html = console.get(at(out)).content.decode()
    back = Action.objects.get(reverses=out)
    assert f'href="{at(back)}">{back.reference}</a> CZK 30.00' in html
    assert f"Reversed by: {back.reference}" in text(html)
    assert f"<h1>Transferred out {out} <span" in html
    assert chips(html) == ["Reversed"]
    assert chips(console.get(at(back)).content.decode()) == []
    assert f'Reversed <a class="reference" href="{at(out)}">' in console.get(at(back)).content.decode()
    assert at(out, "reverse") not in html
    assert at(out, "refund") not in html


def chips(html: str) -> list[str]:
    """Return the chips of a page's heading."""
    [heading] = re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    return re.findall(r'<span class="chip [^"]+">([^<]+)</span>', heading)


def test_reversed_action_asks_nobody_to_call_a_lead(client: Client, account: Account, agent: User) -> None:
    permit(agent, "deposit", "change_account")
    client.force_login(agent)
    action = account.actions.latest()
    assert "Reversing is for leads" in client.get(at(action)).content.decode()
    Action.reverse(uid=action.uid, comment="Booked twice", **asked(agent))
    assert "Reversing is for leads" not in client.get(at(action)).content.decode()


def test_what_can_be_reversed_or_closed_no_more_says_so_in_the_place_of_the_form(
    console: Client, account: Account, agent: User
) -> None:
    permit(agent, *VERBS, "close")
    action = account.actions.latest()
    assert "Preview" in console.get(at(action, "reverse")).content.decode()
    closing = console.get(at(account, "close")).content.decode()
    assert "Close is not possible now. The account holds CZK 100.00; withdraw it before closing." in text(closing)
    assert "Back to the account" in closing
    Action.reverse(uid=action.uid, comment="Booked twice", **asked(agent))
    reversing = console.get(at(action, "reverse")).content.decode()
    assert f"CZK 100.00 of {action} went back before." in reversing
    for page in (closing, reversing):
        assert "data-once" not in page
        assert "Jana Nova" in page
    assert "Preview" in console.get(at(account, "close")).content.decode()
    assert not Outbox.objects.filter(type="command.refused").exists()


def test_what_needs_approval_can_still_be_asked_for_at_the_form(console: Client, account: Account) -> None:
    Limit.objects.create(kind="approval", currency="CZK", account=account, amount=40)
    assert "Preview" in console.get(at(account.actions.latest(), "reverse")).content.decode()


def test_reverse_needs_a_reason(console: Client, account: Account) -> None:
    action = account.actions.latest()
    form = hidden(console.get(at(action, "reverse")).content.decode())
    assert console.post(at(action, "reverse"), form).context["form"].errors["comment"] == [MISSING]


def test_refund_says_how_much_can_go_back_and_takes_no_more(console: Client, account: Account) -> None:
    action = account.actions.latest()
    url = at(action, "refund")
    console.post(url, begin(console, url, amount="15", comment="Half of it"))
    assert balances() == [85]
    assert "CZK 85.00 of CZK 100.00 can go back." in console.get(url).content.decode()
    assert "is more than the CZK 85.00 of" in previewed(console, url, amount="85.01", comment="Too much")
    html = console.get(at(action)).content.decode()
    assert at(action, "refund") in html
    assert at(action, "reverse") not in html
    assert chips(html) == ["Refunded in part"]
    assert f"Refunded by: {account.actions.latest()} CZK 15.00" in text(html)
    console.post(url, begin(console, url, amount="85", comment="The rest"))
    assert chips(console.get(at(action)).content.decode()) == ["Refunded"]


def select(console: Client, verb: str, *rows: Any) -> str:
    chosen = {"action": verb, "_selected_action": [row.pk for row in rows]}
    page = reverse(f"console:ledger_{rows[0]._meta.model_name}_changelist")
    return str(console.post(page, chosen).headers["Location"])


def test_hold_is_placed_captured_in_part_and_shown(console: Client, account: Account) -> None:
    url = at(account, "hold")
    expires = timezone.localtime() + timedelta(days=3)
    fields = {"amount": "60", "expires": expires.strftime("%Y-%m-%dT%H:%M"), "comment": "Hotel"}
    page = text(previewed(console, url, **fields))
    assert f"Hold CZK 60.00 on {account}." in page
    assert "Available CZK 100.00 -CZK 60.00 CZK 40.00 Held CZK 0.00 +CZK 60.00 CZK 60.00" in page
    assert f"Expires {expires:%-d %b %Y, %H:%M}" in page
    console.post(url, begin(console, url, **fields))
    hold = Hold.objects.get()
    shown = text(console.get(at(account)).content.decode())
    assert "CZK 60.00 held, CZK 40.00 available" in shown
    assert f"Held now Hold Since Expires Held By Reason {hold}" in shown
    assert "Hold placed +CZK 60.00 held" in shown

    page = text(previewed(console, at(hold, "capture"), amount="25"))
    assert f"Capture CZK 25.00 of hold {hold} of {account}." in page
    assert "Balance CZK 100.00 -CZK 25.00 CZK 75.00" in page
    assert "Available CZK 40.00 CZK 35.00 CZK 75.00 Held CZK 60.00 -CZK 60.00 CZK 0.00" in page.replace("+", "")
    confirmation = begin(console, at(hold, "capture"), amount="25")
    for _ in range(2):
        console.post(at(hold, "capture"), confirmation)
    hold.refresh_from_db()
    assert (hold.state, hold.captured, balances()) == ("captured", 25, [75])
    html = console.get(at(hold)).content.decode()
    assert "Captured" in html
    assert at(hold, "capture") not in html
    assert at(hold, "release") not in html


def test_capture_without_an_amount_takes_all_of_it(console: Client, account: Account, agent: User) -> None:
    hold = held(agent, account)
    assert "Empty: all of it, CZK 60.00." in console.get(at(hold, "capture")).content.decode()
    page = text(previewed(console, at(hold, "capture")))
    assert "Capture CZK 60.00 of hold" in page
    console.post(at(hold, "capture"), begin(console, at(hold, "capture")))
    assert balances() == [40]


@pytest.mark.parametrize(("typed", "sentence"), [("60.01", "is more than the CZK 60.00 held"), ("0", "more than zero")])
def test_capture_of_an_impossible_amount_is_refused(
    console: Client, account: Account, agent: User, typed: str, sentence: str
) -> None:
    assert sentence in previewed(console, at(held(agent, account), "capture"), amount=typed)


def message(console: Client, url: str, **fields: str) -> tuple[str, list[tuple[str, str]]]:
    """Give a command; return what the message says until the reference, and its links."""
    html = console.post(url, begin(console, url, **fields), follow=True).content.decode()
    [told] = re.findall(r'<li class="success">(.*?)</li>', html, re.DOTALL)
    return text(told).partition(" Reference")[0], re.findall(r'<a href="([^"]+)">([^<]+)</a>', told)


def test_message_after_a_command_says_how_much_and_leads_on(console: Client, account: Account, agent: User) -> None:
    permit(agent, *VERBS, "withdraw", "freeze", "unfreeze")
    taken, links = message(console, at(account, "withdraw"), amount="5")
    action = account.actions.latest()
    assert taken == "Withdrawn: CZK 5.00; the balance is now CZK 95.00 ."
    assert links == [(at(account, "withdraw"), "Withdraw once more"), (at(action, "reverse"), "Take it back")]
    whose = (at(account), "Account of Jana Nova")
    reversing, links = message(console, at(action, "reverse"))
    assert (reversing, links) == ("Reversed: CZK 5.00; the balance is now CZK 100.00 .", [whose])
    put, links = message(console, at(account, "hold"), amount="30")
    assert put == "Held: CZK 30.00; what is available is now CZK 70.00 ."
    hold = Hold.objects.get()
    captured, links = message(console, at(hold, "capture"), amount="10")
    assert captured == "Captured: CZK 10.00; the balance is now CZK 90.00 ."
    assert links == [whose, (at(account.actions.latest(), "reverse"), "Take it back")]
    assert message(console, at(account, "freeze")) == (
        "The account is now frozen .", [(at(account, "unfreeze"), "Unfreeze")]
    )  # fmt: skip


def test_hold_that_would_have_expired_is_refused_at_its_field(console: Client, account: Account) -> None:
    page = previewed(console, at(account, "hold"), amount="1", expires="2020-01-01T10:00")
    assert "The hold would expire before it begins." in page
    assert 'id="id_expires_error"' in page


@pytest.mark.parametrize("moment", ["2027-10-31T02:30", "2027-03-28T02:30"])
def test_hold_until_a_time_that_the_clocks_say_twice_or_never_is_refused_in_words(
    console: Client, account: Account, moment: str
) -> None:
    page = previewed(console, at(account, "hold"), amount="1", expires=moment)
    assert "The clocks change on that day" in page


@pytest.mark.parametrize(("verb", "codename"), [("transfer", "transfer"), ("hold", "hold")])
def test_account_command_without_its_permission_is_absent(
    client: Client, agent: User, account: Account, verb: str, codename: str
) -> None:
    refused(client, agent, account, verb, codename)


@pytest.mark.parametrize("verb", ["reverse", "refund"])
def test_action_command_without_its_permission_is_absent(
    client: Client, agent: User, account: Account, verb: str
) -> None:
    refused(client, agent, account.actions.latest(), verb, verb)


@pytest.mark.parametrize("verb", ["capture", "release"])
def test_hold_command_without_its_permission_is_absent(
    client: Client, agent: User, account: Account, verb: str
) -> None:
    refused(client, agent, held(agent, account), verb, "hold")


def refused(client: Client, agent: User, row: Any, verb: str, codename: str) -> None:
    permit(agent, *(other for other in VERBS if other != codename))
    client.force_login(agent)
    url = at(row, verb)
    assert client.get(url).status_code == client.post(url, {}).status_code == 403
    assert url not in client.get(at(row)).content.decode()
    page = client.get(reverse(f"console:ledger_{row._meta.model_name}_changelist"))
    form = page.context["action_form"]
    assert form is None or verb not in dict(form.fields["action"].choices)


def test_hold_list_finds_by_reference_uid_and_name(console: Client, pair: tuple[Account, Account], agent: User) -> None:
    one, other = held(agent, pair[0]), held(agent, pair[1], 5)
    _, released = Hold.release(uid=other.uid, **asked(agent))
    page = reverse("console:ledger_hold_changelist")
    searches = {str(one.placed.reference): [one], str(released.reference): [other], str(one.uid): [one],
                str(pair[1].uid): [other], "Petr": [other], "nobody": []}  # fmt: skip
    for typed, found in searches.items():
        assert list(console.get(page, {"q": typed}).context["cl"].result_list) == found, typed
    assert list(console.get(page, {"state__exact": "pending"}).context["cl"].result_list) == [one]


def test_account_page_costs_the_same_for_3_holds_and_30(
    console: Client, pair: tuple[Account, Account], agent: User
) -> None:
    source, target = pair
    for number in range(30):
        held(agent, source, 1)
        transferred(agent, source, target, 1)
        if number == 2:
            with CaptureQueriesContext(connection) as few:
                console.get(at(source))
    with CaptureQueriesContext(connection) as many:
        console.get(at(source))
    assert len(few) == len(many)


def test_page_of_an_action_asks_for_what_took_it_back_once(console: Client, account: Account, agent: User) -> None:
    action = account.actions.latest()
    with CaptureQueriesContext(connection) as none:
        console.get(at(action))
    for _ in range(3):
        Action.refund(uid=action.uid, amount=Decimal(1), comment="Fee", **asked(agent))
    with CaptureQueriesContext(connection) as three:
        console.get(at(action))
    assert len(none) == len(three)


@pytest.mark.parametrize(
    ("deed", "command", "said"),
    [
        ("freeze", "deposit", "Deposit is not possible now. The account is frozen: unfreeze it first."),
        ("freeze", "transfer", "Transfer is not possible now. The account is frozen: unfreeze it first."),
        ("close", "withdraw", "Withdraw is not possible now. The account is closed for good."),
        ("", "withdraw", "Withdraw is not possible now. The balance leaves CZK 0.00."),
    ],
)
def test_where_no_amount_is_possible_it_is_said_in_the_place_of_the_form(  # noqa: PLR0917  fixtures and parameters
    console: Client, open_account: OpenAccount, agent: User, deed: str, command: str, said: str
) -> None:
    account = open_account()
    permit(agent, *VERBS, "deposit", "withdraw")
    if deed:
        getattr(Account, deed)(uid=account.uid, comment="Court order", **asked(agent))
    page = console.get(at(account, command)).content.decode()
    assert said in text(page)
    assert "data-once" not in page


def test_what_is_possible_is_asked_once_for_the_form(console: Client, pair: tuple[Account, Account]) -> None:
    with CaptureQueriesContext(connection) as asked_for:
        console.get(at(pair[0], "hold"))
    turnover = [query["sql"] for query in asked_for if "ledger_limit" in query["sql"].lower()]
    assert len(turnover) == 1


def test_where_not_one_of_several_can_take_part_it_is_said_in_the_place_of_the_form(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    permit(agent, *VERBS, "deposit", "freeze")
    accounts = [open_account(), open_account(name="Petr Novy"), open_account(name="Eva Mala")]
    for account in accounts[:2]:
        Account.freeze(uid=account.uid, comment="Court order", **asked(agent))

    def page(command: str, count: int) -> str:
        ids = ",".join(str(account.pk) for account in accounts[:count])
        return console.get(f"{reverse(f'console:ledger_account_{command}_selected')}?ids={ids}").content.decode()

    with CaptureQueriesContext(connection) as of_one:
        page("deposit", 1)
    with CaptureQueriesContext(connection) as of_two:
        said = text(page("deposit", 2))
    assert "Not one of the chosen accounts can take part. The account is frozen: unfreeze it first." in said
    assert len(of_one) == len(of_two)
    assert "The account is frozen already." in text(page("freeze", 2))
    assert "Preview" in page("deposit", 3)
