"""What somebody meets who goes astray: a way on, whoever it is, and nothing that could fail once more."""

import re
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from backoffice.roles import AGENT
from tests.cast import PASSWORD
from tests.console.test_pages import text

pytestmark = pytest.mark.django_db
FIND = '<form id="find" role="search" action="/console/find/">'


@pytest.mark.parametrize(("page", "status"), [("/console/auth/group/", 403), ("/nowhere/", 404)])
def test_who_is_logged_in_can_find_something_else(client: Client, agent: User, page: str, status: int) -> None:
    client.force_login(agent)
    answer = client.get(page)
    html = answer.content.decode()
    assert (answer.status_code, FIND in html, "To the console" in html) == (status, True, True)
    assert "Log in" not in text(html)


def test_who_is_not_logged_in_is_shown_the_way_in_and_no_box_to_find(client: Client) -> None:
    html = client.get("/nowhere/").content.decode()
    assert (FIND in html, f'href="{reverse("console:login")}">Log in</a>' in html) == (False, True)


def test_expired_form_of_a_lost_session_leads_back_to_it_by_the_login(agent: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    page = reverse("console:index")
    html = browser.post(page, {}).content.decode()
    assert f'href="{reverse("console:login")}?next=%2Fconsole%2F">Log in</a>' in html
    browser.force_login(agent)
    html = browser.post(page, {}).content.decode()
    assert ("This form has expired" in html, FIND in html, "Log in" in text(html)) == (True, True, False)


def test_expired_form_of_an_address_that_shows_nothing_leads_back_to_where_it_was_sent_from(agent: User) -> None:
    agent.groups.add(Group.objects.get(name=AGENT))
    browser = Client(enforce_csrf_checks=True)
    columns = reverse("console:list_columns", args=["ledger.account"])
    page = f"{reverse('console:ledger_account_changelist')}?currency=CZK"
    html = browser.post(columns, {}, headers={"referer": f"http://testserver{page}"}).content.decode()
    [door] = re.findall(r'href="([^"]*)">Log in</a>', html)
    assert door == f"{reverse('console:login')}?next={quote(page, safe='')}"
    sent = dict(re.findall(r'name="(csrfmiddlewaretoken|next)" value="([^"]*)"', browser.get(door).content.decode()))
    answer = browser.post(door, {**sent, "username": "agent", "password": PASSWORD}, follow=True)
    assert (answer.redirect_chain, answer.status_code) == ([(page, 302)], 200)


@pytest.mark.parametrize("code", ["400", "413", "429", "500", "503"])
def test_page_of_what_may_be_broken_asks_nobody_who_they_are(code: str) -> None:
    asked: list[str] = []

    class User:
        def __getattr__(self, name: str) -> str:
            asked.append(name)
            return name

    assert "To the console" in render_to_string(f"{code}.html", {"user": User()})
    assert asked == []
