"""Make, start and stop the server of one data folder.

Callers hold the folder's change lock. A first start that was interrupted leaves only a staging folder behind, which
the next one removes; the cluster appears in its place by one rename, when it is whole.
"""

import shlex
import shutil
import tempfile
import time
from pathlib import Path

from backoffice.embedded.account import Account, server_account
from backoffice.embedded.errors import EmbeddedError
from backoffice.embedded.layout import PORT, SUPERUSER, Layout
from backoffice.embedded.programs import MAJOR, run
from backoffice.embedded.signals import put_off
from backoffice.embedded.state import answers, last_words, postmaster

STAGING = "cluster.new-"
START_SECONDS = 120  # a recovery after a crash may take its time
STOP_SECONDS = 15
START_ATTEMPTS = 10
LEAVING = "pre-existing shared memory block"  # a killed server's children have not all gone yet
LOG_LIMIT = 5_000_000  # bytes; a longer log is put aside at the next start
INITDB = ("--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-instructions",
          "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # fmt: skip
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def make(layout: Layout, account: Account, lock: int) -> None:
    """Make the cluster where there is none; a killed process's initdb keeps `lock` until it is done."""
    account.own(layout.home)
    account.let_through(layout.home)
    for left in layout.home.glob(f"{STAGING}*"):
        shutil.rmtree(left)
    if layout.cluster.exists():
        return _check_version(layout)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=layout.home))
    account.own(staging)
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    run(
        "initdb",
        "--pgdata",
        staging.name,
        *INITDB,
        *settings,
        layout=layout,
        account=account,
        keep=lock,
    )
    staging.rename(layout.cluster)
    return None


def _check_version(layout: Layout) -> None:
    mark = layout.cluster / "PG_VERSION"
    version = mark.read_text().strip() if mark.exists() else "an unknown version"
    if version != str(MAJOR):
        raise EmbeddedError(
            f"{layout.cluster} was made by PostgreSQL {version} and this is {MAJOR}: "
            "set BACKOFFICE_DATA to another folder, or remove this one if its data is not needed."
        )


def start(layout: Layout, account: Account) -> None:
    """Start the server, unless it runs, and wait until it takes connections."""
    if answers(layout):
        return
    if postmaster(layout) is not None:
        _wait(layout)
        return
    account.own(layout.sockets)
    account.let_through(layout.sockets)
    # A crash's files: PostgreSQL would refuse to start if any process, a dead one not yet reaped too, has their number.
    for left in (
        layout.cluster / "postmaster.pid",
        layout.socket,
        layout.socket.with_name(f"{layout.socket.name}.lock"),
    ):
        left.unlink(missing_ok=True)
    if layout.log.exists() and layout.log.stat().st_size > LOG_LIMIT:
        layout.log.replace(layout.log.with_suffix(".log.1"))
    for attempts_left in reversed(range(START_ATTEMPTS)):
        try:
            with put_off():
                _pg_ctl_start(layout, account)
        except EmbeddedError:
            if LEAVING not in last_words(layout) or not attempts_left:
                sentence = f"PostgreSQL does not start: {last_words(layout)} (the whole log is {layout.log})"
                raise EmbeddedError(sentence) from None
            time.sleep(0.5)
        else:
            return


def _pg_ctl_start(layout: Layout, account: Account) -> None:
    folder = '"{}"'.format(str(layout.sockets).replace('"', '""'))  # one item of a list, whatever is in it
    options = f"-p {PORT} -c unix_socket_directories={shlex.quote(folder)}"
    arguments = (
        "-w",
        "-t",
        str(START_SECONDS),
        "-D",
        layout.cluster.name,
        "-l",
        layout.log.name,
        "-o",
        options,
    )
    run("pg_ctl", "start", *arguments, layout=layout, account=account)


def stop(layout: Layout) -> None:
    """Stop the server, if it runs, and its sessions with it."""
    if postmaster(layout) is None:
        return
    account = server_account(layout)
    command = ("stop", "-w", "-t", str(STOP_SECONDS), "-D", layout.cluster.name, "-m")
    with put_off():
        try:
            run("pg_ctl", *command, "fast", layout=layout, account=account)
        except EmbeddedError:  # a session that does not let go; the next start recovers
            run("pg_ctl", *command, "immediate", layout=layout, account=account)
    if layout.sockets.parent != layout.data:
        shutil.rmtree(layout.sockets)


def _wait(layout: Layout) -> None:
    """Wait for a server that another process has started, and that still recovers."""
    until = time.monotonic() + START_SECONDS
    while not answers(layout):
        if time.monotonic() > until or postmaster(layout) is None:
            raise EmbeddedError(f"PostgreSQL does not answer: {last_words(layout)} (the whole log is {layout.log})")
        time.sleep(0.1)
