"""Guesses at what is another tenant's, each beside one at what is not there, and the comparison of what is told of both."""

import io
import re
import uuid
import zipfile
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib.admin.utils import quote
from django.contrib.messages import get_messages
from django.http import StreamingHttpResponse
from django.test import Client

from ledger.reference import ALPHABET, GROUP, check_digit
from tests.security.world import Tenant

FAR = 555_555  # from any key to one that there is not
ASKED = "@@"  # in addresses and fields: what is guessed
CHANGING = re.compile(  # what no two answers share: keys of forms, ids of requests, what is signed, tokens, times
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[\w-]+:[\w-]{6}:[\w-]{20,}"
    r'|(?<=name="csrfmiddlewaretoken" value=")\w+|(?<=nonce=")[^"]+'
    r"|\d{1,2}:\d{2}(:\d{2})?"
)

LATE = re.compile(r'<p class="notice" role="alert">Events since .*?</p>')  # what only the later of two answers may say


class Answer(NamedTuple):
    """What somebody is told."""

    status: int
    way: tuple[str, ...]
    body: str


class Guess(NamedTuple):
    """A request with what is another's, and with what is not there."""

    method: str
    address: str
    sent: dict[str, str]
    victim: Any
    none: Any

    def __str__(self) -> str:
        return f"{self.method} {self.address} {self.sent if len(self.sent) < 5 else 'with everything'}"


def far_from(key: Any) -> Any:
    """Return what is written like a key and nobody's."""
    return uuid.UUID(int=1) if isinstance(key, uuid.UUID) else key + FAR


def guess(method: str, address: str, victim: Any, **sent: str) -> Guess:
    """Return a guess at a key."""
    return Guess(method, address, sent, victim, far_from(victim))


def spare_reference() -> str:
    """Return a well-formed reference that no action has."""
    symbols = ALPHABET[-1] * 8
    whole = symbols + check_digit(symbols)
    return "-".join(whole[start : start + GROUP] for start in range(0, len(whole), GROUP))


def called(of: Tenant) -> list[tuple[Any, Any]]:
    """Return everything that rows of a tenant are found by, each beside what nobody is called."""
    nobody = "x" * len(of.name)
    keys = (of.account.uid, of.deposit.uid, of.hold.uid, of.account.pk)
    return [
        *((key, far_from(key)) for key in keys),
        (of.deposit.reference, spare_reference()),
        (of.customer.email, f"zdena1@{nobody}.example"),
        (of.customer.username, f"customer1_{nobody}"),
        (of.customer.last_name, f"Of {nobody}"),
        (f"EXT-{of.name}", f"EXT-{nobody}"),
        (of.name, nobody),
    ]


def body_of(response: Any) -> str:
    """Return what an answer holds, as text."""
    content = b"".join(response) if isinstance(response, StreamingHttpResponse) else response.content
    response.close()
    return _unpacked(content) if content.startswith(b"PK") else str(content.decode())


def _unpacked(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist() if name != "docProps/core.xml")


def told(response: Any, *asked: object) -> Answer:
    """Return the answer without what was asked for and without what no two answers share."""

    said = [str(message) for message in get_messages(response.wsgi_request)]
    way = (response.headers.get("Location", ""), *said)
    return Answer(response.status_code, tuple(plain(one, *asked) for one in way), plain(body_of(response), *asked))


def plain(text: str, *asked: object) -> str:
    """Return a text without what was asked for and without what no two answers share."""
    for one in asked:
        for written in {str(one), quote(str(one)), str(one).replace("@", "%40"), str(one).replace(" ", "+")}:
            text = text.replace(written, "ASKED")
    return CHANGING.sub("CHANGING", LATE.sub("", text))


class Attacker:
    """Somebody's browser, turned against a tenant."""

    def __init__(self, browser: Client, of: Tenant) -> None:
        self.browser, self.of, self.secrets = browser, of, of.secrets

    def faults(self, guesses: Iterable[Guess]) -> list[str]:
        """Make the guesses; return what is wrong with the answers."""
        return [fault for one in guesses for fault in self._faults_of(one)]

    def _faults_of(self, one: Guess) -> list[str]:
        theirs, nobodys = self._ask(one, one.victim), self._ask(one, one.none)
        shown = " ".join([*theirs.way, theirs.body])
        faults = [f"{one} shows {secret}" for secret in self.secrets if secret in shown]
        if theirs != nobodys:
            faults.append(f"{one} tells them apart: {differing(theirs, nobodys)}")
        return faults

    def _ask(self, one: Guess, key: Any) -> Answer:
        fields = {name: value.replace(ASKED, str(key)) for name, value in one.sent.items()}
        address = one.address.replace(ASKED, quote(str(key)))
        session = self.browser.session
        session.pop("_messages", None)  # what was said before
        session.save()
        return told(getattr(self.browser, one.method)(address, fields), key)


def differing(one: Answer, other: Answer) -> str:
    """Return where two answers begin to differ."""
    if one[:2] != other[:2]:
        return f"{one[:2]} {other[:2]}"
    lines = zip(one.body.splitlines(), other.body.splitlines(), strict=False)
    return next((f"{mine!r} {yours!r}" for mine, yours in lines if mine != yours), "by length")
