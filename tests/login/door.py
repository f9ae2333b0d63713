"""What tests of the door share: logging in through the form, codes of an app, and what the outbox tells."""

import re
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.models import Outbox
from backoffice.models import User
from tests.cast import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
INDEX = "/console/"


def staff(name: str, role: str = "", **about: Any) -> User:
    """Return somebody of staff with a password, in a role."""
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True, **about)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def led(answer: Any) -> str:
    """Return where an answer leads."""
    return str(answer.url)


def try_password(client: Client, username: str, password: str = PASSWORD, **fields: str) -> Any:
    return client.post(reverse("console:login"), {"username": username, "password": password, **fields})


def code(secret: str = SECRET) -> str:
    """Return what an app shows now."""
    _, now, _ = yield_hotp_counters_from_time()
    return str(format_hotp_value(hotp_value(secret, now)))


def with_app(user: User) -> User:
    """Give somebody an authenticator app."""
    TOTP.activate(user, SECRET)
    return user


def try_code(client: Client, typed: str) -> Any:
    return client.post(reverse("mfa_authenticate"), {"code": typed})


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


def recovery_codes(user: User) -> list[str]:
    return list(Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes())


def told(*types: str) -> list[tuple[str, str, Any]]:
    """Return the events of these types: type, who acted, data."""
    rows = Outbox.objects.filter(type__in=types).order_by("id")
    return list(rows.values_list("type", "username", "data"))


def link() -> str:
    """Return the address that the last e-mail leads to."""
    found = re.search(r"http://testserver(\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]
