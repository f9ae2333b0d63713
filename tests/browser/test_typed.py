"""What somebody has typed is there again when he comes back to it."""

from playwright.sync_api import expect

from tests.browser.conftest import Login
from tests.browser.test_support_agent import open_first_account, preview


def test_back_from_a_preview_finds_the_form_as_it_was_typed(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    page.get_by_role("main").get_by_role("link", name="Deposit", exact=True).click()
    page.fill("#id_amount", "12.50")
    page.fill("#id_comment", "Cash at the desk")
    preview(page)
    expect(page.get_by_role("button", name="Deposit CZK 12.50")).to_be_visible()
    page.go_back()
    expect(page.locator("#id_comment")).to_have_value("Cash at the desk")
    expect(page.locator("#id_amount")).to_have_value("12.50")
