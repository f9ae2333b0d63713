"""Peers from PyPI, in an environment of their own with the versions of `bench/requirements-peers.txt`.

What is measured with them runs in their Python, from this folder: `settings`, `fill`, and an arm for each.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import server
from bench.arms import HERE, Clients

REQUIREMENTS = HERE / "bench/requirements-peers.txt"
DATABASE = "peers"
SETTINGS = "bench.posting.peers.settings"


def python() -> Path:
    """Return the peers' Python; the environment is made when its requirements are new, and kept for the next run."""
    mark = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = Path(os.environ["BENCH_KEPT"]) / f"peers-{mark}"
    found = folder / "bin/python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)  # noqa: S603  our own command
        pip: list[str | Path] = [
            found,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            REQUIREMENTS,
        ]
        subprocess.run(pip, check=True)  # noqa: S603  our own command
        (folder / "complete").touch()
    return found


@contextmanager
def filled(accounts: int) -> Iterator[str]:
    """Make the peers' database with so many accounts each, for the block."""
    server.create(DATABASE)
    try:
        subprocess.run(  # noqa: S603  our own command
            [python(), "-m", "bench.posting.peers.fill", str(accounts)],
            check=True,
            cwd=HERE,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": SETTINGS, **server.environment(DATABASE)},
        )
        yield DATABASE
    finally:
        server.drop(DATABASE)


def clients(operation: str, number: int) -> Clients:
    """Return the arm of a peer's operation, such as `hordak_arm:transfer`."""
    return Clients(f"bench.posting.peers.{operation}", number, DATABASE, settings=SETTINGS, python=python())
