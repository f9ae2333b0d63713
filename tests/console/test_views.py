"""How people have their lists: columns, views of their own and of a team, the one a list begins with."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import NoReverseMatch, reverse

from audit.models import Outbox
from backoffice import list_pages
from backoffice.grants import grant
from backoffice.list_pages import SHOW_IT, TAKEN
from backoffice.models import Entity, ListChoice, SavedView, User
from backoffice.roles import AGENT, LEAD
from ledger.models import Account
from sandbox.site import site as sandbox

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
LIST = "console:ledger_account_changelist"
LABEL = "ledger.account"


def url(name: str, *args: object) -> str:
    return reverse(f"console:list_{name}", args=args or [LABEL])


@pytest.fixture
def people(nord: Entity) -> dict[str, Client]:
    """Two agents, a lead who is in the agents' team too, each in a browser."""
    browsers = {}
    for name, teams in (("ann", [AGENT]), ("bob", [AGENT]), ("lea", [LEAD, AGENT])):
        user = User.objects.create_user(name, is_staff=True)
        user.groups.set(Group.objects.filter(name__in=teams))
        grant(user, nord)
        browsers[name] = Client()
        browsers[name].force_login(user)
    return browsers


def heads(browser: Client, query: str = "") -> list[str]:
    return [str(column) for column in browser.get(reverse(LIST) + query).context["cl"].list_display[1:]]


def test_columns_are_one_s_own_and_remembered(people: dict[str, Client], account: Account) -> None:
    page = people["ann"].post(
        url("columns"), {"column": ["currency", "uid", "nonsense", "password"], "query": "q=Nova&after=7"}
    )
    assert page.headers["Location"] == f"{reverse(LIST)}?q=Nova"
    assert heads(people["ann"]) == ["customer", "currency", "uid"]
    assert heads(people["bob"])[:3] == ["customer", "entity", heads(people["bob"])[2]]
    html = people["ann"].get(reverse(LIST)).content.decode()
    assert str(account.uid) in html
    assert 'value="uid" checked' in html
    assert 'value="entity">' in html
    assert 'name="default">As it was</button>' in html
    assert "As it was" not in people["bob"].get(reverse(LIST)).content.decode()
    people["ann"].post(url("columns"), {"column": ["uid"], "default": "", "query": ""})
    assert heads(people["ann"]) == heads(people["bob"])


def test_file_holds_the_same_columns_for_everybody(people: dict[str, Client], account: Account) -> None:
    people["ann"].post(url("columns"), {"column": ["currency"]})
    files = [b"".join(people[name].get(reverse("console:ledger_account_export_csv"))) for name in ("ann", "bob")]
    assert files[0] == files[1]


def test_views_are_kept_replaced_and_deleted_by_their_owner(people: dict[str, Client], account: Account) -> None:
    ann, bob = people["ann"], people["bob"]
    sent = {"name": "Frozen ones", "query": "status__exact=frozen&after=3&csrfmiddlewaretoken=abcdefghi"}
    ann.post(url("columns"), {"column": ["uid"]})
    answer = ann.post(url("keep_view"), sent)
    view = SavedView.objects.get()
    assert answer.headers["Location"] == f"{reverse(LIST)}?view={view.pk}&status__exact=frozen"
    page = ann.get(answer.headers["Location"]).content.decode()
    assert "The view “Frozen ones” is kept." in page
    assert f'<a href="?view={view.pk}&amp;status__exact=frozen" aria-current="true">Frozen ones</a>' in page
    ann.post(url("columns"), {})
    assert heads(ann, f"?view={view.pk}&status__exact=open") == ["customer", "uid"]  # as it was kept
    assert "Frozen ones" not in bob.get(reverse(LIST)).content.decode()
    assert heads(bob, f"?view={view.pk}") == heads(bob)
    assert bob.post(url("change_view", view.pk), {"deed": "delete"}).status_code == 404
    ann.post(url("keep_view"), {**sent, "query": "q=y"})
    assert SavedView.objects.get().query == "status__exact=frozen"  # it was not the one that was shown
    assert "show it first" in ann.get(reverse(LIST), {"all": ""}).content.decode()
    ann.post(f"{url('keep_view')}?view={view.pk}", {**sent, "query": "q=x"})
    assert SavedView.objects.get().query == "q=x"
    assert ann.get(url("change_view", view.pk)).status_code == 405
    ann.post(url("change_view", view.pk), {"deed": "delete"})
    assert not SavedView.objects.exists()
    told = list(Outbox.objects.filter(type__startswith="search.").order_by("id").values_list("type", "data"))
    assert [kind for kind, _ in told] == ["search.saved", "search.saved", "search.deleted"]
    assert told[0][1] == {"name": "Frozen ones", "query": "status__exact=frozen", "list": LABEL, "columns": ["uid"]}


def test_team_s_view_is_made_by_who_may_and_seen_by_the_team(people: dict[str, Client], account: Account) -> None:
    team = Group.objects.get(name=AGENT)
    sent = {"name": "Ours", "query": "status__exact=open", "team": team.pk}
    assert 'name="team"' not in people["ann"].get(reverse(LIST)).content.decode()
    people["ann"].post(url("keep_view"), sent)
    assert not SavedView.objects.exists()
    people["lea"].post(url("keep_view"), {**sent, "team": Group.objects.create(name="Others").pk})
    assert not SavedView.objects.exists()
    people["lea"].post(url("keep_view"), sent)
    view = SavedView.objects.get()
    assert (view.team, view.person) == (team, None)
    assert ">Ours</a>" in people["bob"].get(reverse(LIST)).content.decode()
    people["bob"].post(url("change_view", view.pk), {"deed": "delete"})
    assert "is the team&#x27;s" in people["bob"].get(reverse(LIST)).content.decode()
    people["lea"].post(url("change_view", view.pk), {"deed": "delete"})
    assert not SavedView.objects.exists()


def test_no_two_views_that_somebody_sees_are_called_alike(people: dict[str, Client], account: Account) -> None:
    team = Group.objects.get(name=AGENT)
    ann, lea = people["ann"], people["lea"]
    lea.post(url("keep_view"), {"name": "Frozen", "query": "q=a", "team": team.pk})
    for browser, name in ((ann, "Frozen"), (ann, "frozen"), (lea, "FROZEN")):
        browser.post(url("keep_view"), {"name": name, "query": "q=b"})
        assert f"There is a view “{name}” already" in browser.get(reverse(LIST), {"all": ""}).content.decode()
    ann.post(url("keep_view"), {"name": "Mine", "query": "q=c"})
    lea.post(url("keep_view"), {"name": "Mine", "query": "q=d"})  # neither sees the other's
    assert list(SavedView.objects.order_by("query").values_list("name", "query")) == [
        ("Frozen", "q=a"), ("Mine", "q=c"), ("Mine", "q=d"),
    ]  # fmt: skip


def said(browser: Client, way: str, **sent: object) -> tuple[str, str]:
    """Return where a try to keep a view leads, and what the list says of it."""
    page = browser.post(url("keep_view") + way, sent)["Location"]
    *_, last = browser.get(page).context["messages"]
    return page.removeprefix(f"{reverse(LIST)}?"), str(last)


def test_view_is_to_be_shown_first_only_where_that_lets_it_be_replaced(
    people: dict[str, Client], account: Account
) -> None:
    team = Group.objects.get(name=AGENT)
    ann, lea = people["ann"], people["lea"]
    lea.post(url("keep_view"), {"name": "Ours", "query": "q=a", "team": team.pk})
    ann.post(url("keep_view"), {"name": "Mine", "query": "q=b"})
    ours, mine = SavedView.objects.order_by("query")
    for browser, shown, sent, first in (
        (ann, None, {"name": "Mine"}, True),
        (ann, ours, {"name": "Mine"}, True),
        (ann, mine, {"name": "mine"}, False),  # it is shown, and called otherwise
        (ann, None, {"name": "mine"}, False),
        (ann, None, {"name": "Ours"}, False),  # the team's, which she does not keep
        (ann, ours, {"name": "Ours"}, False),
        (lea, ours, {"name": "Ours"}, False),  # it is shown, and the team's, not hers
        (lea, None, {"name": "Ours", "team": team.pk}, True),
    ):
        _, told = said(browser, f"?view={shown.pk}" if shown else "", query="q=c", **sent)
        assert told == TAKEN.format(sent["name"]) + (SHOW_IT if first else ""), (shown, sent)
    assert not SavedView.objects.filter(query="q=c").exists()


@pytest.mark.parametrize("refused", [{"name": ""}, {"name": "Mine", "team": "0"}, {"name": "MINE"}, {"name": "Other"}])
def test_view_stays_shown_after_a_refusal_so_that_the_next_try_replaces_it(
    people: dict[str, Client], account: Account, monkeypatch: pytest.MonkeyPatch, refused: dict[str, str]
) -> None:
    monkeypatch.setattr(list_pages, "MOST", 1 if refused["name"] == "Other" else 50)
    people["ann"].post(url("keep_view"), {"name": "Mine", "query": "q=a"})
    view = SavedView.objects.get()
    page, told = said(people["ann"], f"?view={view.pk}", query="q=b&after=3", **refused)
    assert page == f"view={view.pk}&q=b"
    assert "is kept" not in told
    form = re.findall(
        rf'action="({url("keep_view")}[^"]*)"', people["ann"].get(f"{reverse(LIST)}?{page}").content.decode()
    )
    assert form == [f"{url('keep_view')}?view={view.pk}"]
    people["ann"].post(form[0], {"name": "Mine", "query": "q=b"})
    assert SavedView.objects.get().query == "q=b"


def test_view_is_deleted_after_a_question_that_says_for_whom(people: dict[str, Client], account: Account) -> None:
    people["lea"].post(url("keep_view"), {"name": "Ours", "query": "q=a", "team": Group.objects.get(name=AGENT).pk})
    html = people["lea"].get(reverse(LIST), {"view": SavedView.objects.get().pk}).content.decode()
    question = html.partition("<summary>Delete this view</summary>")[2].partition("</details>")[0]
    assert f"Delete “Ours” for everybody in {AGENT}?" in question
    assert 'name="deed" value="delete">Delete the view</button>' in question
    assert html.count('value="delete"') == 1


def test_list_begins_with_the_view_that_was_chosen(people: dict[str, Client], account: Account) -> None:
    ann = people["ann"]
    ann.post(url("keep_view"), {"name": "Mine", "query": "status__exact=frozen"})
    view = SavedView.objects.get()
    ann.post(url("change_view", view.pk), {"deed": "open"})
    assert ann.get(reverse(LIST)).headers["Location"] == f"?view={view.pk}&status__exact=frozen"
    assert ann.get(reverse(LIST), {"all": ""}).context["cl"].result_count == 1
    assert people["bob"].get(reverse(LIST)).status_code == 200
    ann.post(url("change_view", view.pk), {"deed": "close"})
    assert ann.get(reverse(LIST)).status_code == 200
    ann.post(url("change_view", view.pk), {"deed": "open"})
    ann.post(url("change_view", view.pk), {"deed": "delete"})
    assert ann.get(reverse(LIST)).status_code == 200
    assert ListChoice.objects.get().opens is None


def test_views_of_lists_that_one_does_not_see_are_refused(people: dict[str, Client]) -> None:
    for name in ("keep_view", "columns"):
        for label in ("audit.event", "nonsense", "backoffice.savedview"):
            assert people["ann"].post(url(name, label), {"name": "x"}).status_code == 403


def test_views_have_an_end(people: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_pages, "MOST", 1)
    for name in ("One", "One", "Two", "x" * 81, ""):
        people["ann"].post(url("keep_view"), {"name": name, "query": "q=y"})
    assert [view.name for view in SavedView.objects.all()] == ["One"]


def test_sandbox_has_its_lists_as_the_code_has_them() -> None:
    assert not sandbox.keeps_views
    with pytest.raises(NoReverseMatch):
        reverse("sandbox:list_columns", args=[LABEL])


@pytest.mark.parametrize(
    ("who", "sent", "said"),
    [
        ("ann", {"name": " "}, "Give the view a name, of 80 characters at most."),
        ("lea", {"name": "Ours", "team": "0"}, "Choose a team whose views you keep, or keep the view for yourself."),
        ("ann", {"name": "Long", "query": "q=" + "x" * 5000}, "What the list asks for is too long to be kept as a view: ask for less."),
    ],
)  # fmt: skip
def test_view_that_cannot_be_kept_says_only_what_is_wrong_with_it(
    people: dict[str, Client], who: str, sent: dict[str, str], said: str
) -> None:
    page = people[who].post(url("keep_view"), sent, follow=True)
    assert [str(message) for message in page.context["messages"]] == [said]
    assert not SavedView.objects.exists()
