"""The first screen of a list in Chromium on loopback: until it is painted, and what is fetched for it, nothing cached.

Ours and stock by the same web server with the same files, named by their content and compressed, as production serves them.
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
SETTINGS = {"ours": "bench.settings", "stock": "bench.console.screen_settings"}
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
            session = session_of(_staff())
        ports = {arm: stack.enter_context(_served(arm, database, 8911 + n)) for n, arm in enumerate(SETTINGS)}
        chromium = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        stack.callback(chromium.close)
        found: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ports}
        for number in range(ROUNDS * LOADS):
            for arm in list(ports)[:: -1 if number % 2 else 1]:
                found[arm].append(_loaded(chromium, ports[arm], session))
    middle = {arm: {name: median(load[name] for load in loads) for name in loads[0]} for arm, loads in found.items()}
    for question, name, unit, each, aim in (
        ("first screen of the list of actions, in Chromium", "painted", "ms", 1, "at most 250 ms"),
        ("all that the list of actions fetches, compressed", "bytes", "KB", 1000, ""),
    ):
        yield Row(
            question=question,
            subject="nothing cached, on loopback",
            reference="stock ModelAdmin",
            unit=unit,
            ours=round(middle["ours"][name] / each, 1),
            theirs=round(middle["stock"][name] / each, 1),
            aim=aim,
        )


@contextmanager
def _served(arm: str, database: str, port: int) -> Iterator[int]:
    """Serve one of the consoles, its style sheets and scripts collected before."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": SETTINGS[arm],
        "BENCH_DATABASE": database,
        "BACKOFFICE_MODE": "demo",
        **server.environment(database),
    }
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, check=True, cwd=HERE, env=environment)  # noqa: S603  our own command
    command = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.serve", "--bind", f"127.0.0.1:{port}", "backoffice.wsgi:application"]  # fmt: skip
    with subprocess.Popen(command, cwd=HERE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # fmt: skip  # noqa: S603  as above
        try:
            if not wait_until_ready(process, port, f"/{settings.CONSOLE_PATH}login/"):
                raise RuntimeError(f"{arm} is not served.")
            yield port
        finally:
            process.terminate()


def _loaded(chromium: Browser, port: int, session: str) -> dict[str, Any]:
    """Load the list once in a browser that knows nothing of it."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    try:
        context.add_cookies([{"name": "sessionid", "value": session, "url": f"http://127.0.0.1:{port}/"}])
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/{settings.CONSOLE_PATH}ledger/action/", wait_until="load")
        if page.locator("#result_list tbody tr").count() == 0:
            raise RuntimeError(f"The list on port {port} shows nothing.")
        measured: dict[str, Any] = page.evaluate(PAINTED)
        return measured
    finally:
        context.close()
