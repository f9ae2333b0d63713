"""Lock-outs in the console: read-only, and a command that lifts one with a reason. The libraries' own pages are taken off."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from audit.admin.followed import FollowedAdmin
from audit.admin.reasoned import ReasonedCommand
from audit.record import record
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.login.locking import lift
from backoffice.login.models import Lockout
from backoffice.models import User
from backoffice.said import chip, told

for model in (EmailAddress, Authenticator, UserSession):  # of which nothing is shown to others, or changed by them
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class Lift(ReasonedCommand):
    """Let somebody try again at once."""

    name = "lift"
    verb = "Lift the lock-out"
    past = "Lifted the lock-out of"
    already = "This lock-out has ended"
    help_text = "The person may try again at once. Make sure first that it is them who failed, and not somebody else."
    guard = StaffGuard() & PermissionGuard("login.lift_lockout")
    asks_again = True

    rows = Lockout.objects

    @classmethod
    def is_due(cls, row: Lockout) -> bool:
        return row.is_locked

    def execute(self, row: Lockout, reason: str) -> bool:
        """Forget the failures; the event says whose."""
        user = User.objects.filter(username=row.username).first()
        record("login.lockout_lifted", obj=user, data={"name": row.username}, using="default")
        lift(row.username)
        return True

    def page(self, row: Lockout) -> str:
        """Return the list: the row is gone, or will be."""
        return reverse("console:login_lockout_changelist")


@admin.register(Lockout)
class LockoutAdmin(FollowedAdmin):
    """Who failed, how often, and who is locked out."""

    using = "default"
    command = Lift
    command_name = "login_lockout_lift"
    past_advice = "Search the event log for login.locked_out."
    list_display = ("username", "state_chip", "failures", "ip_address", "last", "until")
    search_fields = ("username__exact",)
    search_help_text = "A user name."
    sortable_by = ()
    fields = ("username", ("state_chip", "failures"), ("last", "until"), ("ip_address", "user_agent"))
    readonly_fields = ("state_chip", "failures", "last", "until")
    export_fields = ("username", "ip_address", "user_agent", "attempt_time", "failures_since_start")
    missing_advice = "It has ended, or the number is wrong."

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Find a name by all of it."""
        return (queryset.filter(username=search_term.strip()) if search_term.strip() else queryset), False

    @admin.display(description="state")
    def state_chip(self, row: Lockout) -> SafeString:
        """Show whether the name is locked out."""
        kind, text = ("bad", "Locked out") if row.is_locked else ("frozen", "May try again")
        return chip(kind, text)

    @admin.display(description="failed logins")
    def failures(self, row: Lockout) -> int:
        """Show how often the name failed, from all places together."""
        return row.failures

    @admin.display(description="last failed")
    def last(self, row: Lockout) -> str:
        return told(row.attempt_time)

    @admin.display(description="forgotten at")
    def until(self, row: Lockout) -> str:
        return told(row.until)
