"""A security key in a real browser: set up, used to log in and to log in again, and what is said when it does not answer."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.conftest import Console

OWN = "/console/login/own/"


@pytest.fixture
def site(console: Console) -> str:
    """The console under a name: browsers let keys have no number for a host."""
    return console.address.replace("127.0.0.1", "localhost").removesuffix("/console/")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser profile of its own; whatever the browser's console complains of fails the test."""
    context, complaints = browser.new_context(locale="en-GB"), list[str]()
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def key(page: Page) -> CDPSession:
    """A key in the machine, touched whenever it blinks."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    return session


def plug_in(key: CDPSession) -> str:
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    return str(key.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])


def give_password(page: Page, site: str, console: Console) -> None:
    page.goto(f"{site}/console/login/")
    page.fill("#id_username", "importer")
    page.fill("#id_password", console.password)
    page.click("input[type=submit]")


def test_key_is_set_up_logs_in_and_is_taken_off(page: Page, key: CDPSession, site: str, console: Console) -> None:
    plugged = plug_in(key)
    give_password(page, site, console)
    page.click("#user-tools >> text=Your login")
    page.click("text=Set up a key")
    page.fill("#id_name", "Desk key")
    page.click("text=Set up this key")
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    page.click("#logout-form button")

    give_password(page, site, console)
    expect(page.locator("h1")).to_contain_text("Second factor")
    page.click("text=Use a security key")
    page.wait_for_selector("#user-tools")

    page.goto(f"{site}/console/login/again/?next={OWN}")
    page.click("text=Use a security key instead")
    page.click("#key-button")
    page.wait_for_url(f"**{OWN}")
    expect(page.locator("main")).to_contain_text("Security key “Desk key”")

    page.click("#logout-form button")
    give_password(page, site, console)
    stolen = key.send("WebAuthn.getCredentials", {"authenticatorId": plugged})["credentials"]
    assert len(stolen) == 1, json.dumps(stolen)
    key.send("WebAuthn.clearCredentials", {"authenticatorId": plugged})
    page.click("text=Use a security key")
    expect(page.locator("#key-problem")).to_contain_text("The key was not used")
    key.send("WebAuthn.addCredential", {"authenticatorId": plugged, "credential": stolen[0]})
    page.click("text=Use a security key")
    page.wait_for_selector("#user-tools")

    page.goto(f"{site}{OWN}")
    page.click("text=Take it off")
    page.click("button.danger")
    expect(page.locator("main")).to_contain_text("You have none yet")
