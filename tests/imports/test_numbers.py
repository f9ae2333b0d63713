"""Numbers on the pages of imports: with separators, and sizes in words."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.models import Entity, ListChoice, User
from imports.models import Import
from tests.imports.conftest import Desk

pytestmark = pytest.mark.django_db
COUNTS = {"rows": "12,000", "posted": "8,000", "already_posted": "1,000", "refused": "3,000"}
READ_ONLY = r'fieldBox field-(\w+)">\s*<label[^>]*>[^<]*</label>\s*<div class="readonly">(.*?)</div>'


@pytest.fixture
def large(importer: User, nord: Entity) -> Import:
    facts = {"file_name": "a.csv", "sha256": "0" * 64, "format": "csv", "size": 114922, "by": importer}
    counts = {"rows": 12000, "posted": 8000, "already_posted": 1000, "refused": 3000}
    return Import.objects.create(**facts, **counts, state="running", entities=[nord.pk])


def test_list_writes_counts_and_sizes_as_people_read_them(console: Client, importer: User, large: Import) -> None:
    ListChoice.objects.create(person=importer, label="imports.import", columns=["size", *COUNTS])
    html = console.get(reverse("console:imports_import_changelist")).content.decode()
    assert '<td class="field-size">112.2\xa0KB</td>' in html
    for name, text in COUNTS.items():
        assert f'<td class="field-{name}">{text}</td>' in html


def test_page_writes_counts_and_sizes_as_people_read_them(console: Client, large: Import) -> None:
    html = console.get(reverse("console:imports_import_change", args=[large.pk])).content.decode()
    shown = dict(re.findall(READ_ONLY, html))
    assert {name: shown[name] for name in ("size", *COUNTS)} == {"size": "112.2\xa0KB", **COUNTS}
    assert "Bytes." not in html
    assert (
        'Done with <span data-settled>12,000</span> of 12,000</label>\n<progress id="done" max="12000" value="12000">'
        in html
    )


def test_page_of_refused_rows_counts_them_as_people_read_them(desk: Desk, large: Import) -> None:
    Import.objects.filter(pk=large.pk).update(state="posted")
    html = desk.console.get(reverse("console:imports_import_change", args=[large.pk])).content.decode()
    assert "3,000 rows were refused." in html
