"""Command pages: form, preview, confirmation; one permission each, and posted once however it is clicked."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from backoffice.reason import MISSING
from ledger.models import Account, Action, Limit
from tests.cast import OpenAccount
from tests.console.test_pages import text

pytestmark = pytest.mark.django_db
VERBS = ("deposit", "withdraw", "freeze", "unfreeze", "close")


def permit(user: User, *codenames: str) -> None:
    user.user_permissions.set(
        Permission.objects.filter(
            codename__in=[*codenames, "view_account", "view_action"], content_type__app_label="ledger"
        )
    )


@pytest.fixture
def console(client: Client, agent: User) -> Client:
    """A browser in which the agent is logged in, who may everything with accounts."""
    permit(agent, *VERBS)
    client.force_login(agent)
    return client


def page(account: Account, verb: str) -> str:
    return reverse(f"console:ledger_account_{verb}", args=[account.pk])


def hidden(html: str) -> dict[str, str]:
    """Return the hidden fields of the page's form, as a browser would send them."""
    inputs = re.findall(r"<input[^>]+type=\"hidden\"[^>]*>", html)
    found = {}
    for tag in inputs:
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        found[attributes["name"]] = attributes.get("value", "")
    return found


def begin(console: Client, url: str, **fields: str) -> dict[str, str]:
    """Open the form, fill it in, and return what the preview's confirmation would send."""
    form = hidden(console.get(url).content.decode())
    preview = console.post(url, {**form, "reference_type": "none", "comment": "Asked", **fields})
    assert preview.status_code == 200
    return hidden(preview.content.decode())


def test_deposit_from_form_to_account_page(console: Client, account: Account) -> None:
    url = page(account, "deposit")
    confirmation = begin(console, url, amount="10.50", comment="Coins")
    account.refresh_from_db()
    assert account.balance == 100

    answer = console.post(url, confirmation, follow=True)

    account.refresh_from_db()
    action = account.actions.latest()
    assert account.balance == Decimal("110.50")
    assert (action.by.username, action.comment, action.delta) == ("agent", "Coins", Decimal("10.50"))
    assert answer.redirect_chain == [(reverse("console:ledger_account_change", args=[account.pk]), 302)]
    assert action.reference in answer.content.decode()
    assert "CZK 110.50" in answer.content.decode()


def test_preview_shows_before_and_after(console: Client, account: Account) -> None:
    url = page(account, "withdraw")
    form = hidden(console.get(url).content.decode())
    html = console.post(url, {**form, "amount": "30", "reference_type": "none", "comment": "Asked"}).content.decode()
    for shown in ("CZK 100.00", "-CZK 30.00", "CZK 70.00"):
        assert shown in html


@pytest.mark.parametrize("times", [2, 3])
def test_confirming_again_posts_once(console: Client, account: Account, times: int) -> None:
    url = page(account, "deposit")
    confirmation = begin(console, url, amount="10")
    answers = [console.post(url, confirmation, follow=True) for _ in range(times)]
    account.refresh_from_db()
    assert (account.balance, Action.objects.count()) == (110, 3)
    assert all(account.actions.latest().reference in answer.content.decode() for answer in answers)
    assert "posted before" in answers[-1].content.decode()


def test_back_to_the_form_and_confirming_again_posts_once(console: Client, account: Account) -> None:
    url = page(account, "deposit")
    form = hidden(console.get(url).content.decode())
    for _ in range(2):
        preview = console.post(url, {**form, "amount": "10", "reference_type": "none", "comment": "Asked"})
        console.post(url, hidden(preview.content.decode()))
    account.refresh_from_db()
    assert account.balance == 110


def test_a_used_form_with_another_amount_is_refused(console: Client, account: Account) -> None:
    url = page(account, "deposit")
    form = hidden(console.get(url).content.decode())
    preview = console.post(url, {**form, "amount": "10", "reference_type": "none", "comment": "Asked"})
    console.post(url, hidden(preview.content.decode()))
    answer = console.post(url, {**form, "amount": "11", "reference_type": "none", "comment": "Asked"})
    assert "was used for another posting" in answer.content.decode()


def test_drift_since_the_preview_is_shown_not_posted(console: Client, account: Account, agent: User) -> None:
    url = page(account, "deposit")
    confirmation = begin(console, url, amount="10")
    Account.deposit(uid=account.uid, amount=Decimal(1), by=agent, asof=account.modified)
    Limit.objects.create(kind="max_balance", currency="CZK", account=account, amount=500)

    warned = console.post(url, confirmation)
    told = text(warned.content.decode())
    assert "Something has changed since you looked" in told
    assert "Before was CZK 100.00 when you looked, is now CZK 101.00 Change +CZK 10.00" in told
    assert "After was CZK 110.00 when you looked, is now CZK 111.00" in told
    assert "the maximum balance set for this account binds. When you looked, this said: “Between CZK 0.01 and" in told
    account.refresh_from_db()
    assert account.balance == 101

    again = hidden(warned.content.decode())
    assert "when you looked" not in text(console.post(url, {**again, "token": ""}).content.decode())
    for _ in range(2):
        console.post(url, again)
    account.refresh_from_db()
    assert account.balance == 111


def test_what_the_preview_let_pass_and_is_refused_or_to_be_approved_now_says_so(
    console: Client, account: Account, agent: User
) -> None:
    url = page(account, "deposit")
    confirmation = begin(console, url, amount="10")
    limit = Limit.objects.create(kind="approval", currency="CZK", account=account, amount=5)
    over = console.post(url, confirmation).content.decode()
    assert "When you looked, nobody else had to approve it." in text(over)
    assert 'name="ask"' in over
    limit.delete()
    at_once = text(console.post(url, {**hidden(over), "ask": "ask"}).content.decode())
    assert "another person has to approve it. Now it is done at once." in at_once
    Account.freeze(uid=account.uid, by=agent, asof=account.modified, comment="Court order")
    refused = text(console.post(url, confirmation).content.decode())
    assert "The account is frozen: unfreeze it first." in refused
    assert "When you looked it was possible, from CZK 100.00 to CZK 110.00." in refused
    account.refresh_from_db()
    assert account.balance == 100


@pytest.mark.parametrize("change", [{"amount": "11"}, {"comment": "other"}, {"token": "forged"}])
def test_confirmation_holds_for_what_was_previewed_only(
    console: Client, account: Account, change: dict[str, str]
) -> None:
    url = page(account, "deposit")
    confirmation = begin(console, url, amount="10")
    console.post(url, {**confirmation, **change})
    account.refresh_from_db()
    assert account.balance == 100


def test_confirmation_of_one_account_does_not_serve_another(console: Client, open_account: OpenAccount) -> None:
    one, other = open_account("5"), open_account("5")
    confirmation = begin(console, page(one, "deposit"), amount="10")
    console.post(page(other, "deposit"), confirmation)
    other.refresh_from_db()
    assert other.balance == 5


def test_confirmation_of_one_person_does_not_serve_another(console: Client, account: Account, admin: User) -> None:
    confirmation = begin(console, page(account, "deposit"), amount="10")
    console.force_login(admin)
    console.post(page(account, "deposit"), confirmation)
    account.refresh_from_db()
    assert account.balance == 100


@pytest.mark.parametrize(
    ("verb", "amount", "sentence"),
    [
        ("deposit", "", "This field is required."),
        ("deposit", "ten", "Write the amount as a number, such as 1234.50."),
        (
            "deposit",
            "1,0000",
            "Write the amount as a number, such as 1234.50.",
        ),
        ("deposit", "1e3", "Write the amount as a number, such as 1234.50."),
        ("deposit", "1_000", "Write the amount as a number, such as 1234.50."),
        ("deposit", "-5", "The amount is negative: it must be more than zero."),
        ("deposit", "0", "The amount must be more than zero."),
        ("deposit", "NaN", "Write the amount as a number, such as 1234.50."),
        ("deposit", "1.0001", "CZK has 2 decimals, 1.0001 has more."),
        ("deposit", "1.000", "1.000 can be read as two amounts: write 1000, or 1.00."),
        ("deposit", "51", "CZK 51.00 is over the maximum deposit of CZK 50.00 set for this account."),
        ("withdraw", "100.01", "CZK 100.01 is more than the available CZK 100.00."),
    ],
)
def test_each_refusal_is_a_sentence_at_its_field(
    console: Client, account: Account, verb: str, amount: str, sentence: str
) -> None:
    Limit.objects.create(kind="max_deposit", currency="CZK", account=account, amount=50)
    url = page(account, verb)
    form = hidden(console.get(url).content.decode())
    answer = console.post(url, {**form, "amount": amount, "reference_type": "none", "comment": "Asked"})
    assert answer.context["form"].errors["amount"] == [sentence]
    assert sentence in answer.content.decode()


def test_reason_that_is_too_long_is_kept_and_told_its_length(console: Client, account: Account) -> None:
    url = page(account, "deposit")
    form = console.get(url).content.decode()
    assert "<textarea" in form
    assert re.findall(r"<textarea[^>]+maxlength", form) == []
    fields = {**hidden(form), "amount": "5", "reference_type": "none"}
    answer = console.post(url, {**fields, "comment": "x" * 700}).content.decode()
    assert "It has 700 characters, 500 are the most." in answer
    assert "x" * 700 in answer


def test_spaces_in_an_amount_do_not_matter(console: Client, account: Account) -> None:
    url = page(account, "deposit")
    console.post(url, begin(console, url, amount=" 1 000.50 "))
    account.refresh_from_db()
    assert account.balance == Decimal("1100.50")


@pytest.mark.parametrize(("verb", "status"), [("freeze", "frozen"), ("close", "closed")])
def test_status_commands_change_the_status_with_a_reason(
    console: Client, open_account: OpenAccount, verb: str, status: str
) -> None:
    account = open_account()
    url = page(account, verb)
    form = hidden(console.get(url).content.decode())
    assert console.post(url, form).context["form"].errors["comment"] == [MISSING]
    console.post(url, begin(console, url, comment="As asked by the customer"))
    account.refresh_from_db()
    assert (account.status, account.actions.latest().comment) == (status, "As asked by the customer")


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_needs_its_own_permission(client: Client, agent: User, account: Account, verb: str) -> None:
    permit(agent, *(other for other in VERBS if other != verb))
    client.force_login(agent)
    url = page(account, verb)
    assert client.get(url).status_code == client.post(url, {}).status_code == 403
    assert url not in client.get(reverse("console:ledger_account_change", args=[account.pk])).content.decode()
    actions = dict(
        client.get(reverse("console:ledger_account_changelist")).context["action_form"].fields["action"].choices
    )
    assert verb not in actions


def test_a_command_sends_the_anonymous_to_the_login(client: Client, account: Account) -> None:
    url = page(account, "deposit")
    assert client.get(url).headers["Location"] == f"{reverse('console:login')}?next={url}"


def test_a_command_needs_csrf(agent: User, account: Account) -> None:
    permit(agent, "deposit")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(agent)
    assert browser.post(page(account, "deposit"), {"amount": "1"}).status_code == 403


def select(console: Client, verb: str, *accounts: Account) -> str:
    """Choose a bulk action on the list and return the page it leads to."""
    chosen = {"action": verb, "_selected_action": [account.pk for account in accounts]}
    return str(console.post(reverse("console:ledger_account_changelist"), chosen).headers["Location"])


def test_confirming_a_selection_again_posts_nothing_that_was_refused(
    console: Client, open_account: OpenAccount, agent: User
) -> None:
    rich, poor = open_account("50"), open_account("5")
    url = select(console, "withdraw", rich, poor)
    confirmation = begin(console, url, amount="10")
    first = console.post(url.partition("?")[0], confirmation)
    Account.deposit(uid=poor.uid, amount=Decimal(30), by=agent, asof=poor.modified)
    again = console.post(url.partition("?")[0], confirmation)
    assert first.headers["Location"] == again.headers["Location"]
    assert [account.balance for account in Account.objects.order_by("pk")] == [40, 35]


def test_bulk_of_several_currencies_is_refused(console: Client, open_account: OpenAccount) -> None:
    url = select(console, "deposit", open_account(), open_account(currency="EUR"))
    form = hidden(console.get(url).content.decode())
    answer = console.post(url, {**form, "amount": "1", "reference_type": "none", "comment": "Asked"})
    assert "The selection mixes CZK and EUR" in answer.content.decode()


@pytest.mark.parametrize("ids", ["", "x", "1,", "999999", ",".join(map(str, range(201)))])
def test_bulk_without_a_good_selection_is_refused(console: Client, account: Account, ids: str) -> None:
    answer = console.get(reverse("console:ledger_account_deposit_selected"), {"ids": ids})
    assert answer.status_code in {400, 404}


def test_admin_of_django_is_not_there(client: Client) -> None:
    assert client.get("/admin/").status_code == 404


@pytest.mark.parametrize("query", ["status=%00", "currency=%00", "q=%00", "%00=1"])
def test_nul_in_the_address_is_a_bad_request(console: Client, query: str) -> None:
    assert console.get(f"{reverse('console:ledger_account_changelist')}?{query}").status_code == 400
