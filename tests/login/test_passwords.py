"""What no new password may be: lists of whoever runs the site, common ones in disguise, and what is known from breaches."""

import hashlib
from pathlib import Path

import pytest
from django.contrib.auth.password_validation import CommonPasswordValidator, validate_password
from django.core.exceptions import ValidationError
from pytest_django import Settings

from backoffice.login.breached import fault_of, is_breached
from tests.test_settings import PRODUCTION, start

CODES = {"password_too_common", "own_word", "breached"}


def codes(password: str) -> set[str]:
    """Return which rules refuse a password."""
    try:
        validate_password(password)
    except ValidationError as error:
        return {str(one.code) for one in error.error_list}
    return set()


def test_thousands_of_common_passwords_that_are_long_enough_are_refused() -> None:
    common = sorted(word for word in CommonPasswordValidator().passwords if 4 <= len(word) < 12 and word.isalpha())
    long = [f"{word}{'0987654321!'[len(word) - 12 :]}" for word in common]
    assert len(long) > 8000
    assert {len(password) for password in long} == {12}
    assert [password for password in long[:3000] if codes(password) != {"password_too_common"}] == []


@pytest.mark.parametrize(
    "password",
    [
        "dragondragon", "Dragon!Dragon!", "!!2026!!dragon", "PASSWORD--2026", "123456789012", "abcabcabcabc", "zzzzzzzzzzzzz", "1q1q1q1q1q1q",
    ],
)  # fmt: skip
def test_common_password_in_disguise_is_refused(password: str) -> None:
    assert codes(password) == {"password_too_common"}


@pytest.mark.parametrize(
    "password", ["correct horse battery", "x7#kQ2$vL7!p", "a dragon in the password", "849302175502"]
)
def test_what_only_holds_a_common_password_is_not(password: str) -> None:
    assert codes(password) == set()


def test_words_of_the_organisation_are_refused_within_passwords(tmp_path: Path, settings: Settings) -> None:
    assert codes("my back-office login") == {"own_word"}
    file = tmp_path / "words"
    file.write_text("Nordbank\n# its systems\nŽlutý Kůň  # the old core\n\n", encoding="utf-8")
    settings.PASSWORD_WORDS = str(file)
    assert codes("the best NORD-bank ever") == {"own_word"}
    assert codes("zluty.kun is galloping") == {"own_word"}
    assert codes("my back-office login") == {"own_word"}
    assert codes("its systems are many") == set()


KNOWN = [f"known password number {number}" for number in range(500)]


@pytest.fixture
def breached(tmp_path: Path, settings: Settings) -> Path:
    """A list as the downloader writes it: lines of several lengths, ended as on Windows."""
    hashes = sorted(hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper() for password in KNOWN)
    file = tmp_path / "pwned.txt"
    file.write_bytes("\r\n".join(f"{one}:{int(one[:5], 16)}" for one in hashes).encode())
    settings.BREACHED_PASSWORDS = str(file)
    return file


def test_breached_passwords_are_found_wherever_they_stand_and_others_are_not(breached: Path) -> None:
    assert fault_of(breached) == ""
    assert [password for password in KNOWN if not is_breached(password, breached)] == []
    assert [password for password in KNOWN if is_breached(f"{password}?", breached)] == []
    assert (codes(KNOWN[7]), codes(f"{KNOWN[7]}?")) == ({"breached"}, set())
    breached.unlink()
    with pytest.raises(FileNotFoundError):  # a list that is gone lets nothing through
        validate_password(f"{KNOWN[7]}?")


def test_list_of_one_line_and_of_hashes_alone_will_do(tmp_path: Path) -> None:
    file = tmp_path / "one"
    file.write_text(hashlib.sha1(b"x", usedforsecurity=False).hexdigest().upper())
    assert [is_breached(password, file) for password in "xyz"] == [True, False, False]
    assert fault_of(file) == ""


def test_production_refuses_lists_and_scanners_that_cannot_be_used(tmp_path: Path, breached: Path) -> None:
    lines = breached.read_bytes().splitlines(keepends=True)
    bad = {
        "lower": breached.read_bytes().lower(),
        "turned": b"".join(reversed(lines)),
        "empty": b"",
        "text": b"password\nletmein\n",
        "latin": b"K\xf6nig",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    used = {
        "PASSWORD_WORDS": "/etc/hostname",
        "BREACHED_PASSWORDS": str(breached),
        "UPLOAD_SCAN_COMMAND": "true --quiet",
    }
    assert start(tmp_path, {**PRODUCTION, **used}) == ""
    wrong = {
        "PASSWORD_WORDS": ["nowhere", "empty", "latin"],
        "BREACHED_PASSWORDS": ["nowhere", "lower", "turned", "empty", "text"],
        "UPLOAD_SCAN_COMMAND": ["nowhere"],
    }
    everything = {
        name: [start(tmp_path, {**PRODUCTION, name: str(tmp_path / file)}) for file in files]
        for name, files in wrong.items()
    }
    assert [
        name for name, said in everything.items() if not all(f"{name} names {tmp_path}" in one for one in said)
    ] == []
