"""Who follows the events, registered in code: each gets every event of its types, at least once and in order.

A subscriber says which types it wants and takes one event at a time; what it raises is tried again (`audit.delivery`).
Shipped: e-mail, a webhook signed with HMAC, and one that Slack and its like understand. They send sentences and columns,
personal values always masked: what leaves the house is read by others.
"""

import hashlib
import hmac
import json
import time
import urllib.request
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPMessage
from typing import IO, Any, Protocol
from urllib.error import HTTPError

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.html import strip_tags

from audit.encoding import Encoder
from audit.exports import rows_of
from audit.models import Event
from audit.sentences import sentence

TIMEOUT = 10  # seconds that the other side is given
TOLERANCE = 300  # seconds by which a signature may be old


class Subscriber(Protocol):
    """What follows events."""

    name: str

    def wants(self, event: Event) -> bool:
        """Whether an event of this kind is for it."""

    def deliver(self, event: Event) -> None:
        """Take one event, or raise. May be called twice with the same one."""


REGISTERED: dict[str, Subscriber] = {}


def register(subscriber: Subscriber) -> None:
    """Have a subscriber follow events from now on. Raises ValueError for a name that is taken."""
    if subscriber.name in REGISTERED:
        raise ValueError(f"Another subscriber is called {subscriber.name}.")
    REGISTERED[subscriber.name] = subscriber


def follows(types: list[str], event: Event) -> bool:
    """Whether a type, or its family such as `alert.`, is among those followed."""
    return any(event.type == name or (name.endswith(".") and event.type.startswith(name)) for name in types)


def told(event: Event) -> str:
    """Return an event as a plain sentence without personal values."""
    return unescape(strip_tags(sentence(event, {}, personal=False)))


def payload(event: Event) -> dict[str, Any]:
    """Return what is sent of an event: its columns, and the sentence."""
    [row] = rows_of([event], personal=False)
    return {**row, "sentence": told(event)}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes an answer that points elsewhere for a refusal: events go where they were addressed, and nowhere else."""

    def redirect_request(  # noqa: PLR0917  urllib's signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing."""
        raise HTTPError(req.full_url, code, "The address answers with another one.", headers, fp)


def send(url: str, body: bytes, headers: dict[str, str]) -> None:
    """POST JSON. Raises OSError (urllib's errors are) where the other side is away or answers with 300 or more."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("A webhook's address begins with https:// or http://.")
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})  # noqa: S310  checked above
    with urllib.request.build_opener(NoRedirect).open(request, timeout=TIMEOUT):
        pass


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return the header `X-Backoffice-Signature`: HMAC-SHA256 over `timestamp.body`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def is_genuine(secret: str, body: bytes, header: str, *, now: float, tolerance: int = TOLERANCE) -> bool:
    """Whether a header is of this body and not older than `tolerance` seconds: what a receiver does."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    timestamp = parts.get("t", "")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > tolerance:
        return False
    return hmac.compare_digest(signature(secret, body, int(timestamp)), header)


@dataclass
class Followed:
    """What the shipped ones have in common: which types they follow."""

    types: list[str] = field(default_factory=lambda: list(settings.AUDIT_FOLLOWED))

    def wants(self, event: Event) -> bool:
        """Whether it is among the types."""
        return follows(self.types, event)


@dataclass
class Webhook(Followed):
    """Posts events as JSON, signed with a secret that both sides know."""

    name: str = "webhook"
    url: str = ""
    secret: str = ""

    def deliver(self, event: Event) -> None:
        """Send it, with the event's id as the key by which a repetition is known."""
        body = json.dumps(payload(event), cls=Encoder, ensure_ascii=False).encode()
        signed = signature(self.secret, body, int(time.time()))
        send(self.url, body, {"X-Backoffice-Signature": signed, "Idempotency-Key": str(event.pk)})


@dataclass
class Slack(Followed):
    """Posts the sentence to an incoming webhook of Slack, Mattermost and the like."""

    name: str = "slack"
    url: str = ""

    def deliver(self, event: Event) -> None:
        """Send the sentence; what they take for markup is escaped."""
        text = told(event).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        send(self.url, json.dumps({"text": text}, ensure_ascii=False).encode(), {})


@dataclass
class Email(Followed):
    """Writes to people."""

    name: str = "email"
    to: list[str] = field(default_factory=list)

    def deliver(self, event: Event) -> None:
        """Send one e-mail an event; its Message-ID is the event's, so that a repetition is known."""
        text = f"{told(event)}\n\nWhen: {event.created:%Y-%m-%d %H:%M:%S %Z}\nEvent: {event.pk}\n"
        headers = {"Message-ID": f"<{event.pk}@backoffice>"}
        subject = told(event).replace("\n", " ")[:120]
        EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, self.to, headers=headers).send()


def register_configured() -> None:
    """Register those of the shipped ones that the settings name an address for."""
    if settings.AUDIT_EMAIL_TO:
        register(Email(to=settings.AUDIT_EMAIL_TO))
    if settings.AUDIT_WEBHOOK_URL:
        register(Webhook(url=settings.AUDIT_WEBHOOK_URL, secret=settings.AUDIT_WEBHOOK_SECRET))
    if settings.AUDIT_SLACK_URL:
        register(Slack(url=settings.AUDIT_SLACK_URL))
