"""A text without a space, such as a link that somebody pasted, pushes no page past its window."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Login
from tests.browser.test_lists import too_wide
from tests.browser.test_support_agent import confirm, open_first_account, preview, preview_freezing

LINK = "https://nord.sharepoint.example/sites/" + "AllCasesOfThisYear" * 9
SIDES = "boxes => boxes.map(box => [box.getBoundingClientRect().top, box.getBoundingClientRect().right])"


def fill(page: Page, command: str, amount: str, reason: str = LINK) -> None:
    page.click(f"main .commands >> text={command}")
    page.fill("#id_amount", amount)
    page.fill("#id_comment", reason)
    preview(page)


def test_account_with_a_long_link_fits_its_window(login: Login) -> None:
    page = login("lead")
    open_first_account(page)
    account = page.url.partition("?")[0]
    fill(page, "Deposit", "3")
    assert too_wide(page) == {}
    confirm(page)
    page.fill("#id_note", LINK)
    page.fill("#id_reason", LINK)
    page.locator("main input[type=submit]").first.click()
    page.goto(account)
    expect(page.locator("main p.notice", has_text="Note:")).to_contain_text(LINK)
    for place in ("", "../history/", "../statement/"):
        page.goto(account + place)
        expect(page.locator("main")).to_contain_text(LINK)
        assert too_wide(page) == {}, place
        whole = page.locator("main .scroll :is(.amount, .nowrap, .reference)").evaluate_all(
            "all => all.every(it => getComputedStyle(it).whiteSpace === 'nowrap')"
        )
        assert whole, place


def test_requests_and_bulk_runs_with_a_long_link_fit_their_window(login: Login) -> None:
    page = login("lead")
    preview_freezing(page, 3, 4, reason=LINK)
    assert too_wide(page) == {}
    confirm(page)
    expect(page.locator("main")).to_contain_text(LINK)
    assert too_wide(page) == {}
    page.goto(page.url.partition("/console/")[0] + "/console/ledger/approval/?state=all")
    page.locator("#result_list tbody td.field-reason").first.evaluate(f"cell => {{ cell.textContent = '{LINK}' }}")
    assert too_wide(page) == {}
    page.click("#result_list tbody tr:first-child th a")
    page.goto(page.url.partition("?")[0] + "../history/")
    page.locator("main tbody td:last-child").first.evaluate(f"cell => {{ cell.textContent = '{LINK}' }}")
    assert too_wide(page) == {}


@pytest.mark.parametrize("width", [1280, 1440])
def test_preview_that_is_shown_again_has_its_figures_in_one_row(login: Login, width: int) -> None:
    page, other = login("lead"), login("agent")
    open_first_account(page)
    other.goto(page.url)
    fill(page, "Deposit", "3", "Cash")
    fill(other, "Deposit", "4", "Cash")
    confirm(other)
    expect(other.locator(".messagelist")).to_contain_text("Deposited")
    confirm(page)
    expect(page.locator(".flow .was").first).to_be_visible()
    page.set_viewport_size({"width": width, "height": 800})
    boxes = page.locator(".flow div").evaluate_all(SIDES)
    assert len({top for top, _ in boxes}) == 1
    assert boxes[-1][1] <= page.locator("main aside").evaluate("it => it.getBoundingClientRect().left")
