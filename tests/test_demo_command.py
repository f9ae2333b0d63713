"""The demo from its first start to its reset, as a user runs it, and every start that it must refuse."""

import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from audit.origin import is_outside
from backoffice import serve
from backoffice.databases import OWNER_URL_NAMES, RELAY_URL_NAMES, RUNTIME_URL_NAMES
from backoffice.embedded import state, superuser_url, urls
from backoffice.embedded.layout import Layout
from tests.conftest import Settle

ROOT = Path(__file__).parents[1]
URL_NAMES = {*RUNTIME_URL_NAMES.values(), *OWNER_URL_NAMES.values(), *RELAY_URL_NAMES.values()}
OF_THE_RUN = {"DJANGO_SETTINGS_MODULE", "BACKOFFICE_MODE", *URL_NAMES}


def environment(data: Path, **more: str) -> dict[str, str]:
    """What a shell would have, whatever the test run has set."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_THE_RUN}
    return {**kept, "BACKOFFICE_DATA": str(data), "DEMO_PASSWORD": "correct horse", **more}


def manage(data: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, check=False, cwd=ROOT, env=environment(data, **more), capture_output=True, text=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(data: Path, port: int, *, customers: int = 20, actions: int = 200) -> Iterator["subprocess.Popen[str]"]:
    size = (f"--customers={customers}", f"--actions={actions}")
    command = [sys.executable, "manage.py", "demo", "--json", f"--port={port}", *size]
    with (data.parent / "demo.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(data),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                process.terminate()


def web_server_of(process: "subprocess.Popen[str]") -> Path:
    """The first of the five processes that a demo has started: beside it events are carried on and holds end."""
    server, *others = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for other, command in zip(others, (b"audit_relay", b"audit_subscribers", b"expire_due", b"bulk_runs"), strict=True):
        assert command in (Path("/proc") / other / "cmdline").read_bytes()
    return Path("/proc") / server


def false_alarms(data: Path) -> list[str]:
    """What of a fresh demo would look like a write from outside, or like events that are late."""
    with (
        psycopg.connect(superuser_url(data, "backoffice")) as ledger,
        psycopg.connect(superuser_url(data, "backoffice_audit")) as store,
    ):
        late = ledger.execute(
            "SELECT type FROM audit_outbox WHERE created < clock_timestamp() - interval '5 s'"
        ).fetchall()
        sources = store.execute("SELECT DISTINCT coalesce(data ->> 'source', '') FROM audit_event").fetchall()
        alerts = store.execute("SELECT text FROM audit_alert").fetchall()
        assert sources
    return [text for (text,) in late + alerts] + [source for (source,) in sources if is_outside(source)]


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_demo_serves_as_the_app_role_alone_and_ends_whole(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    with demo(data, port) as process:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        assert said["address"] == f"http://127.0.0.1:{port}/console/"
        assert [login["username"] for login in said["logins"]] == [
            "agent",
            "lead",
            "reviewer",
            "analyst",
            "importer",
            "admin",
            "deputy",
        ]
        assert {login["password"] for login in said["logins"]} == {"correct horse"}
        assert "password is in" not in (tmp_path / "demo.log").read_text()  # which is told once, at the end

        server = web_server_of(process)
        given = dict(line.split("=", 1) for line in (server / "environ").read_text().split("\0") if "=" in line)
        assert {name: given.get(name) for name in OWNER_URL_NAMES.values()} == dict.fromkeys(OWNER_URL_NAMES.values())
        assert given["DATABASE_URL"] == urls(data)["DATABASE_URL"]

        key = data / "audit/signing_key.pem"
        assert (key.stat().st_mode & 0o777, key.read_bytes()[:27]) == (0o600, b"-----BEGIN PRIVATE KEY-----")
        assert false_alarms(data) == []

        second = manage(data, "demo", f"--port={free_port()}")
        assert (second.returncode, "Another demo uses" in second.stderr) == (2, True)
        reset = manage(data, "demo", "--reset")
        assert (reset.returncode, "Another demo uses" in reset.stderr) == (2, True)

        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(15) == 0
    assert "Traceback" not in (tmp_path / "demo.log").read_text()
    assert not state.answers(Layout.of(data))
    assert not server.exists()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).connect()

    assert manage(data, "demo", "--reset").returncode == 0
    assert not Layout.of(data).home.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the web server follows its parent by prctl")
def test_a_killed_demo_takes_web_server_and_database_with_it(tmp_path: Path, settle: Settle) -> None:
    data, port = tmp_path / "data", free_port()
    settle(data)
    with demo(data, port) as process:
        assert process.stdout
        process.stdout.readline()
        server = web_server_of(process)
        process.kill()
        process.wait()
        process.stdout.read()
    assert eventually(lambda: not state.answers(Layout.of(data)))
    assert eventually(lambda: not (server / "cwd").exists())  # a dead process that nobody has reaped has none


def test_a_port_in_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = manage(tmp_path, "demo", f"--port={port}")
    assert found.returncode == 2
    assert f"Port {port} is in use: stop what listens there or run `make demo PORT=" in found.stderr
    assert not Layout.of(tmp_path).home.exists()


@pytest.mark.parametrize("command", ["demo", "start_database", "migrate"])
def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = manage(tmp_path / "file", command)
    assert found.returncode == 2
    assert found.stderr.startswith(f"Cannot write to {tmp_path / 'file'}")
    assert found.stderr.count("\n") == 1


def test_the_demo_is_refused_in_production(tmp_path: Path) -> None:
    addresses = urls(tmp_path)
    found = manage(
        tmp_path,
        "demo",
        BACKOFFICE_MODE="production",
        SECRET_KEY="kJ8-" + "aZ3xQ9_vT5" * 6,
        ALLOWED_HOSTS="console.example.com",
        WEBAUTHN_RP_ID="example.com",
        **addresses,
    )
    assert found.returncode == 2
    assert "not for BACKOFFICE_MODE=production" in found.stderr


def test_database_commands_leave_a_server_of_ones_own_alone(tmp_path: Path) -> None:
    addresses = urls(tmp_path / "elsewhere")
    for command in ("start_database", "stop_database"):
        found = manage(tmp_path, command, **addresses)
        assert (found.returncode, "is set, so there is no embedded database" in found.stderr) == (2, True)
    assert manage(tmp_path, "demo", "--reset", **addresses).returncode == 2


def test_a_started_database_prints_its_addresses_and_stops_on_demand(tmp_path: Path) -> None:
    found = manage(tmp_path, "start_database", "--detach")
    assert found.stdout.splitlines() == [f"{name}={url}" for name, url in urls(tmp_path).items()]
    assert json.loads(manage(tmp_path, "start_database", "--detach", "--json").stdout) == urls(tmp_path)
    assert state.answers(Layout.of(tmp_path))
    assert json.loads(manage(tmp_path, "stop_database", "--json").stdout) == {"stopped": True}
    assert not state.answers(Layout.of(tmp_path))


def test_worker_leaves_what_was_loaded_out_of_garbage_collection() -> None:
    try:
        serve.post_worker_init(None)
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()
