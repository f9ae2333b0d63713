"""Static files as `collectstatic` leaves them: style sheets that ask for no other one, and what a page links to."""

import re
from pathlib import Path

import pytest
from django.contrib import admin as django_admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from backoffice.models import User

STORAGE = "backoffice.static_files.WholeSheetsStorage"
LINKED = re.compile(r"""url\(["']?(?!data:|#)([^"')#]+)""")


@pytest.fixture
def collected(tmp_path: Path, settings: Settings) -> Path:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": STORAGE}}
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def test_collected_sheets_are_whole_and_lead_to_files(collected: Path) -> None:
    for _ in range(2):  # what is collected again is made whole again
        sheets = list(collected.rglob("*.css"))
        assert {sheet.parent.name for sheet in sheets} >= {"console", "css"}
        for sheet in sheets:
            text = sheet.read_text()
            assert "@import" not in text, sheet
            assert [link for link in LINKED.findall(text) if not (sheet.parent / link).is_file()] == [], sheet
        call_command("collectstatic", interactive=False, verbosity=0)


def test_collected_frame_is_djangos_sheets_in_their_order(collected: Path) -> None:
    [frame] = collected.glob("console/frame.????????????.css")
    text = frame.read_text()
    first = [name.read_text().splitlines()[1:9] for name in map(_django, ("base", "dark_mode", "changelists"))]
    places = [text.index("\n".join(lines)) for lines in first]
    assert places == sorted(places)
    assert text.count("url(") == _django("base").read_text().count("url(")


def _django(name: str) -> Path:
    return Path(django_admin.__file__).parent / f"static/admin/css/{name}.css"


@pytest.mark.django_db(databases=["default", "audit"])
def test_list_is_painted_with_three_sheets_and_asks_for_no_jquery(client: Client, admin: User) -> None:
    client.force_login(admin)
    address = reverse("console:ledger_action_changelist")
    html = client.get(address).content.decode()
    assert re.findall(r'rel="stylesheet" href="/static/([^"]+)"', html) == [
        "console/frame.css",
        "admin/css/nav_sidebar.css",
        "console/console.css",
    ]
    assert re.findall(r'<script src="([^"]+)" defer>', html) == [
        f"/static/{name}" if name.endswith(".js") else name
        for name in (
            "admin/js/nav_sidebar.js",
            reverse("console:jsi18n"),
            "console/console.js",
            "console/keys.js",
            "admin/js/actions.js",
            "admin/js/filters.js",
            "console/choose.js",
        )
    ]


@pytest.mark.django_db(databases=["default", "audit"])
def test_list_in_a_window_has_what_closes_it(client: Client, admin: User) -> None:
    client.force_login(admin)
    html = client.get(reverse("console:backoffice_user_changelist"), {"_popup": "1"}).content.decode()
    assert html.index("jquery") < html.index("RelatedObjectLookups.js")
