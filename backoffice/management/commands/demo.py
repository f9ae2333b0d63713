"""Run the whole console with demo data on this machine: what `make demo` calls once packages are installed.

Order: everything that can refuse does so first; then the database, its tables, static files, data, and the web server.
Whatever ends the command, all that it started ends with it. `--reset` removes the data and does nothing else.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils import timezone

from audit.keys import signing_key
from audit.models import Verification
from audit.relay import relay
from backoffice import embedded, serve
from backoffice.databases import RELAY_URL_NAMES, RUNTIME_URL_NAMES, as_owner, as_relay

LOGINS = {
    "agent": "support agent",
    "lead": "support lead, approves",
    "reviewer": "compliance reviewer",
    "analyst": "analyst",
    "importer": "importer",
    "admin": "administrator and superuser",
    "deputy": "administrator, decides on rights",
}
MISUSE = 2


class Command(BaseCommand):
    """Prepare what is missing, serve, say where and who, and wait for the end."""

    help = "Serve the console with demo data on this machine until Ctrl-C; --reset removes the demo's data instead."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--customers", type=int, default=2_000, help="made on the first start only")
        parser.add_argument("--actions", type=int, default=40_000, help="made on the first start only")
        parser.add_argument("--reset", action="store_true", help="remove the demo's data and stop there")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The demo prints passwords: it is not for BACKOFFICE_MODE=production.", returncode=MISUSE
            )
        for number in embedded.stopping_signals():
            signal.signal(number, signal.default_int_handler)
        try:
            self._reset(options) if options["reset"] else self._serve(options)
        except embedded.EmbeddedError as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        except KeyboardInterrupt:
            self.stderr.write("\nThe demo is stopped; its data is kept.")

    def _serve(self, options: dict[str, Any]) -> None:
        data, port = settings.BACKOFFICE_DATA, options["port"]
        if why := serve.port_problem(port):
            raise CommandError(why, returncode=MISUSE)
        with ExitStack() as stack:
            stack.enter_context(only_demo(data))
            urls, relay_urls = {}, {name: os.environ.get(name, "") for name in RELAY_URL_NAMES.values()}
            if settings.USES_EMBEDDED:
                self.stderr.write("Starting PostgreSQL …")
                stack.enter_context(embedded.running(data))
                every = embedded.urls(data)
                urls = {name: every[name] for name in RUNTIME_URL_NAMES.values()}
                relay_urls = {name: every[name] for name in RELAY_URL_NAMES.values()}
            password = self._prepare(data, options)
            self.stderr.write("Starting the web server …")
            server = stack.enter_context(serve.web_server(port, serve.environment(data, urls)))
            site, relays = serve.environment(data, urls), serve.environment(data, {**urls, **relay_urls})
            names = {server: "web server"}
            for what, environment, *command in (
                ("relay of events", relays, "audit_relay"),
                ("bringing of events to subscribers", relays, "audit_subscribers"),
                ("ending of what has expired", site, "expire_due", "--every", "30"),
                ("worker of bulk runs", site, "bulk_runs"),
            ):
                names[stack.enter_context(serve.standing(environment, *command))] = what
            self._announce(server, port, password, as_json=options["json"])
            ended = serve.first_to_end(*names)
            raise CommandError(f"The {names[ended]} ended by itself with exit status {ended.returncode}.", returncode=1)

    def _prepare(self, data: Path, options: dict[str, Any]) -> str:
        """Bring tables, static files and data up to date; return the password of the demo's logins."""
        self.stderr.write("Migrating the databases …")
        call_command("migrate", interactive=False, verbosity=0)
        if (stamp := data / "static.stamp").exists() is False or stamp.read_text() != static_fingerprint():
            self.stderr.write("Collecting static files …")
            call_command("collectstatic", interactive=False, clear=True, verbosity=0)
            stamp.write_text(static_fingerprint())
        settings.DEMO_PASSWORD = password = settings.DEMO_PASSWORD or kept_password(data)
        self.stderr.write("Loading demo data …")
        call_command(
            "demo_data",
            customers=options["customers"],
            actions=options["actions"],
            seed=1,
            if_empty=True,
            today=True,
            verbosity=0,  # the logins are told at the end, with their password
            stdout=self.stderr,
        )
        call_command("sandbox_refresh", if_empty=True, stdout=self.stderr)
        call_command("audit_retention", stdout=self.stderr)  # what a timer does every day elsewhere
        if not (verified := verified_today()):
            self._verify("ledger_verify")
        self.stderr.write("Sealing what was loaded in the event log …")
        carry_events()
        if not verified:
            gather_statistics()
            self._verify("audit_verify")
        connections.close_all()
        return password

    def _verify(self, command: str) -> None:
        """Do what a timer does every night elsewhere; of what is found the start page tells, and an alert."""
        with suppress(SystemExit):
            call_command(command, stdout=self.stderr)

    def _announce(self, server: "Popen[bytes]", port: int, password: str, *, as_json: bool) -> None:
        path = f"/{settings.CONSOLE_PATH}"
        if not serve.wait_until_ready(server, port, f"{path}login/"):
            raise CommandError("The web server does not answer; what it says about that is above.", returncode=1)
        address = f"http://127.0.0.1:{port}{path}"
        if as_json:
            logins = [{"username": name, "password": password, "role": role} for name, role in LOGINS.items()]
            self.stdout.write(json.dumps({"address": address, "logins": logins}))
        else:
            width = max(len(password), len("password"))
            rows = [("user name", "password", "role"), *((name, password, role) for name, role in LOGINS.items())]
            table = "\n".join(f"    {name:<11}{word:<{width + 2}}{role}" for name, word, role in rows)
            self.stdout.write(f"\n  The console is at  {address}\n\n{table}\n\n  Ctrl-C stops everything.\n")
        self.stdout.flush()

    def _reset(self, options: dict[str, Any]) -> None:
        data = settings.BACKOFFICE_DATA
        if not settings.USES_EMBEDDED:
            raise CommandError(
                "DATABASE_URL is set: this removes the embedded database's data only.", returncode=MISUSE
            )
        if data.exists():
            with only_demo(data):
                embedded.remove(data)
                shutil.rmtree(settings.STATIC_ROOT, ignore_errors=False) if settings.STATIC_ROOT.exists() else None
                shutil.rmtree(
                    settings.AUDIT_FOLDER
                ) if settings.AUDIT_FOLDER.exists() else None  # of a store that is gone
                for name in ("static.stamp", "demo_password"):
                    (data / name).unlink(missing_ok=True)
        self.stderr.write("The demo's data is removed; `make demo` starts anew.")
        if options["json"]:
            self.stdout.write(json.dumps({"removed": str(data)}))


@contextmanager
def only_demo(data: Path) -> Iterator[None]:
    """Be the only demo in this data folder; the kernel ends the claim with the process, however that ends."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "demo.lock").open("w")
    except OSError as error:
        sentence = (
            f"Cannot write to {data} ({error.strerror}): make it writable, or set BACKOFFICE_DATA to another folder."
        )
        raise CommandError(sentence, returncode=MISUSE) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sentence = f"Another demo uses {data}: stop it first, or set BACKOFFICE_DATA to another folder."
            raise CommandError(sentence, returncode=MISUSE) from None
        yield


def carry_events() -> None:
    """Bring what was loaded into the event store before anybody looks: else all pages would say that events are late."""
    with as_relay(*RELAY_URL_NAMES):
        deque(relay(signing_key()), maxlen=0)


def gather_statistics() -> None:
    """Tell PostgreSQL's planner what was loaded, as it finds out by itself within minutes: till then lists are slow."""
    for alias in RUNTIME_URL_NAMES:
        with as_owner(alias), connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE")


def verified_today() -> bool:
    """Whether the whole event log was verified within a day."""
    return Verification.objects.filter(since=None, created__gt=timezone.now() - timedelta(days=1)).exists()


def kept_password(data: Path) -> str:
    """Return the password of the demo's logins, made on the first start and readable by its owner alone."""
    path = data / "demo_password"
    if not path.exists() or not path.read_text():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text()


def static_fingerprint() -> str:
    """Return what changes when a static file, or the way they are stored, changes."""
    digest = hashlib.sha256(repr(settings.STORAGES).encode())
    for finder in get_finders():
        for name, storage in finder.list(None):
            facts = Path(storage.path(name)).stat()
            digest.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
