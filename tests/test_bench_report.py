"""What a bench writes down: a whole run, or some rows in the places of the same ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import report
from bench.report import Row


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for results, a page beside it, and a run of a quiet day."""
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(report, "DOCS", tmp_path / "benches.md")
    at(monkeypatch, day="2026-01-01", load="0.1")
    return tmp_path / "results/posting.json"


def at(monkeypatch: pytest.MonkeyPatch, *, day: str, load: str) -> None:
    """Have a run happen on a day under a load."""
    run = {"machine": f"x86_64, load {load} at the start", "versions": {"Django": "5.2"}, "date": day}
    monkeypatch.setattr(report, "_run", run.copy)


def row(question: str, ours: float, reference: str = "COPY") -> Row:
    return Row(
        question=question, subject="ours", reference=reference, unit="1/s", ours=ours, theirs=10, aim="at least 1"
    )


def told(results: Path) -> list[tuple[Any, ...]]:
    rows = json.loads(results.read_text())["rows"]
    return [(one["question"], one["ratio"], one.get("date"), one.get("machine")) for one in rows]


def test_whole_run_takes_the_place_of_all_rows(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report.write("posting", [row("one", 1), row("gone", 2)])
    at(monkeypatch, day="2026-02-02", load="0.2")
    report.write("posting", [row("one", 3)])
    assert told(results) == [("one", 0.3, None, None)]
    assert json.loads(results.read_text())["date"] == "2026-02-02"


def test_rows_measured_alone_take_the_places_of_the_same_and_say_when(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.write("posting", [row("one", 1), row("one", 2, "hordak"), row("two", 3)])
    at(monkeypatch, day="2026-01-01", load="0.2")
    report.write("posting", [row("one", 4, "hordak"), row("new", 5)], only=True)
    load = "x86_64, load 0.2 at the start"
    assert told(results) == [
        ("one", 0.1, None, None),
        ("one", 0.4, None, load),
        ("two", 0.3, None, None),
        ("new", 0.5, None, load),
    ]
    assert json.loads(results.read_text())["date"] == "2026-01-01"
    page = report.DOCS.read_text()
    assert "2026-01-01, x86_64, load 0.1 at the start; Django 5.2.\n" in page
    assert f"- one, hordak: {load}\n- new, COPY: {load}\n" in page
    at(monkeypatch, day="2026-02-02", load="0.2")
    report.write("posting", [row("two", 6)], only=True)
    assert told(results)[2] == ("two", 0.6, "2026-02-02", load)
    assert told(results)[1] == ("one", 0.4, None, load)


def test_a_pattern_that_finds_nothing_writes_nothing(results: Path) -> None:
    report.write("posting", [], only=True)
    assert not results.exists()
    report.write("posting", [row("one", 1)], only=True)
    report.write("posting", [], only=True)
    assert told(results) == [("one", 0.1, None, None)]


def test_a_pattern_that_finds_every_row_is_a_whole_run(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report.write("posting", [row("one", 1)])
    at(monkeypatch, day="2026-02-02", load="0.2")
    report.write("posting", [row("one", 2)], only=True)
    assert told(results) == [("one", 0.2, None, None)]
    assert json.loads(results.read_text())["date"] == "2026-02-02"


@pytest.mark.parametrize(("only", "found"), [(True, [("one", 0.3), ("two", 0.2)]), (False, [("one", 0.1), ("two", 0.2)])])  # fmt: skip
def test_run_that_breaks_off_keeps_what_was_measured_alone(results: Path, only: bool, found: list[Any]) -> None:
    def breaking() -> Iterator[Row]:
        yield row("one", 3)
        raise RuntimeError("away")

    report.write("posting", [row("one", 1), row("two", 2)])
    with pytest.raises(RuntimeError, match="away"):
        report.write("posting", breaking(), only=only)
    assert [one[:2] for one in told(results)] == found
