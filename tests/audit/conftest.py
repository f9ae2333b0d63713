"""The record's own files, for each test in a folder of its own, and who reads the record."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from backoffice.grants import grant
from backoffice.models import Entity, User
from tests.cast import PASSWORD

FILES = {
    "AUDIT_SIGNING_KEY": "signing_key.pem",
    "AUDIT_TRUSTED_KEYS": "trusted_keys.jsonl",
    "AUDIT_HEADS": "heads.jsonl",
    "AUDIT_ARCHIVE": "archive",
}
RIGHTS = (
    "view_event", "view_personal", "view_account", "view_user", "view_staff", "view_entity", "view_action", "view_limit",
    "view_approval",
)  # fmt: skip


@pytest.fixture
def reviewer(nord: Entity) -> User:
    """Somebody who reads the record of Nordbank, personal values too."""
    user = User.objects.create_user("reviewer", password=PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    grant(user, nord)
    return user


@pytest.fixture
def log(client: Client, reviewer: User) -> Client:
    """A browser in which the reviewer is logged in."""
    client.force_login(reviewer)
    return client


@pytest.fixture(autouse=True)
def audit_files(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Key, trusted keys, heads and archive below `tmp_path`, for this process and for those that it starts."""
    folder = tmp_path / "audit"
    for name, file in FILES.items():
        monkeypatch.setenv(name, str(folder / file))
    settings.AUDIT_SIGNING_KEY = str(folder / FILES["AUDIT_SIGNING_KEY"])
    settings.AUDIT_KEY_FILE = folder / FILES["AUDIT_SIGNING_KEY"]
    settings.AUDIT_TRUSTED_FILE = folder / FILES["AUDIT_TRUSTED_KEYS"]
    settings.AUDIT_HEADS_FILE = folder / FILES["AUDIT_HEADS"]
    settings.AUDIT_ARCHIVE_FOLDER = folder / FILES["AUDIT_ARCHIVE"]
    return folder
