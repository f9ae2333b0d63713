"""Remove what events tell of a person: for compliance, on request, and never without a reason."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.erasure import erase
from audit.keys import signing_key
from backoffice.databases import EVENT_STORE, as_relay

MISUSE = 2


class Command(BaseCommand):
    """Erase, and seal that it was done."""

    help = (
        "Remove the payload of all events about objects: audit_erase backoffice.user:17 ledger.account:12 --reason '…'"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("objects", nargs="+", help="a model and an id, such as backoffice.user:17")
        parser.add_argument("--reason", required=True, help="who asked for it and on what ground; it is kept")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        objects = [_parsed(text) for text in options["objects"]]
        if not options["reason"].strip():
            raise CommandError("Say why: --reason is kept with the erasure.", returncode=MISUSE)
        try:
            with as_relay(EVENT_STORE):
                erased = erase(objects, reason=options["reason"], key=signing_key())
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        if options["json"]:
            self.stdout.write(json.dumps({"erased": erased}))
        else:
            self.stdout.write(f"The payload of {erased} events is gone. Their seals stay, and this is an event too.")


def _parsed(text: str) -> tuple[str, str]:
    kind, _, identity = text.partition(":")
    if "." not in kind or not identity:
        raise CommandError(f"{text} is no object: write app.model:id, such as backoffice.user:17.", returncode=MISUSE)
    return kind.lower(), identity
