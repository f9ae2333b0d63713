"""Two versions of one timestamp: every way to look back gives the later written one."""

from collections.abc import Callable
from datetime import datetime

import psycopg
import pytest
from django.conf import settings

from backoffice import embedded
from backoffice.models import Entity

Write = Callable[[list[str], str], datetime]


@pytest.fixture
def same_moment(committing: None) -> Write:
    """Write versions of one entity with one timestamp, as only a superuser can."""

    def _write(names: list[str], kinds: str) -> datetime:
        entity = Entity.objects.create(code="nord", name="Nordbank")
        Entity.objects.filter(pk=entity.pk).update(name="x")
        url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("ALTER TABLE backoffice_historicalentity DISABLE TRIGGER ALL")
            session.execute("DELETE FROM backoffice_historicalentity")
            for name, kind in zip(names, kinds, strict=True):
                session.execute(
                    "INSERT INTO backoffice_historicalentity (id, code, name, created, is_void, history_type, history_date)"
                    " VALUES (%s, 'nord', %s, now(), false, %s, '2026-03-01 12:00+00')",
                    [entity.pk, name, kind],
                )
        return datetime.fromisoformat("2026-03-01T12:00:00+00:00")

    return _write


def test_of_versions_with_one_timestamp_the_later_written_one_counts(same_moment: Write) -> None:
    when = same_moment(["first", "second", "third"], "+~~")
    assert [entity.name for entity in Entity.objects.as_of(when)] == ["third"]
    assert [entity.name for entity in Entity.history.as_of(when)] == ["third"]
    assert Entity.objects.get().history.as_of(when).name == "third"


def test_deletion_of_the_same_timestamp_counts(same_moment: Write) -> None:
    when = same_moment(["first", "first"], "+-")
    assert (list(Entity.objects.as_of(when)), list(Entity.history.as_of(when))) == ([], [])
