"""What was discarded is told from what nobody confirmed, also where it was discarded before the state was there."""

from pathlib import Path

import pytest
from django.db import connection

from backoffice.models import User
from imports import migrations
from imports.models import Import
from tests.imports.conftest import Desk

pytestmark = pytest.mark.django_db
SQL = Path(migrations.__path__[0]) / "sql"


def apply(name: str) -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute((SQL / name).read_text())
    return set(Import.objects.values_list("file_name", "state"))


def test_files_discarded_earlier_are_told_from_those_that_nobody_confirmed(desk: Desk, importer: User) -> None:
    for name, state, problem in (
        ("gone.csv", "expired", "It was discarded by who uploaded it."),
        ("old.csv", "expired", ""),
        ("bad.csv", "unreadable", "It is damaged."),
    ):
        Import.objects.create(file_name=name, format="csv", size=1, by=importer, state=state, problem=problem)
    before = {("gone.csv", "expired"), ("old.csv", "expired"), ("bad.csv", "unreadable")}
    after = {("gone.csv", "discarded"), ("old.csv", "expired"), ("bad.csv", "unreadable")}
    assert apply("0006_discarded.sql") == after
    assert apply("0006_discarded.reverse.sql") == before
