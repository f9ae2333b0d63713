"""Run a bench by its name (all without one), write `bench/results/NAME.json` and the table in docs/benches.md.

`--only REGEX` (or BENCH_ONLY) measures the questions whose name it finds; their rows take the places of the same ones.
Each bench runs on an embedded server of its own, with fsync and synchronous_commit on, in a folder that it throws away.
"""

import argparse
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.embedded.signals import raise_exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.report import Row

NAMES = ("posting", "capture", "verify", "tenancy", "console")


def main(arguments: list[str]) -> int:
    """Measure what is wanted; 2 for a name that there is not."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all without one")
    parser.add_argument("--only", default=os.environ.get("BENCH_ONLY", ""), help="a pattern of questions to measure")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.names) - set(NAMES):
        sys.stderr.write(f"There is no bench {', '.join(unknown)}: choose from {', '.join(NAMES)}.\n")
        return 2
    folder = Path(os.environ.get("BACKOFFICE_DATA") or ".data").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, raise_exit)  # so that the server is stopped and the folder removed then too
    data = Path(tempfile.mkdtemp(prefix="bench-", dir=folder))
    os.environ |= {
        "BACKOFFICE_DATA": str(data),
        "BENCH_KEPT": str(folder / "bench"),  # what the next run can use again
        "DJANGO_SETTINGS_MODULE": "bench.settings",
    }
    try:
        return _measure(wanted.names or list(NAMES), data, re.compile(wanted.only))
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _measure(names: list[str], data: Path, only: re.Pattern[str]) -> int:
    import django  # noqa: PLC0415  the environment above decides the settings
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from backoffice import embedded  # noqa: PLC0415

    django.setup()
    from bench import report  # noqa: PLC0415  which looks at the settings

    with embedded.running(data):
        call_command("migrate", verbosity=0)
        for name in names:
            rows = importlib.import_module(f"bench.{name}").rows(only)
            report.write(name, _told(rows), only=bool(only.pattern))
        connections.close_all()
    return 0


def _told(rows: "Iterable[Row]") -> "Iterator[Row]":
    """Say each row as soon as it is measured, so that a run that is stopped has told what it knew."""
    from bench import report  # noqa: PLC0415  Django is ready only now

    for row in rows:
        print(report.line({**asdict(row), "ratio": row.ratio}), flush=True)
        yield row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
