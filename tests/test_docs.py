"""What README and the docs point at is there: links and their headings, files, commands with their options, targets of make."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/adr").glob("*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"(?:[\w.-]+/)+[\w.-]+\.(?:py|sql|css|js|txt|md)|(?:[a-z]+/)+")
MADE_UP = "charge_fee"  # CONTRIBUTING's example


def headings(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them of its headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def code_of(page: Path) -> list[str]:
    """Return what a page shows as code: spans, and lines of blocks."""
    text, blocks = page.read_text(), []
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        blocks += block.splitlines()
    return [*re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)), *blocks]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_at_is_there(page: Path) -> None:
    missing = []
    for link in LINK.findall(page.read_text()):
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        if not place.startswith("http") and not (target.exists() and (not anchor or anchor in headings(target))):
            missing.append(link)
    if page.parent.name != "adr":  # a decision tells of its day
        tops = {path.name for path in ROOT.iterdir() if path.is_dir()}
        named = [code for code in code_of(page) if FILE.fullmatch(code) and code.partition("/")[0] in tops]
        missing += [code for code in named if MADE_UP not in code and not (ROOT / code).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_are_there_with_their_options(page: Path) -> None:
    wrong, ours = [], get_commands()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for code in code_of(page):
        wrong += [f"make {target}" for target in re.findall(r"^make ([a-z-]+)", code) if target not in targets]
        for name, rest in re.findall(r"manage\.py ([a-z_]+)([^#|;]*)", code):
            if name not in ours:
                wrong.append(name)
                continue
            app = ours[name]
            command = load_command_class(app, name) if isinstance(app, str) else app
            known = command.create_parser("manage.py", name)._option_string_actions
            wrong += [f"{name} {option}" for option in re.findall(r"--[a-z-]+", rest) if option not in known]
    assert wrong == []
