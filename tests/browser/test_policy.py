"""No page breaks the content security policy, the accessibility guidelines or the window, in light or dark.

Every address, every form and widget, in a real browser. The pages are walked once for all three, by the site's own URLs; one
that a walk cannot open by GET is in the journeys below.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin

import pytest
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize, expect

from tests.browser import axe
from tests.browser.conftest import Console
from tests.browser.test_support_agent import confirm, open_first_account, preview, preview_freezing

WATCH = """
document.addEventListener('securitypolicyviolation', (event) => {
    violated(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile} ${event.sample}`);
});
"""
TOO_WIDE = """
() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return "";
    const wide = [...document.querySelectorAll("main *, header *")].filter((it) => it.getBoundingClientRect().right > room + 1);
    return wide.map((it) => `${it.tagName} ${it.id} ${it.className}`).slice(-3).join("; ") || "the page";
}
"""
# Of what kinds of elements a page is made: one of the same kinds as another breaks no other guideline than that.
MADE_OF = """
() => [...new Set([...document.querySelectorAll("*")].map((it) =>
    [it.tagName, ...it.getAttributeNames().filter((name) => !["href", "id", "value"].includes(name)), it.getAttribute("class"),
     it.type, it.getAttribute("role"), it.parentElement?.tagName].join(" ")))].sort().join()
"""
WIDTHS: dict[str, ViewportSize] = {"a desk": {"width": 1280, "height": 800}, "a phone": {"width": 390, "height": 844}}
DOWNLOAD = re.compile(r"(csv|xlsx|json|refused)/$")
NO_PAGE = re.compile(
    r"logout/$|jsi18n/$|autocomplete/$|suggestions/$|progress/$|mentions/$|/views/|/r/|searches/|\(\?P<url>"
)  # what answers with no page of its own
EMPTY = {
    "audit/deadletter",
    "audit/verification",
    "bulk/run",
    "imports/import",
    "audit/alert",
    "ledger/approval",
    "backoffice/grantrequest",
    "axes/accessfailurelog",
    "login/lockout",
}  # may have no row
Visit = Callable[[str], Page]


def routes(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """Give the route of every page of the site."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).strip("^$")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


ROUTES = sorted(set(routes(get_resolver())))
PAGES = [route for route in ROUTES if not DOWNLOAD.search(route) and not NO_PAGE.search(route)]


class Watched:
    """A browser whose violations of the policy are kept, and what is wrong with the pages that it looked at."""

    def __init__(self, browser: Browser, console: Console) -> None:
        self.console = console
        self.violations: list[str] = []
        self.faults: list[str] = []
        self.noted: set[str] = set()
        self.made_of: set[str] = set()
        self.context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        self.context.set_default_timeout(10_000)
        self.context.expose_function("violated", self.violated)
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.page.on(
            "console", lambda said: self.violations.append(said.text) if self.about_policy(said.text) else None
        )

    def violated(self, said: str) -> None:  # playwright takes no builtin such as list.append
        self.violations.append(said)

    @staticmethod
    def about_policy(text: str) -> bool:
        return "Content Security Policy" in text or "Permissions-Policy" in text or "Unrecognized feature" in text

    def login(self, username: str) -> Page:
        self.page.goto(self.console.address)
        self.page.fill("#id_username", username)
        self.page.fill("#id_password", self.console.password)
        self.page.click("input[type=submit]")
        self.page.wait_for_selector("#user-tools")
        return self.page

    def visit(self, path: str) -> str:
        """Look at a page, loaded in the dark and turned to the light, note its faults and return its policy."""
        self.page.emulate_media(color_scheme="dark")
        answer = self.page.goto(urljoin(self.console.address, path))
        self.page.emulate_media(color_scheme="light")
        self.page.evaluate("() => new Promise(requestAnimationFrame)")
        kind = answer.headers.get("content-type", "") if answer else ""
        page = answer and kind.startswith("text/html") and answer.status != HTTPStatus.METHOD_NOT_ALLOWED  # has none
        if page and self.page.url not in self.noted:  # many addresses lead to a page that was seen before
            self.noted.add(self.page.url)
            self.note(path)
        return answer.headers.get("content-security-policy", "") if answer else ""

    def note(self, what: str) -> None:
        """Keep what is wrong with the page as it stands."""
        made_of = self.page.evaluate(MADE_OF)
        if made_of not in self.made_of:
            self.made_of.add(made_of)
            # All of it: what a bar at the window's end lies over would count as crowded by its buttons.
            height = self.page.evaluate("() => document.documentElement.scrollHeight")
            self.page.set_viewport_size({"width": WIDTHS["a desk"]["width"], "height": height})
            self.faults += [f"{what}: {fault}" for fault in axe.faults(self.page)]
        for device, size in WIDTHS.items():
            self.page.set_viewport_size(size)
            if wide := self.page.evaluate(TOO_WIDE):
                self.faults.append(f"{what}: wider than {device}: {wide}")
        self.page.set_viewport_size(WIDTHS["a desk"])


@pytest.fixture
def watched(browser: Browser, console: Console) -> Iterator[Watched]:
    """A browser of its own; whatever breaks the policy, and every fault of a page that it looked at, fails the test."""
    watched = Watched(browser, console)
    yield watched
    watched.context.close()
    assert (watched.violations, watched.faults) == ([], [])


def first_ids(watched: Watched) -> dict[str, str]:
    """Return an id of each model, read from the first row of its list."""
    found = {}
    for route in PAGES:
        model = route.removesuffix("/<path:object_id>/change/")
        if model != route:
            html = watched.context.request.get(urljoin(watched.console.address, f"{model}/")).text()
            ids = re.findall(rf'href="{model}/([^/"]+)/(?:change|history)/', html)
            found[model] = ids[0] if ids else ""
    return found


def test_what_looks_for_faults_is_the_file_of_npm() -> None:
    assert hashlib.sha512(axe.FILE.read_bytes()).hexdigest() == axe.SHA512


def test_probe_sees_an_inline_style_script_and_eval(browser: Browser, console: Console) -> None:
    watched = Watched(browser, console)
    watched.visit("/console/login/")
    assert watched.violations == []
    for broken in (
        "document.body.setAttribute('style', 'color: red')",
        "document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))",
        "document.body.insertAdjacentHTML('beforeend', '<a onclick=\"1\">x</a>')",
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://evil.example/x'}))",
        "document.head.append(Object.assign(document.createElement('base'), {href: 'https://evil.example/'}))",
        "document.body.append(Object.assign(document.createElement('iframe'), {src: '/console/login/'}))",
    ):
        before = len(watched.violations)
        watched.page.evaluate(f"() => {{ {broken} }}")
        watched.page.wait_for_timeout(100)
        assert len(watched.violations) > before, broken
    watched.context.close()


@pytest.mark.parametrize("site", ["/console/sandbox/", "/console/"])
def test_no_page_of_the_site_breaks_the_policy(watched: Watched, site: str) -> None:
    pages = [page for page in PAGES if page.startswith(site) and ("sandbox" in site or "sandbox" not in page)]
    if "sandbox" in site:  # where the pages are the console's: its banner, and an account's own
        pages = [page for page in pages if page.endswith("account/<path:object_id>/change/") or page.count("/") < 5]
    watched.login("admin")
    ids = first_ids(watched)
    assert {model.partition("console/")[2] for model, key in ids.items() if not key and "sandbox" not in model} <= EMPTY
    without = []
    for page in pages:
        model = next((model for model in ids if page.startswith(f"{model}/<")), "")
        path = re.sub(r"\(\?P<app_label>[^)]+\)", "ledger", re.sub(r"<[^>]+>", ids.get(model) or "1", page))
        if "default-src 'none'" not in watched.visit(path):
            without.append(path)
        assert watched.violations == [], path
    assert (without, len(pages) > (4 if "sandbox" in site else 50)) == ([], True)


def test_every_address_is_walked_or_known_to_be_no_page() -> None:
    left_out = {route for route in ROUTES if route not in PAGES}
    assert all(DOWNLOAD.search(route) or NO_PAGE.search(route) for route in left_out)
    assert len(PAGES) > 100


def test_downloads_bear_the_policy_and_open_in_no_page(watched: Watched) -> None:
    watched.login("admin")
    ids = first_ids(watched)
    for route in ROUTES:
        if DOWNLOAD.search(route):
            model = next((model for model in ids if route.startswith(f"{model}/<")), "")
            answer = watched.context.request.get(
                urljoin(watched.console.address, re.sub(r"<[^>]+>", ids.get(model) or "1", route)), max_redirects=0
            )
            said = answer.headers
            assert "default-src 'none'" in said["content-security-policy"], route
            assert "no-store" in said["cache-control"], route
            assert answer.status != 200 or said["content-disposition"].startswith("attachment"), route


def test_forms_previews_results_and_refusals_keep_to_the_policy(watched: Watched) -> None:
    page = watched.login("lead")
    open_first_account(page)
    account = page.url
    for amount in ("1.5x", "999999999999", "12.50"):
        page.goto(account)
        page.click("main >> text=Deposit")
        page.fill("#id_amount", amount)
        page.fill("#id_comment", "Cash at the desk")
        preview(page)
        watched.note(f"deposit of {amount}")
    confirm(page)
    expect(page.locator(".messagelist")).to_contain_text("Deposited")
    watched.note("account with a message")
    page.goto(account)
    page.click("main >> text=Transfer")
    page.click(".select2-selection")
    page.keyboard.type("a")
    page.wait_for_selector(".select2-results__option")
    watched.faults += axe.faults(page)  # an open choice is placed for the window as it is
    page.keyboard.press("Escape")
    preview_freezing(page, 1, 2, reason="Court order 12/2026")
    watched.note("bulk preview")
    confirm(page)
    expect(page.locator("main tbody tr a.reference")).to_have_count(2)
    watched.note("bulk result")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    watched.note("sheet of shortcuts")


def test_import_pages_keep_to_the_policy(watched: Watched, tmp_path: Path) -> None:
    page = watched.login("importer")
    open_first_account(page)
    uid = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", page.text_content("main") or "")[0]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"account,type,amount,comment,key\n{uid},deposit,0.5,=1+1,policy\n{uid},fee,1,Other,\n")
    bad.write_text("account,type,sum\n")
    for file in (bad, good):
        watched.visit("/console/imports/import/add/")
        page.set_input_files("input[type=file]", file)
        page.fill("#id_reason", "Salaries of November")
        preview(page)
        watched.note(f"upload of {file.name}")
    confirm(page)
    expect(page.locator("main")).to_contain_text("0.50")
    watched.note("import")


def test_widgets_and_popups_of_the_administrator_keep_to_the_policy(watched: Watched) -> None:
    page = watched.login("admin")
    watched.visit("/console/auth/group/add/")
    page.click("#id_permissions_add_all, #id_permissions_add_all_link")
    watched.visit("/console/backoffice/entity/add/")
    with page.expect_popup() as opened:
        page.click(".add-related >> visible=true >> nth=0")
    opened.value.wait_for_load_state()
    expect(opened.value.locator("form")).to_have_count(1)
    opened.value.close()
    watched.visit("/console/backoffice/user/?q=a")
    page.click(".theme-toggle >> nth=0")
    page.click(".theme-toggle >> nth=0")
    page.click("#toggle-nav-sidebar")
    watched.visit("/console/password_change/")
    page.click("main input[type=submit], main button.button")


def test_login_logout_and_error_pages_keep_to_the_policy(watched: Watched) -> None:
    watched.visit("/console/login/")
    watched.page.fill("#id_username", "agent")
    watched.page.fill("#id_password", "wrong")
    watched.page.click("input[type=submit]")
    expect(watched.page.locator(".errornote")).to_be_visible()
    watched.note("refused login")
    page = watched.login("agent")
    for path in (
        "/nothing",
        "/console/nothing",
        "/console/auth/group/add/",
        "/console/?q=%00",
        "/console/ledger/account/999999/",
    ):
        assert "default-src 'none'" in watched.visit(path), path
    assert "default-src 'none'" in watched.visit("/console/")
    page.context.clear_cookies(name="csrftoken")
    page.click("#logout-form button")
    expect(page.locator("h1")).to_have_text("This form has expired")
    watched.visit("/console/")
    page.click("#logout-form button")
    watched.page.wait_for_load_state()
    page.go_back()
    expect(page.locator("#id_username")).to_be_visible()


def test_browser_keeps_nothing_of_customers(watched: Watched) -> None:
    page = watched.login("lead")
    open_first_account(page)
    customer = page.inner_text("main h1")
    for tab in ("history/", "statement/"):
        watched.visit(urljoin(page.url.partition("?")[0], f"../{tab}"))
    kept = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    names = {cookie["name"]: cookie["value"] for cookie in watched.context.cookies()}
    assert set(names) == {"sessionid", "csrftoken"}
    assert not any(part in kept + "".join(names.values()) for part in customer.split())


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "413", "500", "503"])
def test_error_page_keeps_to_the_policy_of_the_site(watched: Watched, code: str) -> None:
    policy = watched.visit("/console/login/")

    def answer(route: Route) -> None:
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        route.fulfill(status=int(code[:3]), body=render_to_string(f"{code}.html"), headers=headers)

    watched.page.route("**/console/broken/", answer)
    assert watched.visit("/console/broken/") == policy
    expect(watched.page.locator("h1")).to_be_visible()
    assert watched.page.evaluate("() => getComputedStyle(document.body).fontSize") != "16px"  # our style sheet came
