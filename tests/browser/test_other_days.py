"""A reviewer's, an importer's, an analyst's and an administrator's day."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Login
from tests.browser.test_support_agent import confirm, go, open_first_account, preview


def test_reviewer_sees_what_the_agent_did_and_can_change_nothing(
    login: Login, picture: Callable[[Page, str], None]
) -> None:
    agent = login("agent")
    open_first_account(agent)
    customer = agent.inner_text("main h1")

    page = login("reviewer")
    go(page, "Events")
    expect(page.locator("#result_list")).to_contain_text(f"(agent) looked at {customer}")
    picture(page, "events")
    page.click(f"#result_list a:has-text('{customer}') >> nth=0")
    expect(page.locator("main h1")).to_contain_text(customer)
    for verb in ("Deposit", "Withdraw", "Freeze", "Save"):
        expect(page.locator("main").get_by_role("button", name=verb)).to_have_count(0)
        expect(page.locator("main").get_by_role("link", name=verb, exact=True)).to_have_count(0)
    page.click("main a[href*='/history/']")
    page.wait_for_url("**/history/**")
    expect(page.locator("main")).to_contain_text("Created")
    picture(page, "history")


def test_importer_posts_a_file_once(login: Login, picture: Callable[[Page, str], None], tmp_path: Path) -> None:
    page = login("importer")
    go(page, "Accounts")
    page.click("#changelist-filter >> text='Open'")
    page.click("#changelist-filter >> text='CZK'")
    page.click("#result_list tbody tr:first-child th a")
    uid = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", page.text_content("main") or "")[0]
    file = tmp_path / "salaries.csv"
    file.write_text(f"account,type,amount,comment\n{uid},deposit,100.50,Salary\n{uid},withdrawal,999999999,Too much\n")

    upload = page.url.partition("/console/")[0] + "/console/imports/import/add/"
    for _ in range(2):
        page.goto(upload)
        page.set_input_files("input[type=file]", file)
        page.fill("#id_reason", "Salaries of November")
        preview(page)
        if page.locator("main").get_by_text("Nothing to post").count():
            break
        expect(page.locator("main")).to_contain_text("is over the maximum withdrawal")
        picture(page, "import-preview")
        confirm(page)
        expect(page.locator("main")).to_contain_text("100.50")
    expect(page.locator("main")).to_contain_text("1 row was posted before and will not be posted again.")


def test_analyst_plays_in_the_sandbox(login: Login, picture: Callable[[Page, str], None]) -> None:
    page = login("analyst")
    page.goto(page.url.partition("/console/")[0] + "/console/sandbox/")
    expect(page.locator("body")).to_contain_text("nothing here is real")
    open_first_account(page)
    page.click("main >> text=Deposit")
    page.fill("#id_amount", "5000")
    page.fill("#id_comment", "Trying")
    preview(page)
    confirm(page)
    expect(page.locator(".messagelist")).to_contain_text("Deposited")
    assert "/sandbox/" in page.url
    picture(page, "sandbox")


def test_administrator_looks_after_people_and_entities(login: Login) -> None:
    page = login("admin")
    for link, heading in {"Users": "Users", "Entities": "Entities", "Groups": "Groups", "Limits": "Limits"}.items():
        go(page, link)
        expect(page.locator("main h1")).to_contain_text(heading)
