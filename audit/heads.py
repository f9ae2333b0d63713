"""Heads of the chain, published outside of the database: whoever cuts the tail off cannot cut it off here.

A head is a JSON line: the last block and its hash, the number of blocks, when it was published, by which key, and that
key's signature over all of it. One is published after every pass that made blocks, and every AUDIT_HEAD_SECONDS when
nothing happens, so that silence tells that the relay stood still. The file is only ever appended to. AUDIT_HEAD_COMMAND
gets the same line on its standard input, every AUDIT_HEAD_SECONDS: docs/audit.md shows one for S3.
"""

import json
import shlex
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from audit.chain import HEAD, canonical_json, moment
from audit.keys import SigningKey
from audit.seal import Head, head
from audit.trusted import append
from backoffice.databases import EVENT_STORE

FACTS = {"block": int, "hash": str, "published": str, "key": str, "signature": str}
COMMAND_SECONDS = 60.0  # after which a command that has not ended is given up


def signed_head(last: Head, key: SigningKey) -> dict[str, Any]:
    """Return what is published of a block."""
    facts = {"block": last.number, "hash": last.hash.hex(), "published": moment(datetime.now(UTC)), "key": key.id}
    return {**facts, "signature": key.sign(HEAD + canonical_json(facts)).hex()}


def read_heads(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the heads of a file, and a sentence for each line that is none: torn, or garbage."""
    found, troubles = [], []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            told = json.loads(line)
            one = {name: told[name] for name in FACTS}
        except (ValueError, KeyError, TypeError):
            one = {}
        if [type(value) for value in one.values()] == list(FACTS.values()):
            found.append(one)
        else:
            troubles.append(f"Line {number} of {path} is no head: it was torn, or somebody wrote it.")
    return found, troubles


class Publisher:
    """Publishes heads for one relay, never keeping it waiting."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        self.told = -1  # the last block that was published
        self.when = self.commanded = float("-inf")
        self.command: subprocess.Popen[bytes] | None = None

    def publish(self, *, at_once: bool = False) -> str:
        """Publish if there is something new, or if it is time; return what went wrong with the command, or nothing."""
        now = time.monotonic()
        with connections[EVENT_STORE].cursor() as store:
            last = head(store)
        if last.number == self.told and now - self.when < settings.AUDIT_HEAD_SECONDS:
            return self.look_after()
        line = json.dumps(signed_head(last, self.key))
        append(settings.AUDIT_HEADS_FILE, line)
        self.told, self.when = last.number, now
        if settings.AUDIT_HEAD_COMMAND and (at_once or now - self.commanded >= settings.AUDIT_HEAD_SECONDS):
            return self._run(line)
        return self.look_after()

    def look_after(self, *, wait: bool = False) -> str:
        """Return what went wrong with a command that has ended, or nothing; give up on one that takes too long."""
        if self.command is None:
            return ""
        if wait:
            try:
                self.command.wait(COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                self.command.kill()
                self.command.wait()
        elif self.command.poll() is None and time.monotonic() - self.commanded > COMMAND_SECONDS:
            self.command.kill()
            self.command.wait()
        status = self.command.poll()
        if status is None:
            return ""
        self.command = None
        return f"AUDIT_HEAD_COMMAND ended with exit status {status}; the head is in the file." if status else ""

    def _run(self, line: str) -> str:
        trouble = self.look_after()
        if self.command is not None:  # still busy with the last one
            return trouble
        self.commanded = time.monotonic()
        try:
            self.command = subprocess.Popen(  # noqa: S603  what the setting says, without a shell
                shlex.split(settings.AUDIT_HEAD_COMMAND), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0
            )
        except OSError as error:
            return f"AUDIT_HEAD_COMMAND does not start: {error}"
        assert self.command.stdin  # noqa: S101  asked for above
        try:
            self.command.stdin.write(f"{line}\n".encode())  # less than a pipe holds
        except BrokenPipeError:
            return "AUDIT_HEAD_COMMAND did not read the head."
        finally:
            self.command.stdin.close()
        return trouble
