"""What happens at the door, as events; never a password, a code or a key. Failures are recorded after the request.

Logins themselves are recorded by `audit.logins`, a wrong second factor by its form (`factors`), a new password where it is set
(`backoffice.reason`, `forgotten`).
"""

from typing import Any

from allauth.account.signals import authentication_step_completed
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from allauth.usersessions.models import UserSession
from axes.signals import user_locked_out
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from audit.logins import tried_as
from audit.middleware import after_request
from audit.record import record
from backoffice.login.factors import FACTORS, WORDS
from backoffice.models import User


@receiver(user_locked_out)
def record_lockout(request: HttpRequest, **_: Any) -> None:
    """Record that a name was locked out: by the failure that did it, not by those that the lock refuses."""
    if getattr(request, "axes_failures_since_start", None):
        credentials = getattr(request, "axes_credentials", None) or {}
        after_request(request, "login.locked_out", success=False, **tried_as(credentials.get("username", "")))


def _factor(authenticator: Authenticator) -> dict[str, str]:
    """Return which factor it is, in words."""
    name = authenticator.data.get("name", "") if authenticator.type == Authenticator.Type.WEBAUTHN else ""
    return {"factor": WORDS[authenticator.type], **({"name": name} if name else {})}


@receiver(post_save, sender=Authenticator)
def record_factor(instance: Authenticator, created: bool, **_: Any) -> None:
    """Record what was set up; sessions that were opened without a factor end, but for this one."""
    if created:
        record("factor.added", obj=instance.user, data=_factor(instance), using="default")
        request = context.request
        if instance.type in FACTORS and request is not None and request.user.pk == instance.user_id:
            end_other_sessions(request, request.user)


@receiver(post_delete, sender=Authenticator)
def record_lost_factor(instance: Authenticator, **_: Any) -> None:
    """Record what was taken off."""
    record("factor.removed", obj=instance.user, data=_factor(instance), using="default")


@receiver(authenticator_used)
def record_recovery(user: User, authenticator: Authenticator, **_: Any) -> None:
    """Record that a recovery code was used up, and how many are left."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        authenticator.refresh_from_db()
        left = len(authenticator.wrap().get_unused_codes())
        name = user.get_username()  # who is not logged in yet
        record(
            "factor.recovery_code_used", obj=user, data={"left": left}, user_id=user.pk, username=name, using="default"
        )


@receiver(authentication_step_completed)
def record_repeated(user: User, reauthenticated: bool = False, **_: Any) -> None:
    """Record that somebody logged in again before something dangerous."""
    if reauthenticated:
        record("login.repeated", obj=user, using="default")


class SessionAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]  # the library ships no types
    """Ends sessions, and says which."""

    def end_sessions(self, sessions: list[UserSession]) -> None:
        for session in sessions:
            about = {"address": str(session.ip), "browser": session.user_agent}
            record("session.revoked", obj=session.user, data=about, using="default")
        super().end_sessions(sessions)
