"""Made-up people in place of real ones: the same person always gets the same name, and nobody finds the way back.

What a person is masked as follows from their id and a key that follows from SECRET_KEY, through HMAC-SHA-256. So a
refresh changes nobody's mask unless that key changes. The addresses are of example.com, which delivers nothing, and the
numbers begin with 000, which no network gives out.
"""

import hmac
from typing import NamedTuple
from unicodedata import normalize

from django.conf import settings
from faker.providers.person.cs_CZ import Provider as Czech
from faker.providers.person.de_DE import Provider as German
from faker.providers.person.en_GB import Provider as British

NAMES = tuple(
    (sorted(set(first)), sorted(set(last)))
    for first, last in (
        (Czech.first_names_female, Czech.last_names_female),
        (Czech.first_names_male, Czech.last_names_male),
        (German.first_names, German.last_names),
        (British.first_names, British.last_names),
    )
)


class Mask(NamedTuple):
    """Who a person is in the sandbox."""

    username: str
    first_name: str
    last_name: str
    email: str
    phone: str


def key(purpose: str) -> bytes:
    """Return a key that nobody can tell from another purpose's."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"backoffice.sandbox.{purpose}".encode(), "sha256")


def mask(person: int, people_key: bytes) -> Mask:
    """Return the mask of the person with this id."""
    drawn = int.from_bytes(hmac.digest(people_key, str(person).encode(), "sha256"))
    drawn, choice = divmod(drawn, len(NAMES))
    firsts, lasts = NAMES[choice]
    drawn, first = divmod(drawn, len(firsts))
    drawn, last = divmod(drawn, len(lasts))
    number = f"{drawn % 1_000_000:06}"
    # The id makes the user name unique; in a user name that people choose there is hardly ever a plus.
    username = f"{_plain(firsts[first])}.{_plain(lasts[last])}+{person}"
    return Mask(username, firsts[first], lasts[last], f"{username}@example.com", f"+420 000 {number[:3]} {number[3:]}")


def _plain(name: str) -> str:
    letters = normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters if letter.isalnum())
