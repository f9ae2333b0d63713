"""Whether the server of a data folder runs, and what it said last; this changes nothing."""

import os
import subprocess
from pathlib import Path

import psycopg

from backoffice.embedded.layout import SUPERUSER, Layout


def postmaster(layout: Layout) -> int | None:
    """Return the process number of the running server; a file that a crash left behind does not count."""
    try:
        number = int((layout.cluster / "postmaster.pid").read_text().split()[0])
        os.kill(number, 0)
    except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
        return None
    except PermissionError:  # it lives, and is another user's
        pass
    return number if _is_postmaster(number, layout) else None


def _is_postmaster(number: int, layout: Layout) -> bool:
    facts = Path("/proc") / str(number)
    if not facts.exists():  # macOS
        shown = subprocess.run(  # noqa: S603  fixed program, a number
            ["/bin/ps", "-p", str(number), "-o", "comm="], check=False, capture_output=True, text=True
        )
        return Path(shown.stdout.strip()).name == "postgres"
    try:
        return (facts / "cwd").readlink() == layout.cluster
    except PermissionError:  # root in a container without the right to trace
        return (facts / "comm").read_text().strip() == "postgres"
    except FileNotFoundError:  # it has just ended
        return False


def answers(layout: Layout) -> bool:
    """Return whether the server takes connections."""
    try:
        psycopg.connect(layout.url(SUPERUSER, "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def last_words(layout: Layout) -> str:
    """Return the line of the server's log that says why it stopped."""
    if not layout.log.exists():
        return "it wrote no log"
    lines = layout.log.read_text(errors="replace").splitlines()[-50:]
    fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return (fatal or lines or ["its log is empty"])[-1]
