"""How long a session lasts: some minutes without a click, by role, and a working day at most.

Django ends a session whose row has expired; the middleware lets it live on while it is used, at most once a minute.
"""

import time
from typing import cast

from allauth.account.internal.flows.login import record_authentication
from allauth.usersessions.models import UserSession
from django.contrib.auth import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from backoffice.models import User
from backoffice.roles import ADMINISTRATOR, ANALYST, REVIEWER

IDLE = {ADMINISTRATOR: 15, REVIEWER: 20, ANALYST: 60}  # minutes; the shortest of a person's roles counts
USUAL, SUPERUSER = 30, 15  # of other staff; of superusers
LONGEST = 12 * 60  # minutes, used or not
TOUCH = 60  # seconds between two notes that a session is used


def idle_minutes(user: User) -> int:
    """Return how many minutes without a click end this person's session. One query."""
    names = user.groups.values_list("name", flat=True)
    return min([SUPERUSER] if user.is_superuser else [IDLE.get(name, USUAL) for name in names], default=USUAL)


@receiver(user_logged_in)
def begin(request: HttpRequest, user: User, **_: object) -> None:
    """Set the times of a session that begins; whoever was let in without the door (tests) has logged in now."""
    request.session["began"] = request.session["used"] = time.time()
    request.session.set_expiry(idle_minutes(user) * 60)
    if not request.session.get("account_authentication_methods"):
        record_authentication(request, user, "password")


def is_over(request: HttpRequest) -> bool:
    """Whether the session has lasted for a working day."""
    began: float = request.session.setdefault("began", time.time())
    return time.time() - began > LONGEST * 60


def touch(request: HttpRequest) -> None:
    """Note that the session is used, which puts its end off, as the person's roles have it now. Three queries, at most once a minute."""
    if time.time() - request.session.get("used", 0) > TOUCH:
        request.session["used"] = time.time()
        request.session.set_expiry(idle_minutes(cast("User", request.user)) * 60)
        UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=timezone.now())
