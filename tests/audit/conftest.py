"""The record's own files, for each test in a folder of its own."""

from pathlib import Path

import pytest
from pytest_django import Settings

FILES = {
    "AUDIT_SIGNING_KEY": "signing_key.pem",
    "AUDIT_TRUSTED_KEYS": "trusted_keys.jsonl",
    "AUDIT_HEADS": "heads.jsonl",
    "AUDIT_ARCHIVE": "archive",
}


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
