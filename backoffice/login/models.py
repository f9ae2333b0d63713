"""Lock-outs: who failed to log in so often, a short while ago, that the next try is refused.

django-axes counts failures in the database, by user name; nothing here writes. A name that nobody has is counted as well,
under a code instead of the name: it may be a password in the wrong field, and a lock must not tell which names there are.
"""

from datetime import datetime
from typing import cast

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone


class LockoutManager(models.Manager["Lockout"]):
    """What counts now, each row with the failures of its name together."""

    def get_queryset(self) -> QuerySet["Lockout"]:
        """Leave out what is forgotten."""
        recent = AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - get_cool_off())
        same_name = recent.filter(username=OuterRef("username")).order_by().values("username")
        total = Subquery(same_name.annotate(total=Sum("failures_since_start")).values("total"))
        kept = super().get_queryset().filter(pk__in=recent.values("pk"))
        return cast("QuerySet[Lockout]", kept.annotate(failures=total))


class Lockout(AccessAttempt):  # type: ignore[misc]  # the library ships no types
    """Failed logins of one name from one place; the name is locked out once they are too many, from wherever."""

    admin_help_text = (
        "Failed logins of the last minutes. Whoever fails too often is locked out for a while, with the right password too. "
        "A lock ends by itself; lift one only once you know who is behind it."
    )

    failures: int  # annotated: of the name, from all places

    objects = LockoutManager()

    class Meta:
        proxy = True
        app_label = "login"
        verbose_name = "lock-out"
        default_permissions = ("view",)
        permissions = [("lift_lockout", "Can lift a lock-out")]

    def __str__(self) -> str:
        return str(self.username)

    @property
    def is_locked(self) -> bool:
        """Whether the name may not log in now."""
        return self.failures >= settings.AXES_FAILURE_LIMIT

    @property
    def until(self) -> datetime:
        """When its failures are forgotten, unless there are more."""
        return cast("datetime", self.attempt_time + get_cool_off())
