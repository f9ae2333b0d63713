"""The search box in a real browser: by keyboard alone, with its suggestions, and without any script."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Console, Login


def test_search_by_keyboard_alone(login: Login) -> None:
    page = login("agent")
    box = page.locator("#find-box")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("role", "combobox")
    page.keyboard.type("status:op")
    expect(page.locator("#find-panel")).to_contain_text("The account is open")
    page.keyboard.press("Escape")
    expect(page.locator("#find-panel")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("deposit to status:open")
    options = page.locator("#find-list [role=option]")
    expect(options).to_have_count(8)
    expect(options.nth(1)).to_have_attribute("href", re.compile("/deposit/$"))  # what was suggested before has gone
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "find-1")
    expect(box).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/deposit/")
    page.keyboard.press("Control+k")
    page.keyboard.type("approvals")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ledger/approval/")


def test_search_without_script(browser: Browser, console: Console) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(console.address)
    page.fill("#id_username", "agent")
    page.fill("#id_password", console.password)
    page.click("input[type=submit]")
    page.fill("#find-box", "status:frozen")
    page.click("#find button")
    expect(page.locator("main")).to_contain_text("The account is frozen")
    context.close()
