"""Serve the console with gunicorn: its configuration, and the child processes that `manage.py demo` runs.

    gunicorn --config python:backoffice.serve backoffice.wsgi:application

Invariants: the web server and what runs beside it get the runtime's URLs only, the relay of events its own too, none the
owner's; they do not outlive the process that started them; and while they use an embedded database they hold it, so that
the last of all to go stops that too.
"""

import ctypes
import gc
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from backoffice import embedded
from backoffice.databases import OWNER_URL_NAMES, RELAY_URL_NAMES

worker_class = "gthread"
workers = 2
threads = 4
graceful_timeout = 3  # seconds that a request under way is given when the server stops
loglevel = "warning"  # the site writes one line a request itself
control_socket_disable = True  # it would be made in the home folder
worker_tmp_dir = os.environ.get("BACKOFFICE_DATA") or None

NOT_FOR_THE_SITE = {*OWNER_URL_NAMES.values(), *RELAY_URL_NAMES.values()}
PARENT = "BACKOFFICE_PARENT"  # number of the process to end with
PR_SET_PDEATHSIG = 1  # linux/prctl.h
STOP_SECONDS = graceful_timeout + 3
READY_SECONDS = 45


def on_starting(server: object) -> None:
    """Tie the server to its parent; gunicorn calls this."""
    follow_parent()


def post_worker_init(worker: object) -> None:
    """Leave what was loaded at the start out of garbage collection: it stays, and each look through it holds a request up.

    gunicorn calls this in each worker, as soon as it has loaded the site.
    """
    gc.collect()
    gc.freeze()


def follow_parent() -> None:
    """Tie this process to its parent, where it was told one, and to the embedded database, if it uses that."""
    if parent := os.environ.get(PARENT):
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):  # it had gone before
            sys.exit(1)
    data = Path(os.environ.get("BACKOFFICE_DATA", ""))
    if os.environ.get("DATABASE_URL") == embedded.urls(data)["DATABASE_URL"]:
        embedded.hold_until_exit(data)


def port_problem(port: int) -> str:
    """Return why the port cannot be served on, as a sentence, or nothing."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            probe.bind(("127.0.0.1", port))
        except OverflowError:
            return f"{port} is not a port: choose one from 1024 to 65535."
        except PermissionError:
            return f"Port {port} is for root only: run `make demo PORT=8000`."
        except OSError:
            return f"Port {port} is in use: stop what listens there or run `make demo PORT={port + 1}`."
    return ""


def environment(data: Path, urls: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the web server: this process's, without the owner's URLs and the relay's."""
    left_out = NOT_FOR_THE_SITE | {f"{name}_FILE" for name in (*NOT_FOR_THE_SITE, *urls)}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, **urls, "BACKOFFICE_DATA": str(data), "BACKOFFICE_MODE": "demo", PARENT: str(os.getpid())}


@contextmanager
def web_server(port: int, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run gunicorn within the block, in a session of its own so that a terminal's Ctrl-C comes to us alone."""
    command = ["-m", "gunicorn", "--config", f"python:{__name__}", "--bind", f"127.0.0.1:{port}"]
    with child([*command, "backoffice.wsgi:application"], environment) as process:
        yield process


@contextmanager
def standing(environment: Mapping[str, str], *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one of the commands that stand beside the site within the block, as the web server is run."""
    with child(["manage.py", *command], environment) as process:
        yield process


@contextmanager
def child(command: Sequence[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Python command of ours within the block."""
    with embedded.put_off():
        process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, *command],
            cwd=Path(__file__).parents[1],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with embedded.put_off():
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first_to_end(*processes: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
    """Wait until one of the processes ends, and return it."""
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.2)


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int, path: str) -> bool:
    """Return whether the page answers, as soon as it does; False when the server ended or took too long."""
    until = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)  # no proxy, whatever is set
        try:
            connection.request("GET", path)
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        except ConnectionError:
            pass  # it does not listen yet
        finally:
            connection.close()
        time.sleep(0.1)
    return False
