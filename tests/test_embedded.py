"""The embedded server: made, shared, stopped by the last one out, and brought back after every kind of accident."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from backoffice import embedded
from backoffice.embedded import bootstrap, state
from backoffice.embedded.layout import LONGEST_SOCKET, PORT, Layout

ROOT = Path(__file__).parents[1]
HOLD = """
import pathlib, sys
from backoffice import embedded
embedded.hold_until_exit(pathlib.Path(sys.argv[1]))
print("up", flush=True)
sys.stdin.read()
"""
Holding = Callable[[], AbstractContextManager["subprocess.Popen[str]"]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose server was made and stopped."""
    data = tmp_path_factory.mktemp("made") / "data"
    with embedded.running(data):
        pass
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of that folder, for one test; whatever is left running is stopped."""
    copy = tmp_path / "data"
    subprocess.run(["/bin/cp", "-a", made, copy], check=True)
    yield copy
    embedded.stop(copy)


@pytest.fixture
def holding(data: Path) -> Holding:
    """Start another process that uses the server until its input ends."""

    @contextmanager
    def start() -> Iterator["subprocess.Popen[str]"]:
        command = [sys.executable, "-c", HOLD, str(data)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "up\n"
            yield process

    return start


def is_up(data: Path) -> bool:
    return state.answers(Layout.of(data))


def test_urls_start_nothing_and_can_be_parsed(tmp_path: Path) -> None:
    found = embedded.urls(tmp_path / "a b&c")
    assert {
        name: (parts["user"], parts["dbname"]) for name, url in found.items() if (parts := conninfo_to_dict(url))
    } == {
        "DATABASE_URL": ("backoffice_app", "backoffice"),
        "SANDBOX_DATABASE_URL": ("backoffice_app", "backoffice_sandbox"),
        "AUDIT_DATABASE_URL": ("backoffice_app", "backoffice_audit"),
        "DATABASE_OWNER_URL": ("backoffice_owner", "backoffice"),
        "SANDBOX_DATABASE_OWNER_URL": ("backoffice_owner", "backoffice_sandbox"),
        "AUDIT_DATABASE_OWNER_URL": ("backoffice_owner", "backoffice_audit"),
        "DATABASE_RELAY_URL": ("backoffice_relay", "backoffice"),
        "SANDBOX_DATABASE_RELAY_URL": ("backoffice_relay", "backoffice_sandbox"),
        "AUDIT_DATABASE_RELAY_URL": ("backoffice_relay", "backoffice_audit"),
    }
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["x" * 120, "a,b"], ids=["long", "comma"])
def test_a_path_that_no_socket_or_url_can_have_moves_the_socket(folder: str, tmp_path: Path) -> None:
    sockets = Layout.of(tmp_path / folder).sockets
    assert sockets.parent == Path("/tmp")  # noqa: S108  the system's own, whatever TMPDIR says
    assert len(str(Layout.of(tmp_path / folder).socket)) < LONGEST_SOCKET
    assert sockets != Layout.of(tmp_path / "other").sockets


def test_a_server_with_its_socket_elsewhere_works_and_cleans_up(made: Path, tmp_path: Path) -> None:
    data = tmp_path / 'it\'s, a "path" of $HOME'
    subprocess.run(["/bin/cp", "-a", made, data], check=True)
    with embedded.running(data):
        assert is_up(data)
    assert not Layout.of(data).sockets.exists()


def test_a_new_server_has_restricted_roles_and_closed_databases(data: Path) -> None:
    with embedded.running(data), psycopg.connect(embedded.superuser_url(data)) as connection:
        roles = connection.execute(
            "SELECT rolname, rolcanlogin, rolinherit, rolsuper OR rolcreatedb OR rolcreaterole, rolbypassrls"
            " FROM pg_roles WHERE rolname LIKE 'backoffice%' ORDER BY rolname"
        ).fetchall()
        rights = connection.execute(
            "SELECT datname, pg_get_userbyid(datdba), has_database_privilege('backoffice_app', oid, 'TEMPORARY'),"
            " has_database_privilege('backoffice_app', oid, 'CONNECT') FROM pg_database"
            " WHERE datname LIKE 'backoffice%' ORDER BY datname"
        ).fetchall()
        public = connection.execute(
            "SELECT count(*) FROM pg_database WHERE datacl::text LIKE '%{=%' AND datname LIKE 'b%'"
        )
        assert public.fetchall() == [(0,)]
    assert roles == [
        ("backoffice_app", True, False, False, False),
        ("backoffice_owner", True, True, False, False),
        ("backoffice_relay", True, False, False, True),
    ]
    assert rights == [
        (name, "backoffice_owner", False, True) for name in ("backoffice", "backoffice_audit", "backoffice_sandbox")
    ]


def test_what_a_start_left_unmade_is_made_by_the_next(data: Path) -> None:
    (Layout.of(data).cluster / bootstrap.MARK).unlink()
    with embedded.running(data), psycopg.connect(embedded.superuser_url(data), autocommit=True) as connection:
        connection.execute("DROP DATABASE backoffice_audit")
        (Layout.of(data).cluster / bootstrap.MARK).unlink(missing_ok=True)
        with embedded.running(data), psycopg.connect(embedded.urls(data)["AUDIT_DATABASE_URL"]) as audit:
            assert audit.execute("SELECT 1").fetchone() == (1,)


def test_the_server_keeps_commits_and_listens_on_no_network(data: Path) -> None:
    with embedded.running(data), psycopg.connect(embedded.superuser_url(data)) as connection:
        names = ("fsync", "synchronous_commit", "listen_addresses", "TimeZone", "server_encoding")
        found = [connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
    assert found == [("on",), ("on",), ("",), ("UTC",), ("UTF8",)]


def test_the_last_process_out_stops_the_server(data: Path, holding: Holding) -> None:
    with ExitStack() as first:
        first.enter_context(holding())
        with holding():
            assert is_up(data)
        assert is_up(data)
    assert not is_up(data)


def test_a_process_ended_by_a_signal_stops_the_server(data: Path, holding: Holding) -> None:
    with holding() as process:
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM
        assert not is_up(data)


def test_a_killed_process_does_not_count_as_a_user(data: Path, holding: Holding) -> None:
    with holding() as process:
        process.kill()
        process.wait()
    assert is_up(data)
    with embedded.running(data):
        pass
    assert not is_up(data)


def test_a_detached_server_stays_until_it_is_stopped(data: Path) -> None:
    embedded.start_detached(data)
    with embedded.running(data):
        pass
    assert is_up(data)
    with pytest.raises(embedded.EmbeddedError, match=r"stop it first with `manage\.py stop_database`"):
        embedded.remove(data)
    assert embedded.stop(data)
    assert not is_up(data)


def test_a_server_in_use_is_neither_stopped_nor_removed(data: Path) -> None:
    with embedded.running(data):
        assert not embedded.stop(data)
        with pytest.raises(embedded.EmbeddedError, match="A process uses the database"):
            embedded.remove(data)
        assert is_up(data)
    embedded.remove(data)
    assert not Layout.of(data).home.exists()


def test_a_killed_server_recovers_with_its_commits(data: Path) -> None:
    with embedded.running(data), psycopg.connect(embedded.superuser_url(data), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS x")
        number = state.postmaster(Layout.of(data))
        assert number
        os.kill(number, signal.SIGKILL)
        with embedded.running(data), psycopg.connect(embedded.superuser_url(data)) as again:
            assert again.execute("SELECT x FROM kept").fetchone() == (1,)


def test_a_crashed_servers_number_may_be_another_process_by_now(data: Path) -> None:
    (Layout.of(data).cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{Layout.of(data).cluster}\n0\n{PORT}\n")
    assert state.postmaster(Layout.of(data)) is None
    with embedded.running(data):
        assert is_up(data)


def test_a_first_start_that_was_killed_recovers_by_itself(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(data)], cwd=ROOT, stdin=subprocess.PIPE) as process:
        while not list(data.glob("postgres/cluster.new-*/PG_VERSION")):
            time.sleep(0.01)
        process.kill()
    with embedded.running(data):
        assert is_up(data)
    assert [path.name for path in Layout.of(data).home.glob("cluster*")] == ["cluster"]


def test_another_major_version_is_named(data: Path) -> None:
    (Layout.of(data).cluster / "PG_VERSION").write_text("16\n")
    with (
        pytest.raises(embedded.EmbeddedError, match="was made by PostgreSQL 16 and this is 18"),
        embedded.running(data),
    ):
        pass


def test_a_server_that_does_not_start_says_why(data: Path) -> None:
    with (Layout.of(data).cluster / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = many\n")
    with (
        pytest.raises(embedded.EmbeddedError, match=r"FATAL:.*configuration file.*server\.log"),
        embedded.running(data),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(embedded.EmbeddedError, match=r"Cannot write to .*file.*BACKOFFICE_DATA"),
        embedded.running(tmp_path / "file"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_root_opens_the_way_to_the_server_and_nothing_else(made: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir(mode=0o700)
    subprocess.run(["/bin/cp", "-a", made, above / "data"], check=True)
    with embedded.running(above / "data"):
        assert above.stat().st_mode & 0o777 == 0o701
        assert Layout.of(above / "data").sockets.stat().st_mode & 0o777 == 0o700
    mine = [path.name for path in (above / "data").iterdir() if path.stat().st_uid == 0]
    assert sorted(mine) == ["postgres.change", "postgres.users"]
