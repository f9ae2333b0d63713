"""A day of each role, from the login to the logout; README and the docs show the pictures that these take."""

import re
import zipfile
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, expect

from tests.browser.conftest import Login, Picture
from tests.browser.test_support_agent import confirm, go, open_first_account, preview

REASON = "Asked for at the desk"


def press(page: Page, label: str) -> None:
    """Follow the link or press the button of that name in the page's main part."""
    main = page.get_by_role("main")
    main.get_by_role("link", name=label, exact=True).or_(
        main.get_by_role("button", name=label, exact=True)
    ).first.click()


def open_account_without_limits(page: Page) -> None:
    """Go to an open account on which nothing but the limits of all binds: which ones the demo has limited depends on its day."""
    open_first_account(page)
    page.go_back()
    accounts = [
        urljoin(page.url, str(link.get_attribute("href"))) for link in page.locator("#result_list tbody th a").all()
    ]
    for account in accounts:
        page.goto(account)
        if "set for this account" not in page.inner_text("main"):
            return
    raise AssertionError("Every account of the first page has limits of its own.")


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Logged out")).to_be_visible()


def test_agents_day(login: Login, picture: Picture) -> None:
    page = login("agent")
    picture(page, "start")
    go(page, "Accounts")
    picture(page, "accounts")
    open_first_account(page)
    customer, account = page.inner_text("main h1"), page.url
    press(page, "Deposit")
    page.get_by_label("Amount").fill("1234.50")
    page.get_by_label("Reason").fill("Cash at the desk")
    preview(page)
    expect(page.get_by_role("main")).to_contain_text("CZK 1,234.50")
    picture(page, "deposit-preview")
    confirm(page)
    expect(page.locator(".messagelist")).to_contain_text("Deposited")
    assert page.url == account
    picture(page, "account")
    picture(page, "account-dark", theme="dark")
    page.locator(".messagelist").get_by_role("link").first.click()
    expect(page.get_by_role("main")).to_contain_text("Cash at the desk")
    page.goto(account)
    press(page, "another period")
    expect(page.get_by_role("main")).to_contain_text("Closing balance")
    picture(page, "statement")
    expect(page.locator("tr.on-paper")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator("tr.on-paper")).to_be_visible()
    for part in ("#header", ".breadcrumbs", "#nav-sidebar", "form.asked"):
        expect(page.locator(part)).to_be_hidden()
    page.emulate_media(media="screen")
    page.goto(account)
    page.get_by_role("textbox", name="Note", exact=True).fill("Calls back on Monday.")
    press(page, "Add the note")
    page.goto(account)
    expect(page.get_by_role("heading", name=customer)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Calls back on Monday.")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    picture(page, "shortcuts")
    page.keyboard.press("Escape")
    log_out(page)


def test_leads_day(login: Login, picture: Picture) -> None:
    agent = login("agent")
    open_account_without_limits(agent)
    press(agent, "Deposit")
    agent.get_by_label("Amount").fill("200001")
    agent.get_by_label("Reason").fill("Sale of a car, contract seen")
    preview(agent)
    press(agent, "Ask for approval")
    expect(agent.locator(".messagelist")).to_contain_text("Asked for approval")

    page = login("lead")
    page.locator("#user-tools").get_by_role("link", name="Approvals").click()
    page.get_by_role("main").get_by_role("link", name="200,001.00").first.click()
    picture(page, "approval")
    page.get_by_label("Reason").fill("Contract checked")
    page.get_by_role("button", name="Approve").first.click()
    expect(page.locator(".messagelist")).to_contain_text("is approved and posted")
    go(page, "Actions")
    page.get_by_role("row").filter(has_text="200,001.00").first.get_by_role("link").first.click()
    press(page, "Reverse")
    page.get_by_label("Reason").fill("The sale was called off")
    preview(page)
    confirm(page)
    expect(page.locator(".messagelist")).to_contain_text("Asked for approval: Reverse")
    go(page, "Accounts")
    page.click("#changelist-filter >> text='Open'")
    for row in (1, 2, 3):
        page.check(f"#result_list tbody tr:nth-child({row}) .action-select")
    page.get_by_label("Action:").select_option("freeze")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Reason").fill("Court order 12/2026")
    preview(page)
    picture(page, "bulk-preview")
    confirm(page)
    expect(page.get_by_role("heading", name="Freeze: 3 chosen accounts")).to_contain_text("Done")
    log_out(page)


def test_reviewers_day_leaves_everything_as_it_was(login: Login, picture: Picture) -> None:
    agent = login("agent")
    open_first_account(agent)
    customer = agent.inner_text("main h1")

    page = login("reviewer")
    go(page, "Events")
    expect(page.locator("#result_list")).to_contain_text(f"(agent) looked at {customer}")
    picture(page, "events")
    with page.expect_download() as download:
        press(page, "Signed CSV")
    log, signature = zipfile.ZipFile(download.value.path()).namelist()
    assert (log[-4:], signature) == (".csv", f"{log}.sig")
    page.get_by_label("Who, by any name").fill("agent")
    press(page, "Show")
    expect(page.locator("#result_list")).not_to_contain_text("(reviewer)")
    page.locator("#result_list").get_by_role("link", name=customer).first.click()
    expect(page.locator("main h1")).to_contain_text(customer)
    for verb in ("Deposit", "Withdraw", "Freeze", "Save"):
        expect(page.get_by_role("main").get_by_role("button", name=verb)).to_have_count(0)
        expect(page.get_by_role("main").get_by_role("link", name=verb, exact=True)).to_have_count(0)
    page.get_by_role("main").get_by_role("link", name="History").or_(
        page.get_by_role("main").get_by_role("link", name="Everything that happened to it")
    ).first.click()
    expect(page.get_by_role("main")).to_contain_text("Created")
    picture(page, "history")
    for place in ("Alerts", "Verifications", "Seals"):
        go(page, place)
        expect(page.locator("main h1")).to_contain_text(place)
    log_out(page)


def test_analysts_day_in_the_sandbox(login: Login, picture: Picture) -> None:
    page = login("analyst")
    page.get_by_role("link", name="sandbox").first.click()
    expect(page.locator("body")).to_contain_text("nothing here is real")
    open_first_account(page)
    press(page, "Deposit")
    page.get_by_label("Amount").fill("5000")
    page.get_by_label("Reason").fill("Trying")
    preview(page)
    confirm(page)
    expect(page.locator(".messagelist")).to_contain_text("Deposited")
    assert "/sandbox/" in page.url
    picture(page, "sandbox")
    press(page, "another period")
    expect(page.get_by_role("main")).to_contain_text("Trying")
    log_out(page)


def test_ends_of_a_limits_time_are_named(login: Login) -> None:
    page = login("analyst")  # whatever a script stumbles over fails the test
    page.goto(page.url.split("/console/")[0] + "/console/sandbox/ledger/limit/add/")
    for end in ("from", "until"):
        expect(page.get_by_label(re.compile(f"^Valid.* {end}$"))).to_have_count(1)


def test_importers_day_posts_a_file_once(login: Login, picture: Picture, tmp_path: Path) -> None:
    page = login("importer")
    open_first_account(page)
    uid = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", page.text_content("main") or "")[0]
    file = tmp_path / "salaries.csv"
    file.write_text(f"account,type,amount,comment\n{uid},deposit,100.50,Salary\n{uid},withdrawal,999999999,Too much\n")
    for again in (False, True):
        page.goto(urljoin(page.url, "/console/imports/import/add/"))
        page.set_input_files("input[type=file]", file)
        page.get_by_label("Reason").fill("Salaries of November")
        preview(page)
        if again:
            break
        expect(page.get_by_role("main")).to_contain_text("is over the maximum withdrawal")
        picture(page, "import-preview")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the refused row").click()
        assert "Too much" in Path(download.value.path()).read_text()
        confirm(page)
        expect(page.get_by_role("main")).to_contain_text("100.50")
    expect(page.get_by_role("main")).to_contain_text("1 row was posted before and will not be posted again.")
    log_out(page)


def test_administrators_day_takes_two(login: Login) -> None:
    page = login("admin")
    for link in ("Entities", "Groups", "Limits", "Users"):
        go(page, link)
        expect(page.locator("main h1")).to_contain_text(link)
    page.goto(urljoin(page.url, "?q=importer"))
    page.locator("#result_list tbody").get_by_role("link", name="importer").first.click()
    press(page, "Give or take rights")
    page.get_by_label("Ask to").select_option("Give")
    page.get_by_label("Group").select_option("Support agent")
    page.get_by_label("Reason").fill("Covers the desk in December")
    preview(page)
    press(page, "Ask for approval")
    expect(page.locator(".messagelist")).to_be_visible()
    log_out(page)

    other = login("deputy")
    go(other, "Requests for rights")
    other.locator("#result_list tbody").get_by_role("link").first.click()
    other.get_by_label("Reason").fill("December is covered by the lead")
    other.get_by_role("button", name="Reject").click()
    expect(other.get_by_role("main")).to_contain_text("Rejected")
    log_out(other)
