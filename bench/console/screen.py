"""The first screen of a list in Chromium on loopback: until it is painted, and what is fetched for it, nothing cached.

Ours and stock by the same web server with the same files, named by their content and compressed, as production serves them.
Beside them a page of one word and one rule, which shows what the browser and the machine take for any page. Each is opened
by a context of its own, in a tab that stands on a page of that server, as it does for who has just logged in: what starts a
window and its process is not counted. The first round is not either, in which servers and browser do all for the first time.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from django.conf import settings
from playwright.sync_api import Browser, sync_playwright

from backoffice.serve import wait_until_ready
from bench import server
from bench.arms import HERE, ROUNDS
from bench.console.pages import filled
from bench.console.reader import _staff, session_of
from bench.report import Row

ACTIONS = 10_000
LOADS = 5  # a round
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STANDS = 0.5  # seconds that a new window is given
BARE = "<!DOCTYPE html><html lang=en><title>Bare</title>{}<p>Painted</p></html>"
PAGES = {"start.html": BARE.format(""), "bare.html": BARE.format('<link rel="stylesheet" href="bare.css">'), "bare.css": "p { margin: 0 }"}  # fmt: skip
SETTINGS = {"ours": "bench.settings", "stock": "bench.console.screen_settings"}
BACKENDS = {"stock": "django.contrib.auth.backends.ModelBackend"}  # who is let in by another is nobody
REFERENCES = {"stock": "stock ModelAdmin", "bare": "a page of one word and one rule (limit)"}
LIST = f"{settings.CONSOLE_PATH}ledger/action/"
# A page that nothing holds up is loaded before it is painted.
PAINTED = """async () => {
    const paint = await new Promise((told) => new PerformanceObserver((seen) => {
        seen.getEntriesByName("first-contentful-paint").forEach(told);
    }).observe({ type: "paint", buffered: true }));
    const fetched = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return { painted: paint.startTime, bytes: fetched.reduce((sum, one) => sum + one.encodedBodySize, 0) };
}"""


def rows() -> Iterator[Row]:
    """Load the list of actions in both, in turns."""
    if CHROMIUM is None:
        raise RuntimeError("This needs Chromium: apt-get install chromium.")
    with ExitStack() as stack:
        database = stack.enter_context(filled("console_screen", ACTIONS))
        with server.working_in(database):
            sessions = {arm: session_of(_staff(), BACKENDS.get(arm, "")) for arm in SETTINGS}
        ports = {arm: stack.enter_context(_served(arm, database, 8911 + n)) for n, arm in enumerate(SETTINGS)}
        chromium = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        stack.callback(chromium.close)
        pages = {arm: f"http://127.0.0.1:{port}/{LIST}" for arm, port in ports.items()}
        pages["bare"] = f"http://127.0.0.1:{ports['ours']}/{settings.STATIC_URL.strip('/')}/bare.html"
        found: dict[str, list[dict[str, Any]]] = {arm: [] for arm in pages}
        for number in range((ROUNDS + 1) * LOADS):
            for arm in list(pages)[:: -1 if number % 2 else 1]:
                found[arm].append(_loaded(chromium, pages[arm], sessions.get(arm, sessions["ours"])))
    middle = {arm: {name: median(load[name] for load in loads[LOADS:]) for name in loads[0]} for arm, loads in found.items()}  # fmt: skip
    for question, name, unit, each, arm, aim in (
        ("first screen of the list of actions, in Chromium", "painted", "ms", 1, "stock", "at most 250 ms"),
        ("first screen of the list of actions, in Chromium", "painted", "ms", 1, "bare", ""),
        ("all that the list of actions fetches, compressed", "bytes", "KB", 1000, "stock", ""),
    ):
        yield Row(
            question=question,
            subject="nothing cached, on loopback",
            reference=REFERENCES[arm],
            unit=unit,
            ours=round(middle["ours"][name] / each, 1),
            theirs=round(middle[arm][name] / each, 1),
            aim=aim,
        )


@contextmanager
def _served(arm: str, database: str, port: int) -> Iterator[int]:
    """Serve one of the consoles, its style sheets and scripts collected before, and the bare pages beside them."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": SETTINGS[arm],
        "BENCH_DATABASE": database,
        "BACKOFFICE_MODE": "demo",
        **server.environment(database),
    }
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, check=True, cwd=HERE, env=environment)  # noqa: S603  our own command
    for name, text in PAGES.items():
        (settings.STATIC_ROOT / name).write_text(text)
    command = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.serve", "--bind", f"127.0.0.1:{port}", "backoffice.wsgi:application"]  # fmt: skip
    with subprocess.Popen(command, cwd=HERE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # fmt: skip  # noqa: S603  as above
        try:
            if not wait_until_ready(process, port, f"/{settings.CONSOLE_PATH}login/"):
                raise RuntimeError(f"{arm} is not served.")
            yield port
        finally:
            process.terminate()


def _loaded(chromium: Browser, address: str, session: str) -> dict[str, Any]:
    """Load a page once in a browser that knows nothing of it."""
    site = address[: address.index("/", len("http://"))]
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    try:
        context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
        page = context.new_page()
        page.goto(f"{site}/{settings.STATIC_URL.strip('/')}/start.html", wait_until="load")
        page.wait_for_timeout(STANDS * 1000)
        page.goto(address, wait_until="load")
        if address.endswith(LIST) and page.locator("#result_list tbody tr").count() == 0:
            raise RuntimeError(f"{address} shows nothing.")
        measured: dict[str, Any] = page.evaluate(PAINTED)
        return measured
    finally:
        context.close()
