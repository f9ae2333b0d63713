"""Run a bench by its name (all without one), write `bench/results/NAME.json` and the table in docs/benches.md.

Each bench runs on an embedded server of its own, with fsync and synchronous_commit on, in a folder that it throws away.
"""

import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

NAMES = ("posting", "capture")


def main(wanted: list[str]) -> int:
    """Measure what is wanted; 2 for a name that there is not."""
    if unknown := set(wanted) - set(NAMES):
        sys.stderr.write(f"There is no bench {', '.join(unknown)}: choose from {', '.join(NAMES)}.\n")
        return 2
    data = Path(tempfile.mkdtemp(prefix="bench-", dir=_folder()))
    os.environ |= {"BACKOFFICE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    try:
        return _measure(wanted or list(NAMES), data)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _folder() -> Path:
    folder = Path(os.environ.get("BACKOFFICE_DATA") or ".data").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _measure(names: list[str], data: Path) -> int:
    import django  # noqa: PLC0415  the environment above decides the settings
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from backoffice import embedded  # noqa: PLC0415
    from bench import report  # noqa: PLC0415

    django.setup()
    with embedded.running(data):
        call_command("migrate", verbosity=0)
        for name in names:
            report.write(name, importlib.import_module(f"bench.{name}").rows())
        connections.close_all()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
