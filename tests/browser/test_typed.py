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


def test_what_is_typed_in_one_form_of_an_account_outlasts_the_other(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    pinned, note = page.locator("#id_note"), page.locator("#id_text")
    pinned.fill("Deaf: write, never ring")
    page.fill("#id_reason", "Told at the desk")
    page.check("#id_recheck")
    note.fill("Sent the form")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".notes li").first).to_contain_text("Sent the form")
    expect(pinned).to_have_value("Deaf: write, never ring")
    expect(page.locator("#id_reason")).to_have_value("Told at the desk")
    expect(page.locator("#id_recheck")).to_be_checked()
    expect(note).to_have_value("")

    note.fill("Rings back on Monday")
    page.click("input[name=_save]")
    expect(page.locator(".messagelist")).to_contain_text("The note is saved.")
    expect(note).to_have_value("Rings back on Monday")
    expect(page.locator("#id_reason")).to_have_value("")
    page.reload()
    expect(note).to_have_value("")

    pinned.fill("Without a reason")
    page.click("input[name=_save]")
    expect(page.locator("main")).to_contain_text("NOT SAVED")
    note.fill("Another one")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".notes li").first).to_contain_text("Another one")
    expect(pinned).to_have_value("Without a reason")


def test_pinned_note_that_was_put_back_overwrites_nothing_unseen(login: Login) -> None:
    mine, other = login("agent"), login("lead")
    open_first_account(mine)
    other.goto(mine.url)
    mine.fill("#id_note", "Mine")
    other.fill("#id_note", "Of a colleague")
    other.fill("#id_reason", "Told on the phone")
    other.click("input[name=_save]")
    expect(other.locator(".messagelist")).to_contain_text("The note is saved.")
    mine.fill("#id_text", "Sent the form")
    mine.get_by_role("button", name="Add the note").click()
    expect(mine.locator("#id_note")).to_have_value("Mine")
    mine.fill("#id_reason", "Told at the desk")
    mine.click("input[name=_save]")
    expect(mine.locator("main")).to_contain_text("somebody else has changed this")
