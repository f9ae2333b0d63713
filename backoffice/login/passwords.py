"""What no new password may be: made of a common one, of the organisation's own words, or known from a breach.

Beside Django's own validators, which see to the length and the likeness to a name. The lists are files that the settings name;
that they can be used is seen to when production starts (`backoffice.production`).
"""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from backoffice.login.breached import is_breached

PATTERN = 4  # characters that are no secret, however often they are repeated
OWN = {"backoffice"}  # the product's own name


class CommonValidator(CommonPasswordValidator):
    """Refuses one of Django's 20,000 common passwords, also repeated, or with digits and signs before or behind it."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError."""
        text = password.lower().strip()
        if text in self.passwords or any(core in self.passwords for core in _cores(text)):
            raise ValidationError(self.get_error_message(), code="password_too_common")
        if _repeated(text, PATTERN):
            raise ValidationError("This password repeats a few characters.", code="password_too_common")


def _cores(text: str) -> Iterator[str]:
    """Yield what is left without the digits and signs around it, and what is repeated."""
    inner = [number for number, letter in enumerate(text) if letter.isalpha()]
    first, last = (inner[0], inner[-1] + 1) if inner else (0, len(text) // 2)
    yield from (text[:end] for end in range(last, len(text)))
    yield from (text[begin:] for begin in range(1, first + 1))
    yield text[first:last]
    if unit := _repeated(text[first:last], len(text) // 2):
        yield "".join(filter(str.isalpha, unit))


def _repeated(text: str, most: int) -> str:
    """Return the shortest part, of so many characters at most, that makes up all of the text by repetition."""
    sizes = range(1, min(most, (len(text) + 1) // 2) + 1)
    return next((text[:size] for size in sizes if (text[:size] * len(text))[: len(text)] == text), "")


class OwnWordsValidator:
    """Refuses what holds a word of the organisation: of PASSWORD_WORDS, one a line, and the product's own name."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError. Capitals, accents, blanks and signs between the letters make no difference."""
        said = folded(password)
        if any(word in said for word in own_words()):
            raise ValidationError(
                "This password holds a name or word of ours, which is guessed first.", code="own_word"
            )

    def get_help_text(self) -> str:
        """Say so beside the field."""
        return "Names and words of the organisation are refused within your password."


class BreachedValidator:
    """Refuses what is in BREACHED_PASSWORDS, where that names a file."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError."""
        if settings.BREACHED_PASSWORDS and is_breached(password, Path(settings.BREACHED_PASSWORDS)):
            raise ValidationError("This password is known from a breach of some site: choose another.", code="breached")

    def get_help_text(self) -> str:
        """Say so beside the field."""
        return "A password that is known from a breach is refused." if settings.BREACHED_PASSWORDS else ""


def own_words() -> set[str]:
    """Return the words, folded. Raises OSError where their file cannot be read."""
    if not settings.PASSWORD_WORDS:
        return OWN
    return OWN | words_of(Path(settings.PASSWORD_WORDS).read_text(encoding="utf-8"))


def words_of(text: str) -> set[str]:
    """Return the words of a file: one a line; blank lines and what comes behind a # do not count."""
    return {word for line in text.splitlines() if (word := folded(line.partition("#")[0]))}


def folded(text: str) -> str:
    """Return the letters and digits alone, small and without accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text).casefold() if letter.isalnum())
