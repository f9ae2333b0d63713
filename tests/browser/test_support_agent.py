"""What a support agent meets within a day: customers found, refusals, a double click, a transfer."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Login


def go(page: Page, label: str) -> None:
    """Go to a list, from the index or from the side."""
    page.locator("#content-main, #nav-sidebar").get_by_role("link", name=label, exact=True).first.click()


def open_first_account(page: Page) -> None:
    """Go to an open account through the list and its filters."""
    go(page, "Accounts")
    for choice in ("Open", "CZK"):
        page.click(f"#changelist-filter >> text='{choice}'")
    page.click("#result_list tbody tr:first-child th a")
    page.wait_for_selector("main table a.reference")


def fill_in_deposit(page: Page, amount: str) -> None:
    """Go to an open account, and fill in the form of a deposit."""
    open_first_account(page)
    page.get_by_role("main").get_by_role("link", name="Deposit", exact=True).click()
    page.fill("#id_amount", amount)
    page.fill("#id_comment", "Cash at the desk")


def preview(page: Page) -> None:
    """Press the form's first button."""
    page.click("button:has-text('Preview'), input[value^='Preview']")


def preview_freezing(page: Page, *rows: int, reason: str) -> None:
    """Look at what freezing these rows of the open accounts would do."""
    go(page, "Accounts")
    page.click("#changelist-filter >> text='Open'")
    for row in rows:
        page.check(f"#result_list tbody tr:nth-child({row}) .action-select")
    page.select_option("select[name=action]", "freeze")
    page.click("button:has-text('Go')")
    page.fill("#id_comment", reason)
    preview(page)


def confirm(page: Page) -> None:
    """Press the button that does it."""
    page.click("main button.button:not([name=back])")


def test_agent_is_told_what_a_rule_refuses(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    page.click("main >> text=Withdraw")
    page.fill("#id_amount", "999999999")
    page.fill("#id_comment", "Asked for at the desk")
    preview(page)
    expect(page.locator("main")).to_contain_text("is over the maximum withdrawal")
    assert page.input_value("#id_amount") == "999999999"


def test_agent_finds_a_customer_by_name_and_by_reference(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    name, reference = page.inner_text("main h1"), page.inner_text("main table tbody tr:first-child a.reference")
    for typed in (name.split()[-1], reference, reference.lower().replace("-", " ")):
        go(page, "Accounts")
        page.fill("#searchbar", typed)
        page.press("#searchbar", "Enter")
        expect(page.locator("#result_list")).to_contain_text(name)


def test_double_click_on_confirm_posts_once(login: Login) -> None:
    page = login("agent")
    open_first_account(page)
    before = page.locator("section[aria-labelledby=latest-heading] tbody tr").count()
    account = page.url
    page.click("main >> text=Deposit")
    page.fill("#id_amount", "1")
    page.fill("#id_comment", "Asked for at the desk")
    preview(page)
    page.dblclick("main button.button:not([name=back])")
    expect(page.locator(".messagelist")).to_be_visible()
    page.go_back()
    expect(page.locator("main h1")).to_contain_text("Deposit: ")  # the form anew: nothing is kept or sent again
    assert page.input_value("#id_amount") == ""
    page.goto(account)
    rows = page.locator("section[aria-labelledby=latest-heading] tbody tr")
    assert rows.count() == min(before + 1, 15)
    assert [rows.nth(row).locator("td.amount").first.inner_text() for row in (0, 1)].count("+CZK 1.00") == 1


def test_agent_transfers_to_a_customer_found_by_name(login: Login) -> None:
    page = login("agent")
    go(page, "Accounts")
    for choice in ("Open", "CZK"):
        page.click(f"#changelist-filter >> text='{choice}'")
    receiver = page.inner_text("#result_list tbody tr:nth-child(2) th a")
    page.click("#result_list tbody tr:nth-child(1) th a")
    page.click("main >> text=Transfer")
    page.click(".select2-selection")
    page.keyboard.type(receiver)
    page.click(f".select2-results__option:has-text('{receiver} · CZK')")
    page.fill("#id_amount", "0.01")
    page.fill("#id_comment", "Asked for at the desk")
    preview(page)
    expect(page.locator("main tbody tr")).to_have_count(2)
    expect(page.locator("main tbody")).to_contain_text(receiver)
    confirm(page)
    expect(page.locator(".messagelist")).to_contain_text("Transferred")
    latest = page.locator("section[aria-labelledby=latest-heading]")
    expect(latest).to_contain_text(f"Transferred out to {receiver}")
