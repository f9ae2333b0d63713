"""The two tenants, made once for each module and gone after it."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests import clones
from tests.security.world import World, build


@pytest.fixture(scope="module")
def world(worker: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Both tenants, committed; what tests of the module write stays until its end."""
    with django_db_blocker.unblock():
        yield build()
        clones.clone(worker)
