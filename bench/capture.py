"""What it costs to record every change, beside the same model recorded by nobody and by four packages from PyPI.

The packages are in requirements-bench.txt, which `make bench` installs. They need Django settings of their own, so that all
is measured in a process of its own, as the app role, on the bench's server, each change in a transaction that commits. Beside the time stands how many of the changes each has recorded.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib.metadata import version
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from bench.report import Row

ROUNDS, SAVES, ROWS = 9, 30, 1_000
PACKAGES = {
    "SimpleHistory": "django-simple-history",
    "Auditlog": "django-auditlog",
    "EasyAudit": "django-easy-audit",
    "PgHistory": "django-pghistory",
}
SUBJECTS = ("Nobody", "Ours", *PACKAGES)
AIMS = {
    "single save": "at most 1.4",
    f"update of {ROWS:,} rows": "at most 2",
    f"bulk_create of {ROWS:,} rows": "at most 1.3",
}
_numbers = count(1)
Deed = Callable[[Any], list[Callable[[], object]]]


def rows() -> Iterator[Row]:
    """Measure in a process of its own and compare."""
    if missing := [name for name in ("auditlog", "easyaudit", "pghistory") if importlib.util.find_spec(name) is None]:
        sentence = (
            f"{', '.join(missing)}: install them with `.venv/bin/python -m pip install -r requirements-bench.txt`."
        )
        raise ModuleNotFoundError(sentence)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bench.capture_settings"}
    said = subprocess.run(
        [sys.executable, "-m", "bench.capture"], check=True, env=environment, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parent.parent,
    ).stdout  # fmt: skip
    for question, found in json.loads(said).items():
        asked = SAVES if question == "single save" else ROWS
        ours = found["Ours"]
        subject = f"capture by trigger, {ours['recorded']:,} of {asked:,} recorded"
        yield Row(question, subject, "no capture", "ms", ours["ms"], found["Nobody"]["ms"], AIMS[question])
        for name, package in PACKAGES.items():
            theirs = found[name]
            reference = f"{package} {version(package)}, {theirs['recorded']:,} of {asked:,} recorded"
            yield Row(question, subject, reference, "ms", ours["ms"], theirs["ms"], "all recorded")


def main() -> None:
    """Measure all subjects in turns and print milliseconds and recorded changes as JSON."""
    import django  # noqa: PLC0415  the environment decides the settings

    django.setup()
    prepare()
    found = {question: measured(deed) for question, deed in zip(AIMS, (single_save, update, bulk_create), strict=True)}
    sys.stdout.write(json.dumps(found))


def prepare() -> None:
    """Make the packages' tables and ours, and turn our capture on, as a migration would."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from backoffice.databases import app_role, as_owner  # noqa: PLC0415

    call_command("migrate", database="default", run_syncdb=True, verbosity=0, stdout=sys.stderr)
    with as_owner("default"), connections["default"].cursor() as cursor:
        cursor.execute(
            f"SELECT audit_capture('bench_ours', 'bench_historicalours', 'bench.ours', '{app_role('default')}')"
        )
        # django-pghistory's triggers call functions that every role may call where nobody has forbidden that.
        cursor.execute("SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE '\\_pg%'")
        for (function,) in cursor.fetchall():
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC")
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'bench_pghistory'::regclass AND NOT tgisinternal"
        )
        if not cursor.fetchone()[0]:
            raise RuntimeError("django-pghistory has no triggers: it would be measured without recording.")


def measured(deed: Deed) -> dict[str, dict[str, float]]:
    """Do it with every subject in turns; return the median milliseconds and what the last round recorded."""
    from django.apps import apps  # noqa: PLC0415

    models = {name: apps.get_model("bench", name) for name in SUBJECTS}
    for model in models.values():
        act(deed(model))  # connect, plan, fill caches
    times: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    recorded: dict[str, int] = {}
    for number in range(ROUNDS):
        turn = SUBJECTS[number % len(SUBJECTS) :] + SUBJECTS[: number % len(SUBJECTS)]
        for name in turn:
            deeds = deed(models[name])
            before = records(name)
            times[name].append(act(deeds))
            recorded[name] = records(name) - before
    return {name: {"ms": round(median(times[name]), 3), "recorded": recorded[name]} for name in SUBJECTS}


def records(name: str) -> int:
    """Return how many records there are of a subject; of ours, versions, each with its event in the outbox or to come."""
    from auditlog.models import LogEntry  # noqa: PLC0415
    from easyaudit.models import CRUDEvent  # noqa: PLC0415

    counters: dict[str, Callable[[], int]] = {
        "Nobody": lambda: 0,
        "Ours": lambda: _count("bench_historicalours"),
        "SimpleHistory": lambda: _count("bench_historicalsimplehistory"),
        "Auditlog": lambda: LogEntry.objects.filter(content_type__model="auditlog").count(),
        "EasyAudit": lambda: CRUDEvent.objects.filter(content_type__model="easyaudit").count(),
        "PgHistory": lambda: _count("bench_pghistoryevent"),
    }
    return counters[name]()


def _count(table: str) -> int:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  a table of the bench
        return int(cursor.fetchone()[0])


def things(model: Any, number: int) -> list[Any]:
    """Return unsaved things."""
    from django.utils import timezone  # noqa: PLC0415

    now = timezone.now()
    return [
        model(name=f"Thing {n}", code=f"T{n}", amount=Decimal(n), count=n, note="A note of usual length", created=now)
        for n in range(number)
    ]


def act(deeds: list[Callable[[], object]]) -> float:
    """Do what was prepared; return the milliseconds of one."""
    started = time.perf_counter()
    for deed in deeds:
        deed()
    return (time.perf_counter() - started) * 1_000 / len(deeds)


def single_save(model: Any) -> list[Callable[[], object]]:
    """Things that were changed, to be saved one after the other."""
    saved = model.objects.bulk_create(things(model, SAVES))
    for thing in saved:
        thing.note = f"Changed {next(_numbers)}"
    return [thing.save for thing in saved]


def update(model: Any) -> list[Callable[[], object]]:
    """A thousand things, to be changed by one statement."""
    made = [thing.pk for thing in model.objects.bulk_create(things(model, ROWS))]
    rows = model.objects.filter(pk__gte=made[0], pk__lte=made[-1])
    return [lambda: rows.update(note=f"Changed {next(_numbers)}")]


def bulk_create(model: Any) -> list[Callable[[], object]]:
    """A thousand things, to be made by one statement."""
    made = things(model, ROWS)
    return [lambda: model.objects.bulk_create(made)]


if __name__ == "__main__":
    main()
