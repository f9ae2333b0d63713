"""Lists fit their window, whatever columns and views somebody has."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Login

WIDTHS = (390, 1280, 1440)
LISTS = ("ledger/account/", "ledger/action/", "ledger/hold/", "ledger/limit/", "bulk/run/", "backoffice/user/")
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
LINES = "cell => { const range = document.createRange(); range.selectNodeContents(cell); return range.getClientRects().length }"
PINNED = "document.querySelector('#result_list thead th').getBoundingClientRect().top - document.querySelector('.results').getBoundingClientRect().top"


def lists(page: Page, path: str) -> None:
    page.goto(page.url.split("/console/")[0] + f"/console/{path}?all=")


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def too_wide(page: Page) -> dict[int, int]:
    """Return the widths of windows that the page does not fit, each with how much is outside of it."""
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if (over := page.evaluate(OVERFLOW)) > 0:
            found[width] = over
    return found


@pytest.mark.parametrize("path", LISTS)
def test_list_fits_its_window_with_all_columns_and_as_it_was(login: Login, path: str) -> None:
    page = login("admin")
    lists(page, path)
    assert too_wide(page) == {}
    page.get_by_text("Columns", exact=True).click()
    for box in page.locator('input[name="column"]').all():
        box.check()
    press(page, "Show these")
    assert too_wide(page) == {}
    page.get_by_text("Columns", exact=True).click()
    press(page, "As it was")
    assert page.get_by_role("button", name="As it was").count() == 0
    assert page.locator(".results.wide").count() == 0


def test_head_of_a_table_that_scrolls_stays_and_public_ids_are_on_one_line(login: Login) -> None:
    page = login("lead")
    lists(page, "ledger/account/")
    page.get_by_text("Columns", exact=True).click()
    for box in page.locator('input[name="column"]').all():
        box.check()
    press(page, "Show these")
    page.set_viewport_size({"width": 1280, "height": 600})
    page.evaluate("document.querySelector('.results').scrollTop = 200")
    assert abs(page.evaluate(PINNED)) < 2
    assert page.locator("td.field-uid").first.evaluate(LINES) == 1
    assert page.get_by_text("Columns", exact=True).is_visible()


def test_list_with_a_kept_view_fits_a_phone(login: Login) -> None:
    page = login("agent")
    lists(page, "ledger/action/")
    for name in ("Deposits of this week that somebody has to look at again", "W" * 70):
        page.get_by_text("Keep this view", exact=True).click()
        page.fill("#id_view_name", name)
        press(page, "Keep")
    assert too_wide(page) == {}
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_text("Columns", exact=True).click()
    assert page.evaluate(OVERFLOW) <= 0


def test_heads_stand_above_their_cells(login: Login) -> None:
    page = login("admin")
    for path in LISTS[:3]:
        lists(page, path)
        offsets = page.evaluate(
            """() => [...document.querySelectorAll("#result_list thead th:not(.action-checkbox-column)")].map((head, at, all) => {
                const row = document.querySelector("#result_list tbody tr"), cell = row.children[row.children.length - all.length + at];
                if (getComputedStyle(cell).textAlign === "right") return 0;
                const text = head.querySelector("span, a"), left = (one) => one.getBoundingClientRect().left + parseFloat(getComputedStyle(one).paddingLeft);
                return Math.round(left(text) - left(cell));
            })"""
        )
        assert not any(offsets), (path, offsets)
