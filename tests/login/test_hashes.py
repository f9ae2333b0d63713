"""Production does not start where passwords would be kept in a hash that is soon guessed."""

import pytest
from django.contrib.auth.hashers import make_password
from pytest_django import Settings

from backoffice import settings as site
from backoffice.checks import strong_hashes


@pytest.mark.parametrize("name", ["MD5PasswordHasher", "PBKDF2PasswordHasher"])
def test_site_with_another_hash_than_argon2_is_refused(settings: Settings, name: str) -> None:
    settings.PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}"]
    assert [error.id for error in strong_hashes(None)] == ["backoffice.E002"]


def test_site_s_own_hash_is_argon2(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = site.PASSWORD_HASHERS
    assert strong_hashes(None) == []
    assert make_password("a password").startswith("argon2$argon2id$")
