"""Who banks there: names, addresses and phones of a customer, all made up, mail to reserved domains only."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.utils.text import slugify
from faker import Faker

from backoffice.models import User
from ledger.demo.markets import MARKETS, Market

DOMAINS = ("example.com", "example.org", "example.net")
YEARS = timedelta(days=730)
SHORTEST = timedelta(days=20)  # that anybody has been a customer
NOTES = (
    "Prefers letters to e-mail.",
    "Calls on Fridays; speaks English and German.",
    "Hard of hearing: please write.",
    "Asked for a second pair of eyes on withdrawals after a phishing attempt.",
    "Company account of a sole trader; statements go to the accountant.",
)
WITH_NOTE = 0.03


class Person(NamedTuple):
    """A customer to be made; `dice` are the customer's own, for everything that comes after."""

    number: int
    user: User
    uid: UUID
    market: Market
    office: str
    opened: datetime
    note: str
    dice: Random


def people(seed: int, number: int, end: datetime) -> Iterator[Person]:
    """Give the customers of a seed, each independent of how many there are."""
    names = {locale: _names(seed, locale) for market in MARKETS for locale in market.locales}
    for index in range(number):
        dice = Random(f"{seed}/{index}")  # noqa: S311  the same data for the same seed is the point
        [market] = dice.choices(MARKETS, [market.weight for market in MARKETS])
        name = next(names[dice.choice(market.locales)])
        opened = _office_hours(end - YEARS + (YEARS - SHORTEST) * dice.random() ** 2, dice)
        yield Person(
            number=index,
            user=_user(f"{seed}{index:07d}", name, market, opened, dice),
            uid=first_uid(seed) if index == 0 else UUID(int=dice.getrandbits(128), version=4),
            market=market,
            office=dice.choice(market.offices),
            opened=opened,
            note=dice.choice(NOTES) if dice.random() < WITH_NOTE else "",
            dice=dice,
        )


def first_uid(seed: int) -> UUID:
    """Return the uid of a seed's first account, by which it is known whether its data is there."""
    return UUID(int=Random(f"{seed}/first").getrandbits(128), version=4)  # noqa: S311  as above


def _names(seed: int, locale: str) -> Iterator[tuple[str, str]]:
    fake = Faker(locale)
    fake.seed_instance(f"{seed}/{locale}")
    while True:
        yield fake.first_name_female(), fake.last_name_female()
        yield fake.first_name_male(), fake.last_name_male()


def _user(number: str, name: tuple[str, str], market: Market, opened: datetime, dice: Random) -> User:
    first, last = name
    mailbox = slugify(f"{first} {last}").replace("-", ".") or "customer"
    return User(
        username=number,
        first_name=first,
        last_name=last,
        email=f"{mailbox}.{number[-5:]}@{dice.choice(DOMAINS)}",
        phone=digits(market.phone, dice),
        password=make_password(None),
        date_joined=opened,
    )


def digits(pattern: str, dice: Random) -> str:
    """Return a pattern with each `#` replaced by a digit."""
    wanted = pattern.count("#")
    drawn = iter(f"{dice.randrange(10**wanted):0{wanted}d}")
    return "".join([next(drawn) if symbol == "#" else symbol for symbol in pattern])


def _office_hours(moment: datetime, dice: Random) -> datetime:
    return moment.replace(
        hour=dice.randrange(8, 16), minute=dice.randrange(60), second=dice.randrange(60), microsecond=0
    )
