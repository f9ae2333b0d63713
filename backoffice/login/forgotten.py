"""Forgotten passwords: a link by e-mail to staff, and an answer that tells nobody whether there is such a person.

Known or not, the same page comes after the same work: a link is made and a message is written, which for unknown addresses
nobody gets. It is sent beside the request, because how long a mail server takes would tell. The link carries its secret behind
the question mark, where the log of requests does not look, and what it opens still asks for the second factor.
"""

import logging
from threading import Thread
from typing import Any, cast

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetDoneView, PasswordResetView
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse_lazy

from audit.middleware import after_request
from audit.record import record
from backoffice.models import User
from backoffice.reason import give_reason

logger = logging.getLogger("backoffice.login")
WHOSE = "login_reset_whose"  # in the session, between the link and the form behind it
WHY = "Forgotten password, set anew by a link in an e-mail"
INVITED = "Password set by the link of an invitation"


class ForgottenForm(PasswordResetForm):
    """Asks for an address; only staff get a link, as only they log in."""

    def get_users(self, email: str) -> list[User]:
        """Return who gets a message: those with the address, or a stand-in who gets none."""
        staff = User.objects.filter(email__iexact=email, is_staff=True, is_active=True)
        return [user for user in staff if user.has_usable_password()] or [User(pk=0, email=email)]

    def send_mail(  # noqa: PLR0917  the signature is Django's
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        """Write the message; send it beside the request, if there is anybody to get it."""
        known = bool(context["user"].pk)
        subject = render_to_string(subject_template_name, context).strip()
        message = EmailMessage(subject, render_to_string(email_template_name, context), from_email, [to_email])
        worker = Thread(target=_send if known else _drop, args=[message], name="forgotten password")
        worker.start()


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except OSError:
        logger.exception("A link for a new password could not be sent.")


def _drop(message: EmailMessage) -> None:
    """Send nothing: nobody has the address."""


class Forgotten(PasswordResetView):
    """Asks for the address."""

    form_class = ForgottenForm
    template_name = "login/forgotten.html"
    subject_template_name = "login/reset_subject.txt"
    email_template_name = "login/reset_email.txt"
    success_url = reverse_lazy("login_forgotten_done")

    def form_valid(self, form: Any) -> HttpResponse:
        """Answer everybody alike, a few times a minute."""
        email = form.cleaned_data["email"]
        if not ratelimit.consume(self.request, action="reset_password", key=email.lower()):
            return cast("HttpResponse", ratelimit.respond_429(self.request))
        for user in form.get_users(email):
            about: dict[str, Any] = {"data": {"unknown_name": True}}
            if user.pk:
                about = {"obj": user, "user_id": user.pk, "username": user.get_username()}
            after_request(self.request, "password.reset_requested", **about)
        return super().form_valid(form)


class Sent(PasswordResetDoneView):
    """Says that a message is on its way, if."""

    template_name = "login/sent.html"


class NewPassword(PasswordResetConfirmView):
    """The page behind the link."""

    template_name = "login/new_password.html"
    success_url = reverse_lazy("account_login")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the secret out of the address at once, into the session."""
        if "token" in request.GET:
            request.session[WHOSE] = request.GET.get("uid", "")
            return super().dispatch(request, uidb64=request.session[WHOSE], token=request.GET["token"])
        return super().dispatch(request, uidb64=request.session.get(WHOSE, ""), token=self.reset_url_token)

    def get_user(self, uidb64: str) -> User | None:
        """Return whose link it is, as long as he works here."""
        user = super().get_user(uidb64)
        return user if user is not None and user.is_staff and user.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        """Set it, and say why and whose."""
        user = form.user
        give_reason(WHY if user.has_usable_password() else INVITED, using="default")
        response = super().form_valid(form)
        record("password.reset", obj=user, user_id=user.pk, username=user.get_username(), using="default")
        messages.success(self.request, "Your new password is set. Log in with it.")
        return response
