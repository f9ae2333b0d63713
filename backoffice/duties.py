"""Separation of duties: nobody who moves money is given what changes people, groups or grants, nor the other way round.

What is given is looked at beside what is held. So who has both from before keeps them, and nothing is refused to be taken.
Superusers stand outside of roles: nothing is refused of them, until they are to be superusers no more.
"""

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from backoffice.models import User

MONEY = frozenset(
    {
        "ledger.deposit",
        "ledger.withdraw",
        "ledger.transfer",
        "ledger.hold",
        "ledger.reverse",
        "ledger.refund",
        "ledger.decide_approval",
        "imports.add_import",
    }
)
RIGHTS = frozenset(
    {
        "auth.add_group",
        "auth.change_group",
        "backoffice.add_user",
        "backoffice.change_user",
        "backoffice.assign_roles",
        "backoffice.request_grant",
        "backoffice.decide_grant",
    }
)
OWN = "permissions of their own"
APART = "Money is moved by {money}, people and rights are changed by {rights}: nobody gets both. What {person} has of the two has to be taken away first."  # fmt: skip
AT_ONCE = "By {money} money is moved, and people or rights are changed: nobody gets both."

Duties = Mapping[str, set[str]]  # by the name of a group, or OWN: what it gives


def of_group(person: User, group: Group) -> str:
    """Return what keeps somebody from being put into a group, in a sentence, or nothing. Two queries, none for superusers."""
    if person.is_superuser:
        return ""
    given = _of_groups(Q(group=group))
    return _clash(person, given, {**_of_groups(Q(group__user=person)), OWN: _own(Q(user=person))})


def of_permissions(person: User, permissions: Iterable[Permission]) -> str:
    """Return what keeps somebody from having these permissions of their own, as above; two queries.

    Who has been a superuser is given what their groups give, too.
    """
    groups, wanted = _of_groups(Q(group__user=person)), _named(permissions)
    if person.is_superuser:
        return _clash(person, {**groups, OWN: wanted}, {})
    return _clash(person, {OWN: wanted - _own(Q(user=person))}, {**groups, OWN: wanted})


def of_members(group: Group, permissions: Iterable[Permission]) -> str:
    """Return what keeps a group from giving these permissions to those who are in it, as above; three queries at most."""
    wanted, name = _named(permissions), group.name or "this group"
    if group.pk is None:
        return _clash("", {name: wanted}, {})
    people = User.objects.filter(groups=group, is_superuser=False).values("pk")
    held = {**_of_groups(Q(group__in=Group.objects.filter(user__in=people))), OWN: _own(Q(user__in=people))}
    new = wanted - _own(Q(group=group))
    return _clash("somebody in the group", {name: new}, {**held, name: wanted})


def _named(permissions: Iterable[Permission]) -> set[str]:
    """Return permissions as they are asked for. Their content types are read with them."""
    return {f"{right.content_type.app_label}.{right.codename}" for right in permissions}


def _own(whose: Q) -> set[str]:
    """Return what is given to these people, or by this group, itself. One query."""
    return {
        ".".join(right) for right in Permission.objects.filter(whose).values_list("content_type__app_label", "codename")
    }


def _of_groups(which: Q) -> dict[str, set[str]]:
    """Return what groups give. One query."""
    links = Group.permissions.through.objects.filter(which)
    given: dict[str, set[str]] = {}
    for group, *right in links.values_list(
        "group__name", "permission__content_type__app_label", "permission__codename"
    ):
        given.setdefault(group, set()).add(".".join(right))
    return given


def _clash(person: object, given: Duties, held: Duties) -> str:
    """Say which two do not go together, at least one of them given."""
    everything = (*given.items(), *held.items())
    for name, rights in given.items():
        for other, others in everything:
            if rights & MONEY and others & RIGHTS:
                return _told(person, name, other)
            if rights & RIGHTS and others & MONEY:
                return _told(person, other, name)
    return ""


def _told(person: object, money: str, rights: str) -> str:
    return (AT_ONCE if money == rights else APART).format(money=money, rights=rights, person=person)
