"""django-oscar-accounts' `facade.transfer` as an arm: two accounts found by their code, as ours are, and one transfer."""

import random

from django.contrib.auth.models import User
from oscar_accounts import exceptions, facade
from oscar_accounts.models import Account

from bench.host import Operation


def transfer() -> Operation:
    """Transfer between two random customers; a deadlock, which it wraps in an error of its own, counts as refused."""
    known, staff = list(Account.objects.filter(code__isnull=False).values_list("code", flat=True)), User.objects.get()

    def operation() -> int:
        source, to = (Account.objects.get(code=code) for code in random.sample(known, 2))
        try:
            facade.transfer(source, to, 1, user=staff)
        except exceptions.AccountException:
            return 0
        return 1

    return operation
