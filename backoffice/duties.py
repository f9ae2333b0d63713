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
    return _clash(person, given, _held(person)) if given else ""


def of_permissions(person: User, permissions: Iterable[Permission]) -> str:
    """Return what keeps somebody from having these permissions of their own, as above; three queries at most.

    Who has been a superuser is given what their groups give, too.
    """
    groups = _of_groups(Q(group__user=person))
    wanted = {right.pk: f"{right.content_type.app_label}.{right.codename}" for right in permissions}
    if person.is_superuser:
        return _clash(person, {**groups, OWN: set(wanted.values())}, {})
    had = set(person.user_permissions.values_list("pk", flat=True))
    new = {name for pk, name in wanted.items() if pk not in had}
    return _clash(person, {OWN: new}, {**groups, OWN: set(wanted.values())})


def _held(person: User) -> Duties:
    """Return all that somebody has. Two queries."""
    own = person.user_permissions.values_list("content_type__app_label", "codename")
    return {**_of_groups(Q(group__user=person)), OWN: {".".join(right) for right in own}}


def _of_groups(which: Q) -> dict[str, set[str]]:
    """Return what groups give. One query."""
    links = Group.permissions.through.objects.filter(which)
    given: dict[str, set[str]] = {}
    for group, *right in links.values_list(
        "group__name", "permission__content_type__app_label", "permission__codename"
    ):
        given.setdefault(group, set()).add(".".join(right))
    return given


def _clash(person: User, given: Duties, held: Duties) -> str:
    """Say which two do not go together, at least one of them given."""
    everything = (*given.items(), *held.items())
    for name, rights in given.items():
        for other, others in everything:
            if rights & MONEY and others & RIGHTS:
                return _told(person, name, other)
            if rights & RIGHTS and others & MONEY:
                return _told(person, other, name)
    return ""


def _told(person: User, money: str, rights: str) -> str:
    return (AT_ONCE if money == rights else APART).format(money=money, rights=rights, person=person)
