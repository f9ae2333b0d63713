"""Remove what is kept of a person: for compliance, on request, and never without a reason."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import erasing, relay
from audit.erasure import Request, erase, waiting
from audit.keys import signing_key
from audit.personal import model_of
from audit.verification.archive import SUFFIX, ArchiveError
from backoffice.databases import RELAY_URL_NAMES, as_relay

MISUSE = 2
SHORTEST = 4  # characters of a mention: less would be found everywhere


class Command(BaseCommand):
    """Carry what waits, erase, seal that it was done, and say what is left to do."""

    help = (
        "Remove the payload of all events about objects, and their personal values in history: "
        "audit_erase backoffice.user:17 ledger.account:12 --mention 'jana@example.com' --reason '…'"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("objects", nargs="+", help="a model and an id, such as backoffice.user:17")
        parser.add_argument("--reason", required=True, help="who asked for it and on what ground; it is kept")
        parser.add_argument(
            "--mention",
            action="append",
            default=[],
            help="a name or an address: whatever mentions it goes too; reads all events",
        )
        parser.add_argument("--archive", type=Path, action="append", help="a file of months; else all of AUDIT_ARCHIVE")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        request = Request([_parsed(text) for text in options["objects"]], options["mention"], options["reason"])
        if not request.reason.strip():
            raise CommandError("Say why: --reason is kept with the erasure.", returncode=MISUSE)
        if any(len(text.strip()) < SHORTEST for text in request.mentions):
            raise CommandError(f"--mention takes {SHORTEST} characters at least.", returncode=MISUSE)
        files = options["archive"] or sorted(settings.AUDIT_ARCHIVE_FOLDER.glob(f"*{SUFFIX}"))
        try:
            texts = erasing.erase_texts(request)
            request = replace(request, objects=list(dict.fromkeys([*request.objects, *texts])))
            versions = erasing.erase_versions(request)
            with as_relay(*RELAY_URL_NAMES):
                for _ in relay.relay(key := signing_key()):
                    pass
                erased, late = erase(request, files, key), waiting(request)
        except (ImproperlyConfigured, ArchiveError, FileNotFoundError) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        done = {"erased": erased, "versions": versions, "texts": len(texts), "kept": erasing.erase_kept(request)}
        self._tell(done, late, erasing.still_there(request), as_json=options["json"])

    def _tell(self, done: dict[str, int], late: int, present: list[str], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**done, "waiting": late, "present": present}))
        else:
            self.stdout.write(
                f"The payload of {done['erased']} events is gone, personal values of {done['versions']} versions, what was noted "
                f"on or in {done['texts']} accounts and notes, and {done['kept']} searches and messages. Their seals stay, and this is an event too."
            )
        if present:
            self.stderr.write(
                f"The ledger itself still tells of {', '.join(present)}: change it in the console, then run this again."
            )
        if late:
            self.stderr.write(
                f"{late} rows of the outbox wait for a transaction that is open: run this again when it has ended."
            )
            sys.exit(1)


def _parsed(text: str) -> tuple[str, str]:
    kind, _, identity = text.partition(":")
    if "." not in kind or not identity:
        raise CommandError(f"{text} is no object: write app.model:id, such as backoffice.user:17.", returncode=MISUSE)
    if model_of(kind.lower()) is None:
        raise CommandError(f"{text} is no object: there is no model {kind}.", returncode=MISUSE)
    return kind.lower(), identity
