"""Rights in the console: asked for on the page of an entity or a person, decided on the request's page by another."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from backoffice import grant_requests
from backoffice.deciding import DRIFT
from backoffice.grants import grant
from backoffice.models import Entity, GrantRequest, User
from backoffice.reason import MISSING
from backoffice.roles import ADMINISTRATOR, AGENT, LEAD, REVIEWER
from tests.console.test_commands import hidden

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
ASK = "Give or take rights"
LIST = "console:backoffice_grantrequest_changelist"


def browser_of(name: str, role: str) -> Client:
    """Return a browser in which somebody of the role is logged in."""
    user = User.objects.create_user(name, is_staff=True, first_name=name.capitalize())
    user.groups.add(Group.objects.get(name=role))
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def ann() -> Client:
    """An administrator, without a grant on any entity."""
    return browser_of("ann", ADMINISTRATOR)


@pytest.fixture
def bob() -> Client:
    """Another one."""
    return browser_of("bob", ADMINISTRATOR)


def page(name: str, pk: int) -> str:
    return reverse(f"console:backoffice_{name}", args=[pk])


def html(browser: Client, url: str) -> str:
    return browser.get(url).content.decode()


def preview(browser: Client, url: str, **fields: Any) -> Any:
    form = hidden(html(browser, url))
    return browser.post(url, {**form, "deed": "give", "reason": "Begins on Monday", **fields})


def ask(browser: Client, url: str, **fields: Any) -> GrantRequest:
    """Fill in the form, confirm the preview, and return the request."""
    shown = preview(browser, url, **fields)
    assert shown.context["form"].errors == {}
    done = browser.post(url, hidden(shown.content.decode()))
    made = GrantRequest.objects.latest("pk")
    assert done.headers["Location"] == page("grantrequest_change", made.pk)
    return made


def decide(browser: Client, made: GrantRequest, name: str = "approve", **fields: str) -> Any:
    """Decide as the page of the request does."""
    form = hidden(html(browser, page("grantrequest_change", made.pk)))
    return browser.post(
        page(f"grantrequest_{name}", made.pk), {**form, "comment": "Contract seen", **fields}, follow=True
    )


@pytest.mark.parametrize("kind", ["group on entity", "person on entity", "entity of person", "group of person"])
def test_right_is_asked_for_on_one_page_and_approved_on_another(
    ann: Client, bob: Client, agent: User, nord: Entity, kind: str
) -> None:
    sud, lead = Entity.objects.create(code="sud", name="Sudbank"), Group.objects.get(name=LEAD)
    url, chosen, held = {
        "group on entity": (page("entity_rights", sud.pk), {"group": lead.pk}, lead.grants),
        "person on entity": (page("entity_rights", sud.pk), {"person": agent.pk}, agent.grants),
        "entity of person": (page("user_rights", agent.pk), {"entity": sud.pk}, agent.grants),
        "group of person": (page("user_rights", agent.pk), {"group": lead.pk}, agent.groups),
    }[kind]  # fmt: skip
    before = held.count()
    made = ask(ann, url, **chosen)
    assert (held.count(), made.state, made.reason) == (before, "pending", "Begins on Monday")
    assert "Rights: 1" in html(bob, reverse("console:index"))
    assert "Rights: 1" not in html(ann, reverse("console:index"))
    decide(bob, made)
    assert held.count() == before + 1
    taken = ask(ann, url, deed="take", **chosen)
    decide(bob, taken)
    assert held.count() == before


def test_form_asks_for_one_of_two_and_for_a_reason(ann: Client, agent: User, nord: Entity) -> None:
    lead = Group.objects.get(name=LEAD)
    url = page("entity_rights", nord.pk)
    for chosen in ({}, {"group": lead.pk, "person": agent.pk}):
        assert "Choose a group or a person: one of the two." in str(preview(ann, url, **chosen).context["form"].errors)
    assert "reason" in preview(ann, url, group=lead.pk, reason=" ").context["form"].errors
    assert not GrantRequest.objects.exists()


def test_form_chooses_staff_only_and_says_what_cannot_be(ann: Client, agent: User, nord: Entity) -> None:
    customer = User.objects.create(username="customer")
    url = page("entity_rights", nord.pk)
    assert "person" in preview(ann, url, person=customer.pk).context["form"].errors
    refused = preview(ann, url, person=agent.pk).context["form"].non_field_errors()
    assert refused == ["There is nothing to give: this right stands already."]


def test_what_does_not_go_with_what_the_person_has_is_said_to_who_asks_and_who_decides(
    ann: Client, bob: Client, agent: User
) -> None:
    url, administrators = page("user_rights", agent.pk), Group.objects.get(name=ADMINISTRATOR)
    made = ask(ann, url, group=administrators.pk)
    agent.groups.add(Group.objects.get(name=AGENT))
    told = "Money is moved by Support agent, people and rights are changed by Administrator: nobody gets both."
    [refused] = preview(ann, url, group=administrators.pk).context["form"].non_field_errors()
    assert refused.startswith(told)
    assert told in html(bob, page("grantrequest_change", made.pk))
    decide(bob, made)
    assert [group.name for group in agent.groups.all()] == [AGENT]


def test_way_to_ask_and_each_right_s_way_to_be_taken_are_shown_to_who_may(
    ann: Client, agent: User, nord: Entity
) -> None:
    reviewer = browser_of("rob", REVIEWER)
    grant(User.objects.get(username="rob"), nord)
    entity, person = page("entity_change", nord.pk), page("user_change", agent.pk)
    of_entity, of_person = page("entity_rights", nord.pk), page("user_rights", agent.pk)
    taking = f'href="{of_entity}?deed=take&amp;person={agent.pk}"'
    for url, asking in ((entity, of_entity), (person, of_person)):
        assert f'href="{asking}"' in html(ann, url)
        assert "Nordbank" in html(reviewer, url)
        assert asking not in html(reviewer, url)
        assert reviewer.get(asking).status_code == reviewer.post(asking, {}).status_code == 403
    assert (taking in html(ann, entity), taking in html(reviewer, entity)) == (True, False)
    filled = ann.get(of_entity, {"deed": "take", "person": str(agent.pk)}).context["form"]
    assert (filled["deed"].value(), filled["person"].value()) == ("take", str(agent.pk))
    assert ASK not in html(ann, page("user_change", User.objects.get(username="ann").pk))


def test_who_opens_the_form_for_rights_of_their_own_is_told_in_its_place(ann: Client, agent: User) -> None:
    own, other = (page("user_rights", User.objects.get(username=name).pk) for name in ("ann", "agent"))
    told = "Nobody asks for rights of their own to be given or taken."
    shown = html(ann, own)
    assert (told in shown, 'name="deed"' in shown) == (True, False)
    assert f'href="{page("user_change", User.objects.get(username="ann").pk)}"' in shown
    offered = html(ann, other)
    assert (told in offered, 'name="deed"' in offered) == (False, True)
    refused = ann.post(own, {"key": uuid4(), "deed": "give", "group": Group.objects.get(name=LEAD).pk, "reason": "x"})
    assert told in refused.content.decode()


def test_maker_sees_no_way_to_decide_and_can_take_it_back(ann: Client, agent: User, nord: Entity) -> None:
    made = ask(ann, page("user_rights", agent.pk), group=Group.objects.get(name=LEAD).pk)
    shown = html(ann, page("grantrequest_change", made.pk))
    assert "Approve: " not in shown
    assert "You asked for this yourself" in shown
    assert "You asked for this yourself" in decide(ann, made).content.decode()
    made.refresh_from_db()
    assert made.state == "pending"
    decide(ann, made, "cancel")
    made.refresh_from_db()
    assert (made.state, made.checker.username if made.checker else None) == ("cancelled", "ann")


def test_superuser_is_not_exempt(client: Client, admin: User, agent: User) -> None:
    client.force_login(admin)
    made = ask(client, page("user_rights", agent.pk), group=Group.objects.get(name=LEAD).pk)
    assert "somebody else has to decide" in decide(client, made).content.decode()
    assert agent.groups.count() == 0


def test_rejection_needs_a_reason_and_keeps_it(ann: Client, bob: Client, agent: User) -> None:
    made = ask(ann, page("user_rights", agent.pk), group=Group.objects.get(name=LEAD).pk)
    assert MISSING in decide(bob, made, "reject", comment=" ").content.decode()
    too_long = decide(bob, made, "reject", comment="x" * 501).content.decode()
    assert "It has 501 characters, 500 are the most." in too_long
    decide(bob, made, "reject", comment="Not trained yet")
    made.refresh_from_db()
    assert (made.state, made.comment, agent.groups.count()) == ("rejected", "Not trained yet", 0)
    history = html(bob, page("grantrequest_history", made.pk))
    assert "Not trained yet" in history


def test_drift_is_shown_and_nothing_decided(ann: Client, bob: Client, agent: User) -> None:
    made = ask(ann, page("user_rights", agent.pk), group=Group.objects.get(name=LEAD).pk)
    form = hidden(html(bob, page("grantrequest_change", made.pk)))
    other = grant_requests.ask(
        by=User.objects.get(username="ann"), give=True, reason="x", person=agent, group=Group.objects.get(name=AGENT)
    )
    decide(bob, other)
    again = bob.post(page("grantrequest_approve", made.pk), {**form, "comment": "Fine"})
    assert DRIFT in again.content.decode()
    assert "What would happen now is not what" in again.content.decode()
    assert [group.name for group in agent.groups.all()] == [AGENT]
    decide(bob, made)
    assert agent.groups.count() == 2


def test_token_of_another_page_or_person_decides_nothing(ann: Client, bob: Client, agent: User, admin: User) -> None:
    made, other = (
        ask(ann, page("user_rights", agent.pk), group=Group.objects.get(name=name).pk) for name in (LEAD, AGENT)
    )
    foreign = hidden(html(bob, page("grantrequest_change", other.pk)))
    own = hidden(html(bob, page("grantrequest_change", made.pk)))
    carol = Client()
    carol.force_login(admin)
    for browser, form in ((bob, foreign), (carol, own), (bob, {})):
        assert DRIFT in browser.post(page("grantrequest_approve", made.pk), {**form, "comment": "x"}).content.decode()
    assert agent.groups.count() == 0


def test_deciding_goes_on_to_the_next_request_that_waits(ann: Client, bob: Client, agent: User) -> None:
    made, other = (
        ask(ann, page("user_rights", agent.pk), group=Group.objects.get(name=name).pk) for name in (LEAD, AGENT)
    )
    assert decide(bob, made).redirect_chain == [(page("grantrequest_change", other.pk), 302)]
    assert decide(bob, other).redirect_chain == [(page("grantrequest_change", other.pk), 302)]


def test_request_about_an_entity_out_of_reach_is_not_there(ann: Client, agent: User, nord: Entity) -> None:
    made = ask(ann, page("entity_rights", nord.pk), group=Group.objects.get(name=LEAD).pk)
    reviewer = browser_of("rob", REVIEWER)
    assert list(reviewer.get(reverse(LIST)).context["cl"].result_list) == []
    assert reviewer.get(page("grantrequest_change", made.pk)).status_code == 302


def test_entity_is_moved_by_request_and_by_no_form(ann: Client, bob: Client, nord: Entity) -> None:
    sud = Entity.objects.create(code="sud", name="Sudbank")
    shown = html(ann, page("entity_change", sud.pk))
    assert 'name="parent"' not in shown
    assert f'href="{page("entity_move", sud.pk)}"' in shown
    form = {**hidden(shown), "code": "sud", "name": "Sud", "parent": nord.pk, "reason": "x"}
    ann.post(page("entity_change", sud.pk), form)
    sud.refresh_from_db()
    assert (sud.name, sud.parent) == ("Sud", None)
    made = ask(ann, page("entity_move", sud.pk), parent=nord.pk)
    assert "below <strong>Nordbank</strong>" in html(bob, page("grantrequest_change", made.pk))
    decide(bob, made)
    sud.refresh_from_db()
    assert sud.parent == nord


def test_who_is_switched_on_again_holds_nothing_from_before(ann: Client, agent: User) -> None:
    agent.is_active, agent.email = False, "agent@example.com"
    agent.save()
    url = page("user_change", agent.pk)
    form = {"username": "agent", "email": agent.email, "is_active": "on", "is_staff": "on", "reason": "Is back"}
    refused = ann.post(url, form).context["adminform"].form.errors
    assert list(refused) == ["is_active"]
    assert "agent still holds rights from before: Nordbank." in str(refused)
    agent.grants.all().delete()
    assert ann.post(url, form).status_code == 302
    agent.refresh_from_db()
    assert agent.is_active
