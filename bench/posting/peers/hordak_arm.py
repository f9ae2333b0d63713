"""django-hordak's `transfer_to` as an arm: two accounts found by their key, as ours are, and one transfer."""

import random

from hordak.models import Account
from moneyed import Money

from bench.host import Operation


def transfer() -> Operation:
    """Transfer between two random customers."""
    known, one = customers(), Money(1, "CZK")

    def operation() -> int:
        source, to = (Account.objects.get(pk=key) for key in random.sample(known, 2))
        source.transfer_to(to, one)
        return 1

    return operation


def deposit() -> Operation:
    """Transfer from the bank to a random customer; the bank is looked up once."""
    known, one, bank = customers(), Money(1, "CZK"), Account.objects.get(name="Bank")

    def operation() -> int:
        Account.objects.get(pk=random.choice(known)).transfer_to(bank, one)  # an asset and a liability both grow
        return 1

    return operation


def customers() -> list[int]:
    """Return the customers' accounts."""
    return list(Account.objects.filter(parent__isnull=False).values_list("pk", flat=True))
