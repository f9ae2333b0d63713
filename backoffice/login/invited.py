"""Links by which people set their own first or next password: nobody types one for another, so nobody else ever knows it.

Django's token of forgotten passwords, dated ahead, as an invitation is good for longer. It is sent within the request, so that
whoever invites is told at once where that failed; if the request is taken back after all, the link fits no password.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from backoffice.letters import NOTHING_SENT, send, writes_to_nobody
from backoffice.models import User

SUBJECT = "Back office: set your password"
WRITTEN = "The link is in the server's output, for whoever runs it to pass on."
Said = tuple[int, str]


class Invitations(PasswordResetTokenGenerator):
    """Makes tokens that the page of forgotten passwords takes for INVITATION_HOURS."""

    def _now(self) -> datetime:
        """Return the moment that a token bears: so much later as it is good for longer than other links."""
        more = timedelta(hours=settings.INVITATION_HOURS) - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        return super()._now() + more


def why_not(person: User) -> str:
    """Return why no link can be sent to this person, in a sentence, or nothing."""
    if not settings.PASSWORD_RESET:
        return "This site sends no e-mail (EMAIL_HOST): whoever runs it sets passwords by manage.py changepassword."
    if person.is_void or not person.is_staff or not person.is_active:
        return "Only active staff log in, so nobody else has a password."
    return "" if person.email else "There is no e-mail address to send a link to."


def invite(request: HttpRequest, person: User) -> Said:
    """Take off the password, which ends all sessions, send a link to set one, and return what is to be said of it."""
    if refused := why_not(person):
        return messages.WARNING, f"{person} has no password yet. {refused}"
    person.set_unusable_password()
    person.save(update_fields=["password"])
    about = {"uid": urlsafe_base64_encode(force_bytes(person.pk)), "token": Invitations().make_token(person)}
    link = request.build_absolute_uri(reverse("login_new_password", query=about))
    text = render_to_string(
        "login/invitation.txt", {"person": person, "link": link, "hours": settings.INVITATION_HOURS}
    )
    if error := send("password.invited", person, subject=SUBJECT, text=text, address=person.email, using="default"):
        return messages.ERROR, f"The link for {person} was not sent: {error}. Send it again from their page."
    if writes_to_nobody():
        return messages.WARNING, f"{NOTHING_SENT.format(person.email)} {WRITTEN}"
    return messages.SUCCESS, f"A link was sent to {person.email}, good for {settings.INVITATION_HOURS} hours and once."
