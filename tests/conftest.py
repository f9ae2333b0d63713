"""Fixtures of the whole suite: databases of one's own, and one cast of people."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from backoffice import embedded
from tests import clones, scope

pytest_plugins = ["tests.cast"]

Settle: TypeAlias = Callable[[Path], None]
TOGETHER = ("tests/browser/", "tests/security/")  # a worker for all of the first, one for each file of the second


class Together(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist says no types
    """Gives every test to the worker that is free, but those together that share what takes long to make: first of all."""

    def _split_scope(self, nodeid: str) -> str:
        browser, security = TOGETHER
        if nodeid.startswith(browser):
            return browser
        return nodeid.partition("::")[0] if nodeid.startswith(security) else nodeid


def pytest_collection_finish() -> None:
    """Leave what was loaded out of garbage collection, and collect seldom: that took one second in fifteen."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Deal the tests out so; pytest-xdist's own groups do not work with this pytest."""
    return Together(config, log)


@pytest.fixture(scope="session")
def worker() -> str:
    """A name for this process's databases, so that two runs at once do not meet."""
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


@pytest.fixture(scope="session")
def django_db_setup(worker: str, django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Instead of pytest-django's own: clones of a migrated template, and the app role's connection to them."""
    with embedded.running(settings.BACKOFFICE_DATA):
        with django_db_blocker.unblock():
            clones.clone(worker)
        scope.keep_wide()
        yield
        clones.drop(worker)


@pytest.fixture(scope="session")
def settle(django_db_setup: None) -> Settle:
    """Make a data folder of one's own whose server is migrated: `settle(tmp_path / "data")`."""
    return clones.settle


@pytest.fixture
def committing(worker: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A test without a transaction around it: what it commits is seen by other connections, and gone afterwards."""
    with django_db_blocker.unblock():
        yield
        clones.clone(worker)
