"""docs/security.md has every point of the ASVS 5.0.0 up to level 2 once, and every test that it names exists."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
TEXT = (ROOT / "docs/security.md").read_text()
# How many points of each section are of level 1 or 2; those of level 3 come last in each.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4, "3.4": 6,
    "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12,
    "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2,
    "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1,
    "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip
POINTS = [f"{section}.{number}" for section, most in SECTIONS.items() for number in range(1, most + 1)]
ROW = re.compile(r"^\| (\d+\.\d+\.\d+)(?:\u2013(\d+\.\d+\.\d+))? \| ([^|]+) \|(?: ([^|]+) \|)?$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[^`]+)`")


def points(first: str, last: str) -> list[str]:
    """Return the points from one to another, by the order of the standard."""
    return POINTS[POINTS.index(first) : POINTS.index(last or first) + 1]


def test_every_point_of_levels_1_and_2_is_there_once() -> None:
    assert len(POINTS) == 253
    assert sorted(point for first, last, *_ in ROW.findall(TEXT) for point in points(first, last)) == sorted(POINTS)


def test_every_point_that_is_met_names_a_test() -> None:
    met = TEXT.partition("## Points that are met")[2].partition("\n## ")[0]
    assert [first for first, _, _, tests in ROW.findall(met) if not NAMED.search(tests)] == []


@pytest.mark.parametrize("named", sorted(set(NAMED.findall(TEXT))))
def test_test_that_is_named_exists(named: str) -> None:
    place, _, test = named.partition("::")
    assert (ROOT / place).exists()
    assert not test or re.search(rf"^def {test}\(", (ROOT / place).read_text(), re.MULTILINE)


def test_every_file_of_tests_of_security_is_named() -> None:
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests/security").glob("test_*.py")}
    assert {file for file in files if file not in TEXT} == set()


def test_every_link_within_the_documents_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)h][^)]*)\)", TEXT):
        file, _, heading = target.partition("#")
        text = (ROOT / "docs" / file).read_text() if file else TEXT
        headings = {re.sub(r"[^a-z0-9 -]", "", line.strip("# ").lower()).replace(" ", "-") for line in text.splitlines() if line.startswith("#")}  # fmt: skip
        assert not heading or heading in headings, target
