"""The keyboard alone: every link and field is reached and seen, a deposit is made, and shortcuts keep out of what is typed."""

import re

from django.conf import settings
from playwright.sync_api import Page, expect

from tests.browser.conftest import Login
from tests.browser.test_support_agent import fill_in_deposit, open_first_account

# Where the focus is; what stands before its middle, if that is not it; whether it shows.
FOCUSED = """
() => {
    const it = document.activeElement, box = it.getBoundingClientRect(), style = getComputedStyle(it);
    if (it === document.body) return null;
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const seen = top && (it.contains(top) || top.contains(it));
    const shows = style.outlineStyle !== "none" || it.type === "date"; // the parts of a date show it themselves
    return [`${it.tagName} ${it.id} ${it.textContent.trim().slice(0, 30)}`, Boolean(seen), shows];
}
"""


def shortcut(page: Page, keys: str) -> None:
    """Press these keys once the page's scripts listen."""
    page.wait_for_load_state()
    page.keyboard.type(keys)


def tabbed(page: Page, key: str = "Tab", most: int = 200) -> list[str]:
    """Go through the page by Tab; return what was covered by something else or did not show that it has the focus."""
    faults, first = [], None
    for _ in range(most):
        page.keyboard.press(key)
        found = page.evaluate(FOCUSED)
        if found is None or found[0] == first:
            break
        first = first or found[0]
        if found[1:] != [True, True]:
            faults.append(str(found))
    return faults


def test_every_stop_of_tab_is_seen_and_shows(login: Login) -> None:
    page = login("lead")
    open_first_account(page)
    account = page.url.partition("?")[0]
    for path in (
        account,
        f"{account.removesuffix('change/')}deposit/",
        account.partition("ledger/")[0] + "ledger/action/",
    ):
        page.goto(path)
        assert (path, tabbed(page), tabbed(page, "Shift+Tab")) == (path, [], [])


def test_first_stop_skips_to_the_content(login: Login) -> None:
    page = login("agent")
    page.wait_for_load_state()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_sheet_lists_where_one_may_go_keeps_the_focus_and_gives_it_back(login: Login) -> None:
    page = login("agent")
    shortcut(page, "ga")
    page.wait_for_url("**/ledger/account/**")
    shortcut(page, "j")
    row = page.evaluate("() => document.activeElement.textContent")
    shortcut(page, "?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Accounts")
    expect(sheet).not_to_contain_text("Events")
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate("() => !document.activeElement.closest('main, header')")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    assert page.evaluate("() => document.activeElement.textContent") == row


def test_docs_list_the_keys_that_the_sheet_lists(login: Login) -> None:
    page = login("admin")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    listed = page.locator("#keys dl div").all()
    sheet = [(line.locator("kbd").all_inner_texts(), line.locator("dd").inner_text()) for line in listed]
    docs = (settings.BASE_DIR / "docs/console.md").read_text().partition("\n## Find")[0]
    table = re.findall(r"^\| (`.+`) \| (.+) \|$", docs, re.MULTILINE)
    assert sheet == [(re.findall("`(.+?)`", keys), text) for keys, text in table]


def test_rows_are_walked_selected_and_opened(login: Login) -> None:
    page = login("agent")
    shortcut(page, "ga")
    page.wait_for_url("**/ledger/account/**")
    shortcut(page, "jjkj")
    names = page.locator("#result_list tbody th a")
    expect(names.nth(1)).to_be_focused()
    shortcut(page, "x")
    expect(page.locator("#result_list .action-select").nth(1)).to_be_checked()
    name = names.nth(1).inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text(name)
    shortcut(page, "u")
    expect(page.locator("main h1")).to_contain_text("Accounts")


def test_nothing_typed_is_a_shortcut_and_all_can_be_turned_off(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    account = page.url
    page.wait_for_load_state()
    note = page.get_by_role("textbox", name="Note", exact=True)
    note.fill("")
    page.keyboard.type("g a ? j /")
    expect(note).to_have_value("g a ? j /")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.locator("main h1").click()
    page.keyboard.type("?ga")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.url == account


def test_field_that_searches_has_the_focus_where_it_is_seen_and_is_chosen_by_keyboard(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    page.get_by_role("main").get_by_role("link", name="Transfer", exact=True).click()
    expect(page.locator(".select2-selection")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".select2-search__field")).to_be_focused()
    page.keyboard.press("Escape")
    page.click("label[for=id_to]")
    expect(page.locator(".select2-selection")).to_be_focused()
    page.keyboard.type("soukup")
    expect(page.locator(".select2-search__field")).to_have_value("soukup")
    expect(page.locator(".select2-search__field")).to_be_focused()


def test_deposit_is_made_by_keyboard_alone(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    shortcut(page, "c")
    expect(page.get_by_role("link", name="Deposit", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/deposit/**")
    while not page.evaluate("() => document.activeElement.id === 'id_amount'"):
        page.keyboard.press("Tab")
    page.keyboard.type("12.50")
    page.keyboard.press("Tab")
    while not page.evaluate("() => document.activeElement.id === 'id_comment'"):
        page.keyboard.press("Tab")
    page.keyboard.type("Cash at the desk")
    page.keyboard.press("Control+Enter")
    expect(page.locator("main h1")).to_be_focused()
    page.keyboard.press("Enter")  # confirms nothing
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Deposited")


def to_preview(page: Page, verb: str, amount: str = "") -> None:
    """Go from an account's page to the preview of a command, by the keys of its form."""
    page.get_by_role("main").get_by_role("link", name=verb, exact=True).click()
    if amount:
        page.fill("#id_amount", amount)
    page.fill("#id_comment", "Cash at the desk")
    page.keyboard.press("Control+Enter")
    expect(page.locator("main h1")).to_be_focused()
    page.wait_for_load_state()


def test_preview_is_confirmed_by_one_press_of_its_own(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    account = page.url
    to_preview(page, "Deposit", "3.25")
    page.keyboard.down("Control")
    page.keyboard.down("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Deposited")
    page.keyboard.down("Enter")  # held down
    assert page.url == account
    latest = page.locator("section[aria-labelledby=latest-heading] tbody tr")
    expect(latest.filter(has_text="+CZK 3.25")).to_have_count(1)


def test_key_that_is_held_down_does_not_go_through_the_preview(login: Login) -> None:
    page = login("agent")
    fill_in_deposit(page, "4.75")
    page.keyboard.down("Control")
    page.keyboard.down("Enter")
    expect(page.locator("main h1")).to_be_focused()
    page.wait_for_load_state()
    page.keyboard.down("Enter")
    page.wait_for_timeout(500)
    expect(page.get_by_role("button", name="Deposit CZK 4.75")).to_be_enabled()


def test_red_buttons_and_the_way_back_are_never_pressed_from_afar(login: Login) -> None:
    page = login("lead")
    open_first_account(page)
    to_preview(page, "Freeze")
    for button in (None, "Back"):
        if button:
            page.get_by_role("button", name=button).focus()
        page.evaluate("""() => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }))""")
        page.wait_for_timeout(300)
        expect(page.get_by_role("button", name="Freeze")).to_be_enabled()


def test_decision_is_never_pressed_from_afar(login: Login) -> None:
    page = login("lead")
    shortcut(page, "gp")
    page.wait_for_url("**/ledger/approval/**")
    page.locator("#result_list tbody th a").first.click()
    page.fill("#id_comment", "The papers are complete")
    request = page.url
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(500)
    assert page.url == request
    expect(page.locator("#id_comment")).to_have_value("The papers are complete")
