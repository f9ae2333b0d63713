"""What is measured: arms that do one thing for a while, in turns, with the CPU of client and server beside the rate.

Within a question all arms take their rounds one after the other, and every other time in the opposite order, so that a
machine that grows slower or warmer does so for all of them. The figures are medians of the rounds.
"""

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol, Self

from django.conf import settings

from backoffice import embedded
from bench import server

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
WARM_UP = 0.5  # seconds; connects, prepares and plans
ENDED = 0.2  # seconds after which the server has noticed that a client left, and counted its process's time
HERE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measured:
    """A rate a second, and the CPU milliseconds a posting that clients and server took for it."""

    rate: float
    client: float
    server: float


class Arm(Protocol):
    """One of the things compared."""

    def run(self, seconds: float) -> Measured:
        """Do it for so long."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def measure(arms: Mapping[str, Arm]) -> dict[str, Measured]:
    """Measure all arms in interleaved rounds; return the medians of each."""
    rounds: dict[str, list[Measured]] = {name: [] for name in arms}
    with ExitStack() as stack:
        ready = {name: stack.enter_context(arm) for name, arm in arms.items()}
        for arm in ready.values():
            arm.run(WARM_UP)
        for number in range(ROUNDS):
            for name in list(ready)[:: -1 if number % 2 else 1]:
                rounds[name].append(ready[name].run(SECONDS))
    return {
        name: Measured(*(median(getattr(each, of) for each in found) for of in ("rate", "client", "server")))
        for name, found in rounds.items()
    }


@dataclass
class Clients:
    """Processes of Django that repeat one operation: see `bench.host`. `done` and `refused` count all rounds."""

    operation: str  # module:function, which returns the operation
    clients: int
    database: str
    settings: str = "bench.settings"
    python: Path = Path(sys.executable)
    arguments: dict[str, Any] = field(default_factory=dict)
    store: str = ""  # the database of events, if another than the site's
    done: int = 0
    refused: int = 0

    def __enter__(self) -> Self:
        asked = {"operation": self.operation, "arguments": self.arguments, "clients": self.clients}
        self._host = subprocess.Popen(  # noqa: S603  our own program
            [self.python, "-m", "bench.host", json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE,
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": self.settings,
                "BENCH_DATABASE": self.database,
                "BENCH_STORE": self.store,
                **server.environment(self.database),
            },
        )
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        self._host.communicate()

    def run(self, seconds: float) -> Measured:
        """Have every client repeat the operation for so long."""
        if self._host.stdin is None:
            raise RuntimeError("The clients have no standard input.")
        cpu = server.cpu_seconds()
        self._host.stdin.write(f"{seconds}\n")
        self._host.stdin.flush()
        found = json.loads(self._answer())
        cpu = server.cpu_seconds() - cpu
        done = sum(client["done"] for client in found)
        self.done += done
        self.refused += sum(client["refused"] for client in found)
        return _measured(
            sum(client["done"] / client["seconds"] for client in found),
            done,
            sum(client["cpu"] for client in found),
            cpu,
        )

    def _answer(self) -> str:
        line = self._host.stdout.readline() if self._host.stdout else ""
        if not line:
            raise RuntimeError(f"The clients of {self.operation} ended: see their traceback above.")
        return line


@dataclass
class Pgbench:
    """pgbench with a script, by the prepared protocol: what the machine does without Django, rules and record."""

    script: str
    clients: int
    database: str
    done: int = 0

    def __enter__(self) -> Self:
        self._file = settings.BACKOFFICE_DATA / "script.sql"
        return self

    def __exit__(self, *_: object) -> None:
        self._file.unlink(missing_ok=True)

    def run(self, seconds: float) -> Measured:
        """Have pgbench repeat the script for so long (whole seconds are all it knows)."""
        self._file.write_text(self.script)
        threads = min(self.clients, os.cpu_count() or 1)
        command: list[str | Path] = [embedded.program("pgbench"), "-n", "-M", "prepared", "-f", self._file]
        command += ["-c", str(self.clients), "-j", str(threads), "-T", str(max(1, round(seconds)))]
        used, cpu = _children(), server.cpu_seconds()
        said = subprocess.run(  # noqa: S603  the wheel's own program
            [*command, server.url(self.database)], check=True, capture_output=True, text=True
        ).stdout
        time.sleep(ENDED)
        used, cpu = _children() - used, server.cpu_seconds() - cpu
        rate = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        count = re.search(r"actually processed: (\d+)", said)
        if not rate or not count:
            raise RuntimeError(f"pgbench said no rate: {said}")
        self.done += int(count[1])
        return _measured(float(rate[1]), int(count[1]), used, cpu)


def _children() -> float:
    """Return the CPU time of the programs that this process has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measured(rate: float, done: int, client: float, served: float) -> Measured:
    each = 1000 / max(done, 1)
    return Measured(rate, client * each, served * each)
