"""Rights are asked for by one person and decided by another, and the database knows no other way for the site."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from audit.models import Outbox
from backoffice import grant_requests
from backoffice.duties import MONEY, RIGHTS
from backoffice.grants import entities_of, grant, revoke
from backoffice.models import Entity, GrantRequest, GroupGrant, PersonGrant, User
from backoffice.rights import GrantRefused, StaleGrant, stands, would
from backoffice.roles import ADMINISTRATOR, AGENT, IMPORTER, LEAD, REVIEWER, ROLES
from backoffice.scope import Scope, announce, entered

pytestmark = pytest.mark.django_db
Row = dict[str, Any]


@pytest.fixture
def maker() -> User:
    return User.objects.create_user("maker", is_staff=True)


@pytest.fixture
def checker() -> User:
    return User.objects.create_user("checker", is_staff=True, is_superuser=True)


@pytest.fixture
def group() -> Group:
    return Group.objects.get(name=LEAD)


@pytest.fixture
def kinds(agent: User, nord: Entity, group: Group) -> dict[str, Row]:
    """What can be asked for: none of it stands."""
    praha = Entity.objects.create(code="praha", name="Praha", parent=nord)
    return {
        "person in group": {"person": agent, "group": group},
        "person on entity": {"person": agent, "entity": praha},
        "group on entity": {"group": group, "entity": nord},
    }


KINDS = pytest.mark.parametrize("kind", ["person in group", "person on entity", "group on entity"])


def ask(maker: User, right: Row, *, give: bool = True) -> GrantRequest:
    return grant_requests.ask(by=maker, give=give, reason="Needed on Monday", **right)


def approve(asked: GrantRequest, by: User, **how: Any) -> GrantRequest:
    return grant_requests.approve(pk=asked.pk, by=by, comment="Contract seen", **how)


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(GrantRefused) as caught:
        yield
    assert caught.value.code == code


@contextmanager
def refused_by(name: str) -> Iterator[None]:
    """Expect that the database refuses, by this name."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    cause: Any = caught.value.__cause__
    assert cause.diag.constraint_name == name


@KINDS
def test_right_is_given_and_taken_once_another_person_approves(
    kind: str, kinds: dict[str, Row], maker: User, checker: User
) -> None:
    for give in (True, False):
        asked = ask(maker, kinds[kind], give=give)
        assert stands(asked) is not give
        done = approve(asked, checker, saw=would(asked).digest)
        assert (done.state, done.checker, stands(asked)) == ("approved", checker, give)
        assert done.decided
        told = Outbox.objects.filter(object_type="backoffice.grantrequest", object_id=str(asked.pk))
        assert [event.type for event in told.order_by("id") if event.type.startswith("grant.")] == [
            "grant.requested",
            "grant.approved",
        ]
        history = GrantRequest.history.filter(id=asked.pk).order_by("history_id")
        assert list(history.values_list("history_type", "state")) == [("+", "pending"), ("~", "approved")]


def test_what_is_shown_is_what_comes_of_it(kinds: dict[str, Row], maker: User, checker: User, agent: User) -> None:
    seen = {
        kind: [(e.what, e.before, e.after) for e in would(ask(maker, right)).effects] for kind, right in kinds.items()
    }
    reached = "Entities worked on, with those below"
    assert seen == {
        "person in group": [("Groups", "none", "Support lead"), (reached, "2", "2")],
        "person on entity": [("Entities granted to the person", "Nordbank", "Nordbank, Praha"), (reached, "2", "2")],
        "group on entity": [("Entities granted to the group", "none", "Nordbank"), (reached, "0", "2"), ("People in the group", "0", "0")],
    }  # fmt: skip
    assert entities_of(checker) == []
    checker.groups.add(kinds["group on entity"]["group"])
    approve(GrantRequest.objects.get(person=None), maker_of_none := User.objects.create_user("third", is_staff=True))
    assert len(entities_of(checker)) == 2
    assert maker_of_none.groups.count() == 0


@KINDS
def test_maker_decides_on_no_request_whatever_the_role(kind: str, kinds: dict[str, Row], maker: User) -> None:
    maker.is_superuser = True
    maker.save()
    asked = ask(maker, kinds[kind])
    with refused("same_approver"):
        approve(asked, maker)
    with refused("same_approver"):
        grant_requests.reject(pk=asked.pk, by=maker, comment="No")
    with refused_by("backoffice_grantrequest_checker_is_another"):
        GrantRequest.objects.filter(pk=asked.pk).update(state="approved", checker=maker)
    assert not stands(asked)


def test_nobody_asks_for_or_decides_on_rights_of_his_own(kinds: dict[str, Row], maker: User, agent: User) -> None:
    with refused("one_s_own"):
        ask(agent, kinds["person in group"])
    asked = ask(maker, kinds["person in group"])
    with refused("one_s_own"):
        approve(asked, agent)
    with refused_by("backoffice_grantrequest_not_one_s_own"):
        GrantRequest.objects.filter(pk=asked.pk).update(state="rejected", checker=agent)
    own = {"give": True, "person": agent, "group": kinds["person in group"]["group"], "shown": {}, "reason": "r"}
    with refused_by("backoffice_grantrequest_not_one_s_own"):
        GrantRequest.objects.create(maker=agent, expires=timezone.now(), **own)


@KINDS
def test_same_request_waits_once(kind: str, kinds: dict[str, Row], maker: User, checker: User, admin: User) -> None:
    asked = ask(maker, kinds[kind])
    for by in (maker, admin):
        with pytest.raises(GrantRefused, match="maker has asked for this already, and it waits"):
            ask(by, kinds[kind])
    grant_requests.reject(pk=asked.pk, by=checker, comment="Not yet")
    assert ask(maker, kinds[kind]).pk != asked.pk


def test_what_cannot_be_done_is_not_asked_for(kinds: dict[str, Row], maker: User, nord: Entity, agent: User) -> None:
    with refused("nothing_to_do"):
        ask(maker, kinds["person in group"], give=False)
    with refused("nothing_to_do"):
        ask(maker, {"person": agent, "entity": nord})
    with refused("reason_required"):
        grant_requests.ask(by=maker, give=True, reason=" ", **kinds["person in group"])
    customer = User.objects.create(username="customer")
    with refused("not_staff"):
        ask(maker, {"person": customer, "entity": nord})
    gone = Entity.objects.create(code="gone", name="Gone")
    gone.delete()
    with refused("void_entity"):
        ask(maker, {"person": agent, "entity": gone})
    assert not GrantRequest.objects.exists()


def test_taking_from_who_has_left_is_possible(maker: User, checker: User, agent: User, nord: Entity) -> None:
    agent.is_active = agent.is_staff = False
    agent.save()
    approve(ask(maker, {"person": agent, "entity": nord}, give=False), checker)
    assert entities_of(agent) == []


@KINDS
def test_request_of_anything_else_than_two_of_three_or_a_move_is_refused(
    kind: str, kinds: dict[str, Row], maker: User
) -> None:
    right = kinds[kind]
    plain = {"give": True, "maker": maker, "shown": {}, "reason": "r", "expires": timezone.now()}
    [first, *_] = right
    alone = {first: right[first], "give": False, "parent": Entity.objects.first()}
    for odd in (
        {},
        alone,
        {**right, "parent": Entity.objects.first()},
        {key: value for row in kinds.values() for key, value in row.items()},
    ):
        with refused_by("backoffice_grantrequest_two_or_a_move"):
            GrantRequest.objects.create(**{**plain, **odd})


def test_drift_is_refused_and_decides_nothing(kinds: dict[str, Row], maker: User, checker: User, agent: User) -> None:
    asked = ask(maker, kinds["person in group"])
    saw = would(asked).digest
    agent.groups.add(Group.objects.get(name=AGENT))
    with pytest.raises(StaleGrant):
        approve(asked, checker, saw=saw)
    asked.refresh_from_db()
    assert (asked.state, stands(asked)) == ("pending", False)
    assert asked.was_shown != would(asked)
    approve(asked, checker, saw=would(asked).digest)
    assert stands(asked)


def test_what_was_done_meanwhile_cannot_be_approved(
    kinds: dict[str, Row], maker: User, checker: User, agent: User
) -> None:
    asked = ask(maker, kinds["person on entity"])
    grant(agent, kinds["person on entity"]["entity"])
    with refused("nothing_to_do"):
        approve(asked, checker)
    asked.refresh_from_db()
    assert asked.state == "pending"


@pytest.mark.parametrize(("has", "asks"), [(AGENT, ADMINISTRATOR), (ADMINISTRATOR, LEAD), (IMPORTER, ADMINISTRATOR)])
def test_nobody_is_given_what_moves_money_and_what_changes_people(
    maker: User, checker: User, agent: User, has: str, asks: str
) -> None:
    held, asked = Group.objects.get(name=has), Group.objects.get(name=asks)
    waiting = ask(maker, {"person": agent, "group": asked})
    approve(ask(maker, {"person": agent, "group": held}), checker)
    assert would(waiting).code == "two_duties"
    with refused("two_duties"):
        approve(waiting, checker)
    grant_requests.reject(pk=waiting.pk, by=checker, comment="No")
    with pytest.raises(GrantRefused, match=f"(?=.*{has})(?=.*{asks}).*nobody gets both"):
        ask(maker, {"person": agent, "group": asked})
    assert list(agent.groups.all()) == [held]


def test_duties_of_a_person_s_own_and_of_one_group_are_kept_apart_too(maker: User, agent: User) -> None:
    agent.user_permissions.add(Permission.objects.get(codename="deposit"))
    with pytest.raises(GrantRefused, match=r"moved by permissions of their own, .* changed by Administrator"):
        ask(maker, {"person": agent, "group": Group.objects.get(name=ADMINISTRATOR)})
    both = Group.objects.create(name="Everything")
    both.permissions.set(Permission.objects.all())
    agent.user_permissions.clear()
    with pytest.raises(GrantRefused, match="By Everything money is moved, and people or rights are changed"):
        ask(maker, {"person": agent, "group": both})


def test_who_has_both_duties_keeps_them_until_one_is_taken(maker: User, checker: User, agent: User) -> None:
    lead, administrator = Group.objects.get(name=LEAD), Group.objects.get(name=ADMINISTRATOR)
    agent.groups.add(lead, administrator)
    ask(maker, {"person": agent, "entity": Entity.objects.create(code="sud", name="Sudbank")})
    ask(maker, {"person": agent, "group": Group.objects.get(name=REVIEWER)})
    approve(ask(maker, {"person": agent, "group": lead}, give=False), checker)
    assert list(agent.groups.all()) == [administrator]


def test_superuser_stands_outside_of_duties(maker: User, checker: User, admin: User) -> None:
    admin.groups.add(Group.objects.get(name=AGENT))
    approve(ask(maker, {"person": admin, "group": Group.objects.get(name=ADMINISTRATOR)}), checker)
    assert admin.groups.count() == 2


def test_no_role_has_two_duties() -> None:
    moves, changes = ({name for name, given in ROLES.items() if duty & set(given)} for duty in (MONEY, RIGHTS))
    assert (moves, changes) == ({AGENT, LEAD, IMPORTER}, {ADMINISTRATOR})


def test_request_is_decided_once(kinds: dict[str, Row], maker: User, checker: User) -> None:
    asked = ask(maker, kinds["group on entity"])
    grant_requests.reject(pk=asked.pk, by=checker, comment="Not yet")
    for decide in (approve, lambda one, by: grant_requests.reject(pk=one.pk, by=by, comment="x")):
        with refused("decided"):
            decide(asked, checker)
    with refused("unknown_request"):
        grant_requests.reject(pk=0, by=checker, comment="x")


def test_maker_alone_takes_a_request_back(kinds: dict[str, Row], maker: User, checker: User) -> None:
    asked = ask(maker, kinds["group on entity"])
    with refused("not_the_maker"):
        grant_requests.cancel(pk=asked.pk, by=checker, comment="x")
    assert grant_requests.cancel(pk=asked.pk, by=maker, comment="A mistake").state == "cancelled"


@pytest.fixture
def late(kinds: dict[str, Row], maker: User, settings: Any) -> GrantRequest:
    """A request that has expired and that nobody has looked at."""
    settings.APPROVAL_DAYS = -1
    asked = ask(maker, kinds["group on entity"])
    settings.APPROVAL_DAYS = 3
    return asked


def test_expired_request_is_marked_and_not_decided(late: GrantRequest, checker: User) -> None:
    with refused("decided"):
        approve(late, checker)
    late.refresh_from_db()
    assert (late.state, late.checker, stands(late)) == ("expired", None, False)


def test_expired_request_makes_room_for_the_same_again(late: GrantRequest, kinds: dict[str, Row], maker: User) -> None:
    assert ask(maker, kinds["group on entity"]).state == "pending"
    late.refresh_from_db()
    assert late.state == "expired"


def test_expire_due_marks_what_is_late_as_the_system(late: GrantRequest, kinds: dict[str, Row], maker: User) -> None:
    other = ask(maker, kinds["person in group"])
    assert (grant_requests.expire_due(), grant_requests.expire_due()) == (1, 0)
    assert Outbox.objects.get(type="grant.expired").username == "system"
    other.refresh_from_db()
    assert other.state == "pending"


# The database


def test_approval_after_its_time_is_refused_by_the_database(late: GrantRequest, checker: User) -> None:
    with refused_by("backoffice_grantrequest_decided_once"):
        GrantRequest.objects.filter(pk=late.pk).update(state="approved", checker=checker)


def test_request_begins_pending_is_decided_once_and_stays(
    kinds: dict[str, Row], maker: User, checker: User, agent: User
) -> None:
    asked = ask(maker, kinds["person in group"])
    rows = GrantRequest.objects.filter(pk=asked.pk)
    for change in ({"comment": "x"}, {"state": "pending", "comment": "x"}):
        with refused_by("backoffice_grantrequest_decided_once"):
            rows.update(**change)
    for column in ("give", "reason", "maker", "person", "expires", "shown", "decided"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            rows.update(**{column: getattr(asked, column) or timezone.now()})
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM backoffice_grantrequest")
    rows.update(state="rejected", checker=checker)
    with refused_by("backoffice_grantrequest_decided_once"):
        rows.update(state="approved")
    other = {"person": agent, "group": Group.objects.get(name=AGENT), "maker": maker, "give": True}
    plain = {"shown": {}, "reason": "r", "expires": timezone.now()}
    for begun in ({"state": "approved", "checker": checker}, {"checker": checker}, {"decided": timezone.now()}):
        with refused_by("backoffice_grantrequest_decided_once"):
            GrantRequest.objects.create(**other, **plain, **begun)


@KINDS
def test_what_is_approved_is_done_in_the_same_transaction(
    kind: str, kinds: dict[str, Row], maker: User, checker: User
) -> None:
    asked = ask(maker, kinds[kind])
    with refused_by("backoffice_grantrequest_carried_out"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        GrantRequest.objects.filter(pk=asked.pk).update(state="approved", checker=checker)


@contextmanager
def requested(by: User | None = None) -> Iterator[None]:
    """Act as a request to the site does."""
    with entered(Scope(actor=by.pk if by else None, request_id="r", method="POST", path="/console/")):
        announce()
        yield
    announce()


@KINDS
def test_request_to_the_site_gives_and_takes_nothing_that_is_not_approved(
    kind: str, kinds: dict[str, Row], maker: User, checker: User, nord: Entity
) -> None:
    """Whatever page, form or bug it comes from."""
    right, other, agent = kinds[kind], Group.objects.get(name=AGENT), kinds["person in group"]["person"]
    agent.groups.add(other)
    grant(other, nord)
    direct: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "person in group": (lambda: agent.groups.add(right["group"]), lambda: agent.groups.remove(other)),
        "person on entity": (lambda: grant(agent, right["entity"]), lambda: revoke(agent, nord)),
        "group on entity": (lambda: grant(right["group"], nord), lambda: revoke(other, nord)),
    }
    with requested():
        for write in direct[kind]:
            with refused_by("backoffice_right_was_approved"):
                write()
        asked = ask(maker, right)
        with refused_by("backoffice_right_was_approved"):
            direct[kind][0]()
        approve(asked, checker)
        assert stands(asked)
        with refused_by("backoffice_right_was_approved"):
            direct[kind][1]()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("backoffice_user_groups", "user_id"),
        ("backoffice_persongrant", "user_id"),
        ("backoffice_groupgrant", "group_id"),
    ],
)
def test_right_is_not_moved_to_somebody_else(table: str, column: str, agent: User, nord: Entity, group: Group) -> None:
    agent.groups.add(group)
    grant(group, nord)
    with requested(), refused_by("backoffice_right_was_approved"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = {column}")  # noqa: S608  of the lines above


def test_commands_give_and_take_without_a_request(agent: User, nord: Entity, group: Group) -> None:
    agent.groups.add(group)
    grant(group, nord)
    revoke(agent, nord)
    assert (GroupGrant.objects.count(), PersonGrant.objects.count()) == (1, 0)


def test_entity_is_moved_once_another_person_approves(maker: User, checker: User, agent: User, nord: Entity) -> None:
    top, leads = Entity.objects.create(code="top", name="Top"), Group.objects.get(name=LEAD)
    grant(leads, top)
    agent.groups.add(leads)
    sud = Entity.objects.create(code="sud", name="Sudbank")
    asked = ask(maker, {"entity": sud, "parent": top})
    assert asked.deed == "Move Sudbank below Top"
    assert [(e.what, e.before, e.after) for e in would(asked).effects] == [
        ("Entities above it, whose limits bind it", "none", "Top"),
        ("Groups that work on it from above", "none", "Support lead"),
        ("People who work on it from above, by grants of their own", "0", "0"),
        ("Entities that move, with those below", "1", "1"),
    ]
    with refused("duplicate_request"):
        ask(checker, {"entity": sud, "parent": nord})
    with refused("same_approver"):
        approve(asked, maker)
    with requested():
        with refused_by("backoffice_right_was_approved"):
            Entity.objects.filter(pk=sud.pk).update(parent=top)
        approve(asked, checker, saw=would(asked).digest)
        with refused_by("backoffice_right_was_approved"):
            Entity.objects.filter(pk=sud.pk).update(parent=nord)
    assert sud.pk in entities_of(agent)
    with refused("nothing_to_do"):
        ask(maker, {"entity": sud, "parent": top})
    approve(ask(maker, {"entity": sud}), checker)
    assert sud.pk not in entities_of(agent)


def test_entity_is_moved_below_nothing_that_is_below_it(maker: User, checker: User, nord: Entity) -> None:
    praha = Entity.objects.create(code="praha", name="Praha", parent=nord)
    for place in (praha, nord):
        with refused("below_itself"):
            ask(maker, {"entity": nord, "parent": place})
    with refused_by("backoffice_entity_no_circle"):
        Entity.objects.filter(pk=nord.pk).update(parent=praha)
    asked = ask(maker, {"entity": praha})
    with refused_by("backoffice_grantrequest_carried_out"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        GrantRequest.objects.filter(pk=asked.pk).update(state="approved", checker=checker)


def test_rights_of_one_s_own_group_or_place_are_not_asked_for_or_decided_on(
    maker: User, checker: User, group: Group, nord: Entity
) -> None:
    sud = Entity.objects.create(code="sud", name="Sudbank")
    asked, moved = ask(maker, {"group": group, "entity": nord}), ask(maker, {"entity": sud, "parent": nord})
    for person in (maker, checker):
        person.groups.add(group)
        grant(person, nord)
    for own in (asked, moved):
        with refused("one_s_own"):
            approve(own, checker)
    with refused("one_s_own"):
        ask(maker, {"group": group, "entity": sud})
    with refused_by("backoffice_grantrequest_own_group"):
        GrantRequest.objects.filter(pk=asked.pk).update(state="rejected", checker=checker)
    grant_requests.cancel(pk=asked.pk, by=maker, comment="A mistake")


@pytest.fixture
def clerk(maker: User) -> User:
    """Somebody whose account the maker made at the site."""
    with requested(maker):
        return User.objects.create_user("clerk", password="correct horse battery", is_staff=True)


def test_who_made_an_account_and_who_uses_it_do_not_decide_for_each_other(
    clerk: User, maker: User, checker: User, kinds: dict[str, Row]
) -> None:
    for one, other, kind in ((maker, clerk, "person in group"), (clerk, maker, "person on entity")):
        asked = ask(one, kinds[kind])
        with requested(other):  # a new password of one's own proves nothing
            other.set_password("another horse battery")
            other.save()
        with refused("same_hands"):
            approve(asked, other)
        with refused("same_hands"):
            grant_requests.reject(pk=asked.pk, by=other, comment="No")
        with refused_by("backoffice_grantrequest_two_hands"):
            GrantRequest.objects.filter(pk=asked.pk).update(state="rejected", checker=other)
    with requested(checker):
        clerk.set_password("a third battery")
        clerk.save()
    approve(asked, maker)


def test_who_set_a_password_or_an_address_last_is_kept_whatever_is_written(
    clerk: User, maker: User, checker: User
) -> None:
    def kept() -> int | None:
        return User.objects.values_list("password_by", flat=True).get(pk=clerk.pk)

    assert kept() == maker.pk
    User.objects.filter(pk=clerk.pk).update(password_by=None)
    with requested():  # a link by e-mail, to an address that somebody else wrote
        User.objects.filter(pk=clerk.pk).update(password="!", password_by=None)
    assert kept() == maker.pk
    with requested(checker):
        User.objects.filter(pk=clerk.pk).update(first_name="Eva")
        assert kept() == maker.pk
        User.objects.filter(pk=clerk.pk).update(email="clerk@example.com")
        assert kept() == checker.pk
        clerk.refresh_from_db()
        assert not clerk.has_usable_password()  # whoever could read the old address may have set it
    with requested(maker):  # who sends a link does not learn it
        User.objects.filter(pk=clerk.pk).update(password="!!")
    assert kept() == checker.pk
    User.objects.filter(pk=clerk.pk).update(password="set by a command")
    assert kept() is None


def test_checker_is_told_that_who_asks_made_the_account(clerk: User, maker: User, checker: User, group: Group) -> None:
    told = "Account made, or its address written, by who asks"
    for by, expected in ((maker, True), (checker, False)):
        drawn = grant_requests.drawn_up(by=by, give=True, person=clerk, group=group)
        assert (told in [effect.what for effect in would(drawn).effects]) is expected


@pytest.mark.parametrize("column", ["is_active", "is_staff", "is_void"])
def test_nobody_comes_back_with_rights(column: str, agent: User) -> None:
    off = column == "is_void"
    User._base_manager.filter(pk=agent.pk).update(**{column: off})
    with requested(), refused_by("backoffice_right_comes_back"):
        User._base_manager.filter(pk=agent.pk).update(**{column: not off})
    agent.grants.all().delete()
    with requested():
        User._base_manager.filter(pk=agent.pk).update(**{column: not off})
