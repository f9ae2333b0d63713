"""What somebody has typed is there again when he comes back to it."""

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.conftest import Login
from tests.browser.test_support_agent import fill_in_deposit, open_first_account, preview

LOST = "What is typed in another form of this page is not saved"


def test_back_from_a_preview_finds_the_form_as_it_was_typed(login: Login) -> None:
    page = login("agent")
    fill_in_deposit(page, "12.50")
    preview(page)
    expect(page.get_by_role("button", name="Deposit CZK 12.50")).to_be_visible()
    page.go_back()
    expect(page.locator("#id_comment")).to_have_value("Cash at the desk")
    expect(page.locator("#id_amount")).to_have_value("12.50")


@pytest.mark.parametrize("first", ["pinned", "timeline"])
def test_form_of_an_account_asks_before_what_is_typed_in_another_is_lost(login: Login, first: str) -> None:
    page = login("agent")
    open_first_account(page)
    asked: list[str] = []
    answers = [False, True]

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if answers.pop(0) else dialog.dismiss()

    page.on("dialog", answer)
    note, pinned = page.locator("#id_text"), page.locator("#id_note")
    pinned.fill("Deaf: write, never ring")
    page.fill("#id_reason", "Told at the desk")
    note.fill("Sent the form")
    send = page.locator("input[name=_save]") if first == "pinned" else page.get_by_role("button", name="Add the note")
    send.click()
    expect(note).to_have_value("Sent the form")
    expect(pinned).to_have_value("Deaf: write, never ring")
    expect(send).to_be_enabled()
    with page.expect_navigation():
        send.click()
    assert [LOST in message for message in asked] == [True, True]
    said = "The note is saved." if first == "pinned" else "Sent the form"
    expect(page.locator("main, .messagelist").filter(has_text=said).first).to_be_visible()


def test_form_of_an_account_that_is_alone_is_sent_unasked(login: Login) -> None:
    page = login("agent")  # a dialogue that nobody expects is dismissed, and nothing would be sent
    open_first_account(page)
    page.fill("#id_text", "Rang twice")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".notes li").first).to_contain_text("Rang twice")
    kept = page.evaluate("() => ({...sessionStorage})")
    kept.pop(
        "django.admin.filtersState", None
    )  # which filters of the list are open: Django's, and written a little later
    assert kept == {}
