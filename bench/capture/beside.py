"""The process that measures capture beside the packages, as the app role, each change in a transaction that commits.

`measure` prints JSON: for each deed the question, how many changes one makes, and for each model the median milliseconds,
the mean CPU milliseconds of this process and of its backend, and how many changes the last round recorded. `prepare` only
makes the tables. Models take their turns in every round, so that a machine that grows slower does so for all.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import django

SUBJECTS = ("Nobody", "Ours", "ByHand", "SimpleHistory", "Auditlog", "EasyAudit", "PgHistory")
ROUNDS = int(os.environ.get("BENCH_CHANGES", "21"))


class Took(NamedTuple):
    """Milliseconds of one change: on the clock, of this process's CPU, of its backend's."""

    ms: float
    client: float
    server: float


def main(what: str) -> None:
    """Make the tables; measure and print."""
    prepare()
    if what == "measure":
        from bench.capture import deeds  # noqa: PLC0415  Django is ready only now

        asked = {
            name: {
                "question": question,
                "changes": changes * (deeds.SAVES if name == "save" else 1),
                "found": measured(deed),
            }
            for name, (deed, question, changes) in deeds.QUESTIONS.items()
        }
        sys.stdout.write(json.dumps(asked))


def prepare() -> None:
    """Make the packages' tables and ours, and turn our capture on, as a migration would. May be done again."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from backoffice.databases import app_role, as_owner  # noqa: PLC0415

    call_command("migrate", database="default", run_syncdb=True, verbosity=0, stdout=sys.stderr)
    role = app_role("default")
    with as_owner("default"), connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT audit_capture('bench_ours', 'bench_historicalours', 'bench.ours', '{role}')")
        cursor.execute(f"GRANT INSERT ON bench_historicalbyhand TO {role}")
        # django-pghistory's triggers call functions that every role may call where nobody has forbidden that.
        cursor.execute("SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE '\\_pg%'")
        for (function,) in cursor.fetchall():
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC")
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'bench_pghistory'::regclass AND NOT tgisinternal"
        )
        if not cursor.fetchone()[0]:
            raise RuntimeError("django-pghistory has no triggers: it would be measured without recording.")


def measured(deed: Callable[[Any], list[Callable[[], object]]]) -> dict[str, dict[str, float]]:
    """Do it with every subject in turns."""
    from django.apps import apps  # noqa: PLC0415

    models = {name: apps.get_model("bench", name) for name in SUBJECTS}
    for model in models.values():
        for _ in range(2):
            act(deed(model))  # connect, plan, fill caches
    took: dict[str, list[Took]] = {name: [] for name in SUBJECTS}
    recorded: dict[str, int] = {}
    for number in range(ROUNDS):
        turn = SUBJECTS[number % len(SUBJECTS) :] + SUBJECTS[: number % len(SUBJECTS)]
        for name in turn:
            deeds = deed(models[name])
            before = records(name)
            took[name].append(act(deeds))
            recorded[name] = records(name) - before
    return {
        name: {
            "ms": round(median(each.ms for each in took[name]), 3),
            "client": round(mean(each.client for each in took[name]), 3),
            "server": round(mean(each.server for each in took[name]), 3),
            "recorded": recorded[name],
        }
        for name in SUBJECTS
    }


def act(deeds: list[Callable[[], object]]) -> Took:
    """Do what was prepared; return what one took."""
    of_server, of_client, started = backend_seconds(), time.process_time(), time.perf_counter()
    for deed in deeds:
        deed()
    ended, used = time.perf_counter(), time.process_time() - of_client
    each = 1_000 / len(deeds)
    return Took((ended - started) * each, used * each, (backend_seconds() - of_server) * each)


def backend_seconds() -> float:
    """Return the CPU time of the backend that serves this process: to the nanosecond on Linux, else to a tick of 10 ms."""
    import psutil  # noqa: PLC0415  the server is on this machine
    from django.db import connection  # noqa: PLC0415

    connection.ensure_connection()
    process = connection.connection.info.backend_pid
    precise = Path(f"/proc/{process}/schedstat")
    if precise.exists():
        return int(precise.read_text().split()[0]) / 1e9
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def records(name: str) -> int:
    """Return how many records there are of a subject; of ours, versions, each with its event in the outbox or to come."""
    from auditlog.models import LogEntry  # noqa: PLC0415
    from easyaudit.models import CRUDEvent  # noqa: PLC0415

    counters: dict[str, Callable[[], int]] = {
        "Nobody": lambda: 0,
        "Ours": lambda: _count("bench_historicalours"),
        "ByHand": lambda: _count("bench_historicalbyhand"),
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


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
