"""Make the peers' tables by their own migrations, and their accounts; runs in the peers' Python: `fill ACCOUNTS`.

Customers' accounts in each are as many as ours, and each has something from the bank.
"""

import sys
from decimal import Decimal

import django
from django.core.management import call_command
from django.db import connection, transaction

OPENING = Decimal(10_000)


def main(accounts: int) -> None:
    """Fill both."""
    django.setup()
    call_command("migrate", verbosity=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # else each row would number the whole tree anew
        hordak(accounts)
        oscar(accounts)
    connection.set_autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def hordak(accounts: int) -> None:
    """Make the bank and, below one account, the customers', with their places in the tree."""
    from hordak.models import Account, Leg, Transaction  # noqa: PLC0415  Django is ready only now
    from moneyed import Money  # noqa: PLC0415

    bank = Account.objects.create(name="Bank", type="AS", code="1", currencies=["CZK"])
    top = Account.objects.create(name="Customers", type="LI", code="2", currencies=["CZK"])
    made = Account.objects.bulk_create(
        Account(name=f"Customer {n}", parent=top, type="LI", code=f"{n}", currencies=["CZK"], tree_id=top.tree_id,
                level=1, lft=2 * n, rght=2 * n + 1)
        for n in range(1, accounts + 1)
    )  # fmt: skip
    Account.objects.filter(pk=top.pk).update(rght=2 * accounts + 2)
    opening = Transaction.objects.create(description="Opening")
    money = Money(OPENING, "CZK")
    legs = [Leg(transaction=opening, account=account, credit=money, currency="CZK") for account in made]
    total = Leg(transaction=opening, account=bank, debit=money * len(legs), currency="CZK")
    Leg.objects.bulk_create([*legs, total])


def oscar(accounts: int) -> None:
    """Make the bank, which may go into debt, and the customers' accounts, which may not."""
    from django.contrib.auth.models import User  # noqa: PLC0415  Django is ready only now
    from oscar_accounts.models import Account, Transaction, Transfer  # noqa: PLC0415

    staff = User.objects.create(username="staff")
    # In bulk, because its own save() of a new account fails on Django 5: it asks for the transactions before there is a key.
    bank, *made = Account.objects.bulk_create([
        Account(name="Bank", credit_limit=None, balance=-OPENING * accounts),
        *(Account(name=f"Customer {n}", code=f"C{n}", balance=OPENING) for n in range(1, accounts + 1)),
    ])  # fmt: skip
    transfers = Transfer.objects.bulk_create(
        Transfer(source=bank, destination=account, amount=OPENING, user=staff, reference=f"OPEN{account.pk}")
        for account in made
    )
    Transaction.objects.bulk_create(
        Transaction(transfer=transfer, account=account, amount=amount)
        for transfer in transfers
        for account, amount in ((bank, -OPENING), (transfer.destination, OPENING))
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
