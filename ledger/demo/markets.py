"""Where the demo's bank is: its legal entities, and the currencies and customers each of them has."""

from decimal import Decimal
from typing import NamedTuple

from backoffice.models import Entity


class Office(NamedTuple):
    """A legal entity; `parent` is the code of the one above, which stands before it."""

    code: str
    name: str
    parent: str | None


class Market(NamedTuple):
    """A currency: how many customers it has, where, what their names are like.

    `worth` is what a euro comes to; `note` the smallest banknote that the cash desk takes. `phone` is a pattern, in it a `#`
    stands for a digit; ranges kept for fiction are used where a country has one.
    """

    currency: str
    weight: int
    worth: Decimal
    note: int
    locales: tuple[str, ...]
    offices: tuple[str, ...]
    phone: str


OFFICES = (
    Office("alderwick", "Alderwick Group plc", None),
    Office("alderwick-cz", "Alderwick Banka a.s.", "alderwick"),
    Office("praha", "Alderwick Banka, pobočka Praha", "alderwick-cz"),
    Office("brno", "Alderwick Banka, pobočka Brno", "alderwick-cz"),
    Office("ostrava", "Alderwick Banka, pobočka Ostrava", "alderwick-cz"),
    Office("alderwick-eu", "Alderwick Europe SE", "alderwick"),
    Office("alderwick-de", "Alderwick Deutschland GmbH", "alderwick-eu"),
    Office("alderwick-fr", "Alderwick France S.A.", "alderwick-eu"),
    Office("alderwick-uk", "Alderwick Bank (UK) Ltd", "alderwick"),
    Office("alderwick-us", "Alderwick Americas Inc.", "alderwick"),
    Office("alderwick-jp", "アルダーウィック銀行株式会社", "alderwick"),
    Office("alderwick-kw", "Alderwick Gulf K.S.C.C.", "alderwick"),
)
MARKETS = (
    Market("CZK", 42, Decimal(25), 100, ("cs_CZ", "cs_CZ", "sk_SK"), ("praha", "praha", "brno", "ostrava"), "+420 700 ### ###"),
    Market("EUR", 26, Decimal(1), 10, ("de_DE", "fr_FR", "it_IT", "pl_PL"), ("alderwick-de", "alderwick-fr"), "+49 30 23125 ###"),
    Market("GBP", 12, Decimal(1), 10, ("en_GB",), ("alderwick-uk",), "+44 7700 900###"),
    Market("USD", 12, Decimal(1), 20, ("en_US", "es_MX"), ("alderwick-us",), "+1 202 555 01##"),
    Market("JPY", 5, Decimal(150), 1_000, ("ja_JP",), ("alderwick-jp",), "+81 3 0000 ####"),
    Market("KWD", 3, Decimal("0.3"), 5, ("ar_AA",), ("alderwick-kw",), "+965 0000 ####"),
)  # fmt: skip


def ensure_offices(using: str) -> dict[str, Entity]:
    """Make the entities that are missing and return all of them by their code."""
    made: dict[str, Entity] = {}
    for code, name, parent in OFFICES:
        above = made[parent] if parent else None
        made[code], _ = (
            Entity.all_objects_including_void()
            .using(using)
            .get_or_create(code=code, defaults={"name": name, "parent": above})
        )
    return made
