"""Requests for rights at the same moment: one decision, one request, and what was approved stands."""

import time
from collections import Counter
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction

from backoffice import grant_requests
from backoffice.models import Entity, GrantRequest, User
from backoffice.rights import GrantRefused, stands
from backoffice.roles import ADMINISTRATOR, LEAD
from tests.ledger.test_concurrency import CLIENTS, at_once

pytestmark = pytest.mark.usefixtures("committing")


def codes(work: Callable[[int], object], clients: int = CLIENTS) -> Counter[str]:
    """Run `work(number)` on so many connections at the same moment; count the codes of what came out."""
    found: list[str] = []

    def one(number: int) -> None:
        try:
            work(number)
        except GrantRefused as refusal:
            found.append(refusal.code)
        else:
            found.append("ok")

    at_once(one, clients)
    return Counter(found)


@pytest.fixture
def people(committing: None) -> list[User]:
    return [User.objects.create_user(f"person{number}", is_staff=True) for number in range(CLIENTS + 1)]


def test_one_of_many_checkers_decides(people: list[User], nord: Entity) -> None:
    maker, *checkers = people
    asked = grant_requests.ask(by=maker, give=True, reason="Why", group=Group.objects.get(name=LEAD), entity=nord)

    def decide(number: int) -> object:
        act = grant_requests.approve if number % 2 else grant_requests.reject
        return act(pk=asked.pk, by=checkers[number], comment="Because")

    assert codes(decide) == {"ok": 1, "decided": CLIENTS - 1}
    asked.refresh_from_db()
    assert stands(asked) is (asked.state == "approved")


def test_one_of_many_makers_asks(people: list[User], nord: Entity) -> None:
    group = Group.objects.get(name=LEAD)

    def ask(number: int) -> object:
        return grant_requests.ask(by=people[number], give=True, reason="Why", group=group, entity=nord)

    assert codes(ask) == {"ok": 1, "duplicate_request": CLIENTS - 1}
    assert GrantRequest.objects.get().state == "pending"


def test_different_requests_about_one_person_are_all_decided(people: list[User], nord: Entity) -> None:
    maker, person, *checkers = people
    groups = [Group.objects.create(name=f"Group {number}") for number in range(8)]
    asked = [grant_requests.ask(by=maker, give=True, reason="Why", group=group, person=person) for group in groups]

    def approve(number: int) -> object:
        return grant_requests.approve(pk=asked[number].pk, by=checkers[number], comment="Because")

    assert codes(approve, len(asked)) == {"ok": len(asked)}
    assert person.groups.count() == len(groups)


def test_two_duties_approved_at_once_for_one_person_are_not_both_given(people: list[User]) -> None:
    maker, *checkers = people
    for number in range(8):  # where nobody waits for the other, both are given in one of them
        person = User.objects.create_user(f"new{number}", is_staff=True)
        groups = [Group.objects.get(name=name) for name in (LEAD, ADMINISTRATOR)]
        asked = [grant_requests.ask(by=maker, give=True, reason="Why", group=group, person=person) for group in groups]

        def approve(one: int, asked: list[GrantRequest] = asked) -> object:
            return grant_requests.approve(pk=asked[one].pk, by=checkers[one], comment="Because")

        assert codes(approve, 2) == {"ok": 1, "two_duties": 1}
        assert person.groups.count() == 1


@pytest.mark.parametrize("what", ["person", "group"])
def test_approval_goes_by_what_was_changed_while_it_waited(people: list[User], what: str) -> None:
    """By who is a superuser no more, and by what a group has come to give."""
    maker, checker, person, *_ = people
    group = Group.objects.get(name=ADMINISTRATOR) if what == "person" else Group.objects.create(name="Group")
    person.groups.add(Group.objects.get(name=LEAD))
    User.objects.filter(pk=person.pk).update(is_superuser=what == "person")
    person.refresh_from_db()
    asked = grant_requests.ask(by=maker, give=True, reason="Why", group=group, person=person)
    row: Any = User.objects if what == "person" else Group.objects
    found: list[Counter[str]] = []
    approval = Thread(
        target=lambda: found.append(
            codes(lambda _: grant_requests.approve(pk=asked.pk, by=checker, comment="Because"), 1)
        )
    )
    with transaction.atomic():
        row.select_for_update(no_key=True).get(pk=person.pk if what == "person" else group.pk)
        if what == "person":
            User.objects.filter(pk=person.pk).update(is_superuser=False)
        else:
            group.permissions.add(Permission.objects.get(codename="add_user"))
        approval.start()
        for _ in range(100):
            if waiting():
                break
            time.sleep(0.05)
    approval.join(20)
    assert found == [{"two_duties": 1}]
    assert not person.groups.filter(pk=group.pk).exists()


def waiting() -> bool:
    """Whether somebody waits for a lock in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND a.datname = current_database()"
        )
        [count] = cursor.fetchone() or (0,)
    return bool(count)
