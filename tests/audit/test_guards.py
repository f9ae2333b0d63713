"""What triggers of capture refuse even to the superuser."""

import psycopg
import pytest
from django.conf import settings

from backoffice import embedded
from backoffice.models import Entity
from tests.audit.test_capture import CAPTURED


@pytest.mark.usefixtures("committing")
def test_truncate_and_edited_history_are_refused_to_the_superuser(nord: Entity) -> None:
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    statements = [f"TRUNCATE {table} CASCADE" for table in CAPTURED]
    statements += ["UPDATE backoffice_historicalentity SET name = ''", "DELETE FROM backoffice_historicalentity"]
    with psycopg.connect(url, autocommit=True) as session:
        for statement in statements:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                session.execute(statement)
