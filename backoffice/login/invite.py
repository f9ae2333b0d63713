"""The command by which somebody gets a link to set a password: the only way to a password of another in the console."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.admin.reasoned import ReasonedCommand
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.letters import UNSENT, writes_to_nobody
from backoffice.login.invited import Said, invite, why_not
from backoffice.models import User


class Invite(ReasonedCommand):
    """Send an invitation, for the first time or again, or a link instead of a password that is not to be used any more."""

    name = "invite"
    verb = "Send a link for a password"
    help_text = (
        "They set their own password by it. Until then they cannot log in: the password they have, if any, and all their "
        "sessions end at once, and so does every link sent before. Make sure that the address is theirs."
    )
    guard = StaffGuard() & PermissionGuard("backoffice.change_user")
    asks_again = True
    template = "login/invite.html"
    rows = User.objects
    said: Said
    unsent = ""  # what is to be known before it is sent

    @classmethod
    def offered(cls, request: HttpRequest, person: User, model_admin: Any) -> bool:
        """Whether somebody can send a link to this person. Everybody changes his own password himself."""
        may = cls.guard.allows(request) and model_admin.has_change_permission(request, person)
        return may and person.pk != request.user.pk and not why_not(person)

    def find(self, object_id: int) -> User:
        """Return the person. Raises PermissionDenied of whom the reader may not change."""
        person = cast("User", super().find(object_id))
        if not self.model_admin.has_change_permission(self.request, person):
            raise PermissionDenied
        return person

    def is_due(self, row: User) -> bool:  # type: ignore[override]  # who asks matters
        return self.offered(self.request, row, self.model_admin)

    def execute(self, row: User, reason: str) -> bool:
        """Send it."""
        self.said = invite(self.request, row)
        return True

    def say(self, row: User) -> None:
        """Say whether it was sent."""
        messages.add_message(self.request, *self.said)

    def show(self, row: User, form: forms.Form) -> HttpResponse:
        """Show the form; where nobody is written to, it says so before the password ends."""
        self.unsent = UNSENT.format(row.email) if writes_to_nobody() else ""
        return super().show(row, form)

    def was_done(self, row: User) -> HttpResponse:
        """Say why there is nothing to send."""
        own = "Your own password you change yourself." if row.pk == self.request.user.pk else ""
        messages.warning(self.request, own or why_not(row))
        return HttpResponseRedirect(self.page(row))
