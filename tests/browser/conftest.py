"""A real demo and a real Chromium for the journeys. Without Chromium on the machine they are skipped; CI installs it.

`make screenshots` takes the pictures that README and the docs show.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import Settle
from tests.test_demo_command import demo, free_port

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Login = Callable[[str], Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the journeys out where there is no browser."""
    for item in items:
        if "tests/browser" in item.nodeid:
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"))


class Console(NamedTuple):
    """A demo that serves."""

    address: str
    password: str


@pytest.fixture(scope="package")
def console(tmp_path_factory: pytest.TempPathFactory, settle: Settle) -> Iterator[Console]:
    """A demo of its own, in its own data folder, for all journeys."""
    settle(data := tmp_path_factory.mktemp("demo") / "data")
    with demo(data, free_port(), customers=60, actions=1500) as process:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        yield Console(said["address"], said["logins"][0]["password"])


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all journeys; it ends with them, as its event loop would make Django refuse the next test."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def login(browser: Browser, console: Console) -> Iterator[Login]:
    """Log somebody in, in a browser profile of his own; whatever the page's console complains of fails the test."""
    contexts, complaints = [], []

    def enter(username: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(console.address)
        page.fill("#id_username", username)
        page.fill("#id_password", console.password)
        page.click("input[type=submit]")
        page.wait_for_selector("#user-tools")
        return page

    yield enter
    for context in contexts:
        context.close()
    assert complaints == []


class Picture(Protocol):
    """Takes a picture of what the page shows, in one of the two themes."""

    def __call__(self, page: Page, name: str, *, theme: str = "light") -> None: ...


@pytest.fixture
def picture() -> Picture:
    """Take pictures for the docs where BACKOFFICE_SCREENSHOTS names their folder, and else none."""
    folder = os.environ.get("BACKOFFICE_SCREENSHOTS")

    def take(page: Page, name: str, *, theme: str = "light") -> None:
        if folder:
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            page.wait_for_timeout(300)  # colours change in a while
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take
