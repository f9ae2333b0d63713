"""Logins, failed logins and logouts as events. A failed one is recorded after the request: see `audit.middleware`."""

from typing import Any

from django.contrib.auth import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from audit.middleware import after_request
from audit.record import record
from backoffice.models import User

LONGEST_NAME = 150  # characters of what was typed as a user name; more than any can have


@receiver(user_logged_in)
def record_login(user: User, **_: Any) -> None:
    """Record who logged in; the scope still holds nobody."""
    record("login.succeeded", obj=user, user_id=user.pk, username=user.get_username(), using="default")


@receiver(user_logged_out)
def record_logout(user: User | None, **_: Any) -> None:
    """Record who logged out, unless nobody was logged in."""
    if user is not None:
        record("logout", obj=user, user_id=user.pk, username=user.get_username(), using="default")


@receiver(user_login_failed)
def record_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record the name that was tried."""
    after_request(request, "login.failed", success=False, **tried_as(credentials.get("username", "")))


def tried_as(typed: object) -> dict[str, Any]:
    """Return the name that was tried, if somebody has it: what nobody is called may be a password in the wrong field."""
    tried = str(typed)[:LONGEST_NAME].replace("\0", "")
    known = User.all_objects_including_void().using("default").filter(username=tried).exists()
    return {"username": tried} if known else {"username": "", "data": {"unknown_name": True}}
