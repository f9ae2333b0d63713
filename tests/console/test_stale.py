"""Two people with the same form open: the second is told what the first changed, and overwrites nothing unseen."""

import re
from html import unescape
from threading import Lock
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, Permission
from django.core import signing
from django.db import models
from django.test import Client
from django.urls import reverse

from backoffice.models import Entity, User
from ledger.models import Account
from tests.console.test_pages import text
from tests.ledger.test_concurrency import at_once

ENTITY = {"code": "nord", "name": "Nordbank", "parent": ""} | {
    f"{inline}-{count}_FORMS": "0" for inline in ("group_grants", "person_grants") for count in ("TOTAL", "INITIAL")
}
TOLD = "Not saved: somebody else has changed this while you had it open."


def page_of(row: models.Model, place: str = "console") -> str:
    return reverse(f"{place}:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def seen(html: str) -> str:
    """Return the token of the form on a page."""
    [found] = re.findall(r'<input type="hidden" name="seen" value="([^"]+)">', html)
    return unescape(found)


def opened(browser: Client, row: models.Model) -> str:
    return seen(browser.get(page_of(row)).content.decode())


@pytest.fixture
def first(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def second() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("second", first_name="Second", last_name="Person"))
    return browser


def send(browser: Client, row: models.Model, token: str, **fields: Any) -> Any:
    return browser.post(page_of(row), {"reason": "Asked to", "seen": token, **fields})


@pytest.mark.django_db(databases=["default", "audit"])
def test_every_form_that_changes_something_carries_what_it_shows(
    first: Client, admin: User, account: Account, rf: Any
) -> None:
    request = rf.get("/")
    request.user = admin
    pages = {
        model: page
        for model, page in django_admin.site._registry.items()
        if not model._meta.app_label.startswith("test")
    }
    changing = {model for model, page in pages.items() if page.has_change_permission(request)}
    rows = [account, account.user, account.entity, Group.objects.create(name="Ours")]
    assert {type(row) for row in rows} == changing
    for row in rows:
        assert opened(first, row)


@pytest.mark.django_db(databases=["default", "audit"])
def test_second_is_told_field_by_field_and_then_saves(first: Client, second: Client, nord: Entity) -> None:
    token = opened(second, nord)
    assert send(first, nord, opened(first, nord), **ENTITY | {"name": "Nordbank AG"}).status_code == 302
    told = send(second, nord, token, **ENTITY | {"code": "north", "name": "Northbank"})
    html = told.content.decode()
    assert (told.status_code, TOLD in html) == (200, True)
    assert "Name Nordbank Nordbank AG admin" in text(html)
    assert 'value="Northbank"' in html  # what was typed is not lost
    nord.refresh_from_db()
    assert (nord.name, nord.code) == ("Nordbank AG", "nord")
    assert send(second, nord, seen(html), **ENTITY | {"code": "north", "name": "Northbank"}).status_code == 302
    nord.refresh_from_db()
    assert (nord.name, nord.code) == ("Northbank", "north")


@pytest.mark.django_db(databases=["default", "audit"])
def test_what_the_second_did_not_touch_is_taken_over(first: Client, second: Client, nord: Entity) -> None:
    token = opened(second, nord)
    send(first, nord, opened(first, nord), **ENTITY | {"name": "Nordbank AG"})
    html = send(second, nord, token, **ENTITY | {"code": "north"}).content.decode()
    assert TOLD in html
    assert 'value="Nordbank AG"' in html
    assert 'value="north"' in html


@pytest.mark.django_db(databases=["default", "audit"])
def test_links_are_compared_as_fields_are(first: Client, second: Client) -> None:
    view, change = Permission.objects.filter(codename__in=["view_account", "change_account"]).order_by("-codename")
    group = Group.objects.create(name="Ours")
    token = opened(second, group)
    assert send(first, group, opened(first, group), name="Ours", permissions=[view.pk]).status_code == 302
    html = send(second, group, token, name="Ours", permissions=[change.pk]).content.decode()
    assert f"Permissions \N{EN DASH} {view} admin" in text(html)
    assert list(group.permissions.all()) == [view]


@pytest.mark.django_db(databases=["default", "audit"])
def test_form_sent_twice_and_one_that_agrees_complain_of_nothing(
    first: Client, second: Client, account: Account
) -> None:
    token, other = opened(first, account), opened(second, account)
    answers = [send(first, account, token, note="Rings at night").status_code for _ in range(2)]
    assert [*answers, send(second, account, other, note="Rings at night").status_code] == [302, 302, 302]
    assert account.history.count() == 2


@pytest.mark.django_db(databases=["default", "audit"])
def test_no_form_shows_a_password_in_its_token(first: Client, account: Account) -> None:
    html = first.get(page_of(account.user)).content.decode()
    [form] = re.findall(r"<form[^>]+id=\"user_form\".*?</form>", html, re.DOTALL)
    token = seen(form)
    fields = signing.loads(token, salt=f"backoffice.stale backoffice.user {account.user_id}")
    assert "password" not in fields
    assert fields["first_name"] == "Jana"


def test_of_two_forms_sent_at_once_one_is_saved_and_the_other_told(
    committing: None, account: Account, admin: User
) -> None:
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(admin)
    tokens = [opened(browser, account) for browser in browsers]
    answers: list[tuple[int, bool]] = []
    lock = Lock()

    def save(number: int) -> None:
        answer = send(browsers[number], account, tokens[number], note=f"Note {number}")
        with lock:
            answers.append((answer.status_code, TOLD in answer.content.decode()))

    at_once(save, 2)
    assert sorted(answers) == [(200, True), (302, False)]
    account.refresh_from_db()
    assert account.note in {"Note 0", "Note 1"}
    assert account.history.count() == 2
