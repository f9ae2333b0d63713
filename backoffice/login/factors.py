"""Second factors: who needs one, how their secrets are kept, and the forms that take their codes once.

Needed by every role that can do more than use the sandbox: all that moves money, reads the log or looks after people. Where
SECOND_FACTOR is off (the demo), who has set one up is asked for it all the same.
"""

import base64
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.adapter import get_adapter as mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

from audit.middleware import after_request
from backoffice.login.locking import count_failure, may_try
from backoffice.login.recent import is_recent
from backoffice.middleware import address_of
from backoffice.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes stand in for these
WORDS = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.WEBAUTHN: "security key",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}
HARMLESS = {"sandbox.use_sandbox"}  # who may do no more than this works on copies without names
TOLD_TWICE = "This code was used before. Wait for the next one."
CODE_LIFE = 120  # seconds that a used code is remembered; with the tolerance, one is good for 90


def needs_factor(user: User) -> bool:
    """Whether the person's rights ask for a second factor. No query beyond that of the rights themselves."""
    return settings.SECOND_FACTOR and (user.is_superuser or bool(user.get_all_permissions() - HARMLESS))


def has_factor(user: User) -> bool:
    """Whether the person has set up an app or a key. One query, unless it was read with the person."""
    if user.has_factor is not None:
        return user.has_factor
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def _box() -> MultiFernet:
    """Return what seals secrets of second factors: by keys derived from SECRET_KEY and those it replaced."""
    derived = (
        HKDF(SHA256(), length=32, salt=None, info=b"backoffice second factors").derive(key.encode())
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # the library ships no types
    """Keeps secrets sealed, and names the console to apps and keys."""

    error_messages = {**DefaultMFAAdapter.error_messages, "incorrect_code": "This is not the right code."}

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: Any) -> str:
        return cast("User", user).get_username()

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # noqa: A002  the library's name
        return f"Key {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom keys are for: the host named in the settings, or outside of production the one at hand."""
        return {"id": settings.WEBAUTHN_RP_ID or context.request.get_host().partition(":")[0], "name": "Back office"}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {**super().get_public_key_credential_user_entity(user), "name": cast("User", user).get_username()}


class DoorAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # as above
    """Where requests come from, and when somebody has to log in again."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_password": "This is not the right password.",
        "too_many_login_attempts": "Too many tries. Wait a minute, then try again.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address as the proxy saw it."""
        if address := address_of(request):
            return address
        raise PermissionDenied("The address that this request came from cannot be told.")

    def add_message(self, request: HttpRequest, level: int, *_: Any, message: str | None = None, **__: Any) -> None:
        """Say what could not be done; what was done, the page that follows shows."""
        if message:
            messages.add_message(request, level, message)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not is_recent(context.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Leave to who has an app or a key no other way to log in again: a password alone is known sooner."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [way for way in ways if way["id"].startswith("mfa_")] or ways


class _Guarded:
    """A form of a second factor: tries of one person wait for each other, wrong ones count, a lock-out refuses."""

    user: User
    kind: ClassVar[str]

    def _clean(self, clean: Any) -> Any:
        User.objects.select_for_update(no_key=True).get(pk=self.user.pk)  # until the request ends
        if not may_try(context.request, self.user):
            raise mfa_adapter().validation_error("incorrect_code")
        try:
            return clean()
        except ValidationError:
            count_failure(context.request, self.user)
            who = {"user_id": self.user.pk, "username": self.user.get_username()}
            data = {"factor": self.kind}
            after_request(context.request, "factor.failed", obj=self.user, success=False, data=data, **who)
            raise


class _OnceForm(_Guarded):
    """Takes a code once: the library forgets a used one after 30 seconds, and clocks may differ by that."""

    kind = "code"

    def clean_code(self) -> str:
        return str(self._clean(super().clean_code))  # type: ignore[misc]  # of the form that this is mixed into

    def _clean(self, clean: Any) -> Any:
        code = super()._clean(clean)
        if not cache.add(f"login.code.{self.user.pk}.{normalize_user_code(code)}", 1, timeout=CODE_LIFE):
            raise ValidationError(TOLD_TWICE, code="used")
        return code


@contextmanager
def _readable() -> Iterator[None]:
    """Refuse what no key has made: the library trips over it, here and there, with errors of Python."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, struct.error):
        raise mfa_adapter().validation_error("incorrect_code") from None


class _KeyForm(_Guarded):
    kind = WORDS[Authenticator.Type.WEBAUTHN]

    def clean_credential(self) -> Authenticator:
        with _readable():
            return self._clean(super().clean_credential)  # type: ignore[misc]  # as above


class NewKeyForm(AddWebAuthnForm):  # type: ignore[misc]  # as above
    """A key that is set up."""

    def clean(self) -> dict[str, Any]:
        with _readable():
            return cast("dict[str, Any]", super().clean())


class CodeForm(_OnceForm, AuthenticateForm):  # type: ignore[misc]  # as above
    """A code at login."""


class CodeAgainForm(_OnceForm, ReauthenticateForm):  # type: ignore[misc]  # as above
    """A code to log in again."""


class KeyForm(_KeyForm, AuthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    """A key at login."""


class KeyAgainForm(_KeyForm, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    """A key to log in again."""
