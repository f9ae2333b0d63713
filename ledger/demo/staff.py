"""Who works here: one login for each role, two for administrators as rights take two, and colleagues without a login who post as well."""

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from backoffice.grants import HOME, grant
from backoffice.management.commands.demo import kept_password
from backoffice.models import Entity, User
from backoffice.models.user import SYSTEM
from backoffice.scope import acting


class Login(NamedTuple):
    """A member of staff who can log in, and the group that gives the role its rights."""

    username: str
    first_name: str
    last_name: str
    group: str


LOGINS = (
    Login("agent", "Hana", "Malá", "Support agent"),
    Login("lead", "Tomáš", "Lindner", "Support lead"),
    Login("reviewer", "Ruth", "Okafor", "Compliance reviewer"),
    Login("analyst", "Jun", "Sakamoto", "Analyst"),
    Login("importer", "Nightly", "Import", "Importer"),
    Login("admin", "Ada", "Winter", "Administrator"),
    Login("deputy", "Milan", "Král", "Administrator"),
)
SUPERUSER = "admin"
MARK = "@staff.example.com"  # in the addresses of the demo's people, by which they are known
COLLEAGUES = (("petr.dvorak", "Petr", "Dvořák"), ("emily.hart", "Emily", "Hart"), ("lena.vogt", "Lena", "Vogt"))


def is_for_others(using: str) -> bool:
    """Whether people work in this database whom the demo did not make, and it is not the embedded server's. Two queries."""
    staff = User.all_objects_including_void().using(using).filter(is_staff=True).exclude(pk=SYSTEM)
    return not settings.USES_EMBEDDED and staff.exists() and not staff.filter(email__endswith=MARK).exists()


def ensure_staff(using: str) -> dict[str, User]:
    """Make the logins and colleagues that are missing; give each login its group, if there is one, and the password.

    Whom somebody else made is left as he is, even where he is called like one of them.
    """
    password = settings.DEMO_PASSWORD or kept_password(settings.BACKOFFICE_DATA)
    with acting(actor=None, request_id="demo_data logins", using=using):
        logins = [_login(login, password, using) for login in LOGINS]
        colleagues = [_person(*names, using=using) for names in COLLEAGUES]
    return {user.username: user for user in (*logins, *colleagues)}


def grant_all(entities: Iterable[Entity]) -> None:
    """Let the six roles work on the whole group: grants on what has nothing above it cover all below."""
    for group in Group.objects.filter(name__in=[login.group for login in LOGINS]):
        for entity in entities:
            if entity.parent_id is None and entity._state.db == HOME:
                grant(group, entity)


def _login(login: Login, password: str, using: str) -> User:
    user = _person(login.username, login.first_name, login.last_name, using=using)
    if not user.email.endswith(MARK):  # somebody else's, whatever it is called
        return user
    if login.username == SUPERUSER and not user.is_superuser:
        user.is_superuser = True
        user.save(update_fields=["is_superuser"])
    if not (user.has_usable_password() and user.check_password(password)):
        user.set_password(password)
        user.save(update_fields=["password"])
    if group := Group.objects.using(using).filter(name=login.group).first():
        user.groups.add(group)
    return user


def _person(username: str, first_name: str, last_name: str, *, using: str) -> User:
    """Return the member of staff; one that exists keeps the name somebody may have given it."""
    person, _ = (
        User.all_objects_including_void()
        .using(using)
        .get_or_create(
            username=username,
            defaults={
                "first_name": first_name,
                "last_name": last_name,
                "email": f"{username}{MARK}",
                "password": make_password(None),
                "is_staff": True,
            },
        )
    )
    return person
