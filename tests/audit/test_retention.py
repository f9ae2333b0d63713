"""Months that leave the event store for files: whole, once, with their seals; the chain verifies all the same."""

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from audit import retention
from audit.chain import month_before
from audit.models import Alert, Event, Seal, Verification
from audit.trusted import append, trusted_keys
from audit.verification.archive import verify_archives
from audit.verification.trust import Trust
from backoffice import embedded
from backoffice.databases import as_relay
from backoffice.models import Entity
from tests.audit.sealed import kinds, relay_batch, superuser, tamper, verify, wait_until_due
from tests.audit.test_relay import addresses
from tests.scope import call_command

pytestmark = pytest.mark.usefixtures("committing")


def carry() -> None:
    wait_until_due()
    while relay_batch():
        pass


def carry_as_old(settings: Any) -> date:
    """Carry what waits as events of a month long past, which is returned; kept for a year."""
    settings.AUDIT_RETENTION_MONTHS = 12
    month = month_before(timezone.now().date(), 14)
    with superuser("default") as session:
        session.execute("SET session_replication_role = replica")
        session.execute("UPDATE audit_outbox SET created = %s::date + interval '3 days'", [month])
    carry()
    return month


@pytest.fixture
def old_month(settings: Settings) -> date:
    """Three events of a month long past, sealed, and the next one's beginning; kept for a year."""
    for number in range(3):
        Entity.objects.create(code=f"old{number}", name="N")
    month = carry_as_old(settings)
    Entity.objects.create(code="new", name="N")
    carry()
    return month


def test_month_is_archived_with_its_blocks_and_the_chain_verifies(old_month: date, settings: Settings) -> None:
    assert [(seal.number, seal.month == old_month, seal.count) for seal in Seal.objects.order_by("number")] == [
        (1, True, 3),
        (2, False, 1),
    ]
    call_command("audit_retention")
    assert Event.objects.filter(block=1).count() == 0
    assert Seal.objects.count() == 3
    [path] = settings.AUDIT_ARCHIVE_FOLDER.iterdir()
    [told] = Event.objects.get(type="audit.archived").data["months"]
    assert (told["file"], told["sha256"], told["events"]) == (path.name, sha256(path.read_bytes()).hexdigest(), 3)
    _, block, *events = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert (block["block"]["number"], len(block["block"]["signature"])) == (1, 128)
    leaves = [sha256(b"\0" + event["event"]["line"].encode()).hexdigest() for event in events]
    assert "".join(leaves) == block["block"]["leaves"]
    assert verify() == []
    assert archived(path) == []
    call_command("audit_retention")
    assert Seal.objects.count() == 3


def test_month_that_was_stolen_is_not_archived(old_month: date) -> None:
    tamper(f"DROP TABLE audit_event_{old_month:%Y_%m}")
    assert [(block, kind) for block, _, kind in kinds(verify())] == [(1, "deleted")] * 3


def test_interrupted_archiving_is_done_again(
    old_month: date, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_relay("audit"):
        assert retention.due(timezone.now().date()) == [old_month]
    monkeypatch.setattr(retention, "LOCK_WAIT", "100ms")
    with superuser("audit") as reader:
        reader.autocommit = False
        reader.execute("SELECT FROM audit_event LIMIT 1")  # its lock outlasts our patience
        with pytest.raises(CommandError, match="is tried again by the next run"):
            call_command("audit_retention")
    [path] = settings.AUDIT_ARCHIVE_FOLDER.iterdir()  # written, and not yet sealed
    assert (kinds(verify()), Event.objects.filter(block=1).count()) == ([], 3)
    settings.AUDIT_ARCHIVE_FOLDER.joinpath(".7.part").touch()
    call_command("audit_retention")
    assert settings.AUDIT_ARCHIVE_FOLDER.joinpath(path.name).exists()
    assert len(list(settings.AUDIT_ARCHIVE_FOLDER.glob("*.gz"))) == 1
    assert (verify(), archived(path)) == ([], [])


def late(month: date, code: str) -> None:
    """Have an event of a past month arrive now."""
    Entity.objects.create(code=code, name="N")
    with superuser("default") as session:
        session.execute("SET session_replication_role = replica")
        session.execute("UPDATE audit_outbox SET created = %s::date + interval '4 days'", [month])
    carry()


def archived(*paths: Path) -> list[tuple[int | None, str | None, str]]:
    return kinds(verify_archives(paths, Trust(trusted_keys())).findings)


def archives(settings: Settings) -> list[Path]:
    return sorted(settings.AUDIT_ARCHIVE_FOLDER.glob("*.gz"))


def test_second_archive_of_a_month_is_a_file_of_its_own(old_month: date, settings: Settings) -> None:
    call_command("audit_retention")
    [first] = archives(settings)
    content = first.read_bytes()
    late(old_month, "late")
    assert verify() == []
    call_command("audit_retention")
    second, kept = archives(settings)[::-1] if archives(settings)[0] == first else archives(settings)
    assert (kept, kept.read_bytes()) == (first, content)
    assert [path.name[len("events-2025-09.") :] for path in (first, second)] == [
        "blocks-1-1.jsonl.gz",
        "blocks-4-4.jsonl.gz",
    ]
    assert (verify(), archived(first, second)) == ([], [])
    [*_, told] = Event.objects.filter(type="audit.archived").order_by("block")
    assert [one["file"] for one in told.data["months"]] == [first.name, second.name]


def test_file_that_is_there_is_never_written_over(old_month: date, settings: Settings) -> None:
    folder: Path = settings.AUDIT_ARCHIVE_FOLDER
    folder.mkdir(parents=True)
    taken = folder / f"events-{old_month:%Y-%m}.blocks-1-1.jsonl.gz"
    taken.write_text("something else")
    call_command("audit_retention")
    assert taken.read_text() == "something else"
    fresh = taken.with_name(f"events-{old_month:%Y-%m}.blocks-1-1.2.jsonl.gz")
    assert archived(fresh) == []


def test_event_that_arrives_while_its_month_leaves_is_not_lost(old_month: date, settings: Settings) -> None:
    """The relay waits until the partition is gone, whose lock waits for a reader; then it makes another one."""
    Entity.objects.create(code="late", name="N")
    with superuser("default") as session:
        session.execute("SET session_replication_role = replica")
        session.execute("UPDATE audit_outbox SET created = %s::date + interval '4 days'", [old_month])
    wait_until_due()
    with superuser("audit") as reader:
        reader.autocommit = False
        reader.execute("SELECT FROM audit_event LIMIT 1")
        leaving = command("audit_retention")
        until(lambda: waiting(reader) == 1)
        arriving = command("audit_relay", "--once")
        until(lambda: waiting(reader) == 2)
        reader.rollback()
    assert ended(leaving, arriving) == [(0, ""), (0, "1 events carried.\n")]
    assert Event.objects.filter(data__new__code="late").count() == 1
    assert (verify(), archived(*archives(settings))) == ([], [])


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What was brought to the disk, in order: each file or folder, and what its folder held then."""
    done: list[tuple[str, list[str]]] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append((path.name, sorted(file.name for file in path.iterdir()) if path.is_dir() else []))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return done


def test_name_of_an_archive_is_on_the_disk_before_the_month_goes(
    old_month: date, settings: Settings, synced: list[tuple[str, list[str]]]
) -> None:
    folder: Path = settings.AUDIT_ARCHIVE_FOLDER
    call_command("audit_retention")
    [path] = archives(settings)
    assert [path.name in held for name, held in synced if name == folder.name] == [True]
    synced.clear()
    call_command("audit_erase", "backoffice.entity:0", "--mention", "old1", "--reason", "Asked for")
    assert [held for name, held in synced if name == folder.name][-1] == [path.name]


def test_names_of_new_files_reach_the_disk(tmp_path: Path, synced: list[tuple[str, list[str]]]) -> None:
    for _ in range(2):
        append(tmp_path / "new" / "heads.jsonl", "{}")
    assert synced == [("heads.jsonl", []), ("new", ["heads.jsonl"]), ("heads.jsonl", [])]


def test_two_runs_at_once_archive_a_month_once(old_month: date, settings: Settings) -> None:
    assert ended(*[command("audit_retention") for _ in range(3)]) == [(0, "")] * 3
    [path] = archives(settings)
    assert Event.objects.filter(type="audit.archived").count() == 1
    assert (verify(), archived(path)) == ([], [])


def command(*arguments: str) -> "subprocess.Popen[str]":
    environment = {
        **os.environ, **addresses(), "AUDIT_DATABASE_OWNER_URL": owner_url(), "AUDIT_RETENTION_MONTHS": "12",
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=django_settings.BASE_DIR, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(*processes: "subprocess.Popen[str]") -> list[tuple[int, str]]:
    """Wait for processes; return their exit status and what they said on standard error."""
    said = [process.communicate(timeout=60)[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]


def owner_url() -> str:
    url = embedded.urls(django_settings.BACKOFFICE_DATA)["AUDIT_DATABASE_OWNER_URL"]
    return psycopg.conninfo.make_conninfo(url, dbname=django_settings.DATABASES["audit"]["NAME"])


def waiting(session: psycopg.Connection) -> int:
    """Return how many wait for the lock of a table in this database."""
    query = "SELECT FROM pg_locks WHERE locktype = 'relation' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return session.execute(query).rowcount


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not there():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET reason = 'x' WHERE block = 1 AND position = 1",
        "DELETE FROM audit_event WHERE block = 1 AND position = 1",
        "UPDATE audit_event SET block = 9 WHERE block = 1 AND position = 1",
        "UPDATE audit_seal SET root = sha256(root) WHERE number = 1",
    ],
)
def test_month_that_does_not_verify_stays(old_month: date, settings: Settings, statement: str) -> None:
    tamper(statement)
    before = kinds(verify())
    with pytest.raises(CommandError, match=f"{old_month:%Y-%m} stays: .* Run audit_verify"):
        call_command("audit_retention")
    assert (archives(settings), kinds(verify())) == ([], before)


def test_change_of_an_archive_names_block_and_event(old_month: date, settings: Settings) -> None:
    call_command("audit_retention")
    [path] = archives(settings)
    good = path.read_bytes()
    lines = gzip.decompress(good).splitlines(keepends=True)
    event = json.loads(lines[3])["event"]
    name = event["line"][:36]

    def changed(*lines: bytes) -> list[tuple[int | None, str | None, str]]:
        path.write_bytes(gzip.compress(b"".join(lines)))
        not_the_file, *found = archived(path)
        assert not_the_file == (None, None, "archive")
        return found

    edited = json.dumps({"event": {**event, "line": event["line"].replace("old1", "new1")}}).encode() + b"\n"
    assert changed(*lines[:3], edited, *lines[4:]) == [(1, name, "edited")]
    assert changed(*lines[:3], *lines[4:]) == [(1, name, "deleted")]
    erased = json.dumps({"event": {**event, "erased": "2026-01-01 00:00:00+00"}}).encode() + b"\n"
    assert changed(*lines[:3], erased, *lines[4:]) == [(1, name, "edited")]
    block = json.loads(lines[1])["block"]
    other = json.dumps({"block": {**block, "count": 4}}).encode() + b"\n"
    assert {kind for _, _, kind in changed(lines[0], other, *lines[2:])} == {"header", "signature", "root"}
    assert changed(b"{}\n") == [(None, None, "archive")]
    path.write_bytes(good[:-40])
    assert {kind for _, _, kind in archived(path)} == {"archive"}
    path.write_bytes(good)
    assert archived(path) == []


def test_change_of_an_archive_opens_an_alert(old_month: date, settings: Settings) -> None:
    call_command("audit_retention")
    [path] = archives(settings)
    call_command("audit_verify", "--archive", str(path))
    assert not Alert.objects.exists()
    path.write_bytes(path.read_bytes()[:-40])
    for _ in range(2):
        with pytest.raises(SystemExit, match="1"):
            call_command("audit_verify", "--archive", str(path))
    [alert] = Alert.objects.all()
    assert (alert.rule, alert.state, str(path) in alert.text) == ("verification", "open", True)
    assert not Verification.objects.exists()  # of the store: the console shows those


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("event", {"line": 5}), ("event", {"line": "x"}), ("event", {"line": "é" * 36 + "\t" * 16}), ("event", {"erased": 5}),
        ("event", {"position": 1e999}), ("event", {"position": None}), ("block", {"number": "1"}), ("block", {"number": 2**63}),
        ("block", {"count": None}), ("block", {"key": 7}), ("block", {"created": "2026-01-01"}), ("block", {"month": 5}),
        ("block", {"leaves": 5}),
    ],
)  # fmt: skip
def test_garbage_in_an_archive_is_a_finding(
    old_month: date, settings: Settings, kind: str, other: dict[str, object]
) -> None:
    call_command("audit_retention")
    [path] = archives(settings)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    at = 1 if kind == "block" else 3
    told = {**json.loads(lines[at])[kind], **other}
    lines[at] = json.dumps({kind: told}).encode() + b"\n"
    path.write_bytes(gzip.compress(b"".join(lines)))
    found = verify_archives([path], Trust(trusted_keys())).findings
    assert "cannot be read as an archive" in " ".join(one.text for one in found)


def test_archives_are_verified_by_the_command(
    old_month: date, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit_retention")
    capsys.readouterr()
    call_command("audit_verify", "--json", "--archive", str(settings.AUDIT_ARCHIVE_FOLDER))
    assert json.loads(capsys.readouterr().out) == {"events": 3, "blocks": 1, "findings": []}
    tamper("UPDATE audit_seal SET hash = sha256(hash) WHERE number = 1")
    with pytest.raises(SystemExit, match="1"):
        call_command("audit_verify", "--json", "--archive", str(archives(settings)[0]))
    [found] = json.loads(capsys.readouterr().out)["findings"]
    assert (found["block"], found["kind"]) == (1, "chain")


def test_partitions_are_made_ahead() -> None:
    call_command("audit_retention")
    with connections["audit"].cursor() as cursor:
        for ahead in range(4):
            name = f"audit_event_{month_before(timezone.now().date(), -ahead):%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            assert cursor.fetchone()[0] == name
