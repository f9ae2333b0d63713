"""The same model recorded by nobody, by us, by hand, and by four packages from PyPI: time, CPU, and how much was recorded.

The packages are in requirements-bench.txt, which `make bench` installs. They need Django settings of their own, so that all
is measured in a process of its own: see `bench.capture.beside`.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.report import Row

SETTINGS = "bench.capture_settings"
PACKAGES = {
    "SimpleHistory": "django-simple-history",
    "Auditlog": "django-auditlog",
    "EasyAudit": "django-easy-audit",
    "PgHistory": "django-pghistory",
}
BY_HAND = "the same, then INSERT INTO its history SELECT by hand (limit)"
NOTE = "no trigger, no comparison of old and new, no event: what the rows of history alone cost with their two indexes"
AIMS = {"save": "at most 1.4", "update": "at most 2", "bulk_create": "at most 1.3"}


def rows() -> Iterator[Row]:
    """Measure in a process of its own and compare."""
    if missing := [name for name in ("auditlog", "easyaudit", "pghistory") if importlib.util.find_spec(name) is None]:
        raise ModuleNotFoundError(
            f"{', '.join(missing)}: install them with `.venv/bin/python -m pip install -r requirements-bench.txt`."
        )
    for deed, asked in json.loads(beside("measure")).items():
        yield from _rows(deed, **asked)


def beside(what: str) -> str:
    """Run `bench.capture.beside` with the settings that know the packages; return what it prints."""
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "bench.capture.beside", what],
        check=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS},
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ).stdout


def _rows(deed: str, *, question: str, changes: int, found: dict[str, Any]) -> Iterator[Row]:
    """Compare ours with no capture, by the aim; then with what others record."""

    def recorded(name: str) -> str:
        return f"{found[name]['recorded']:,} of {changes:,} recorded"

    others = {"Nobody": "no capture", "ByHand": f"{BY_HAND}, {recorded('ByHand')}"}
    others |= {name: f"{package} {version(package)}, {recorded(name)}" for name, package in PACKAGES.items()}
    if found["Ours"]["recorded"] != changes:
        raise RuntimeError(f"{question}: {recorded('Ours')} by our triggers.")
    for name, reference in others.items():
        yield Row(
            question=question,
            subject=f"capture by trigger, {recorded('Ours')}",
            reference=reference,
            unit="ms",
            ours=found["Ours"]["ms"],
            theirs=found[name]["ms"],
            aim={"Nobody": AIMS[deed], "ByHand": ""}.get(name, "all recorded"),
            note=NOTE if name == "ByHand" else "",
            ours_client_cpu=found["Ours"]["client"],
            ours_server_cpu=found["Ours"]["server"],
            theirs_client_cpu=found[name]["client"],
            theirs_server_cpu=found[name]["server"],
        )
