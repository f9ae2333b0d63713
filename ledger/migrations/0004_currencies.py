"""The currencies the ledger keeps from the start, with caps and limits wide enough for a bank; change them as rows."""

from decimal import Decimal

from django.db import migrations

# Currency: what one unit of the main currencies comes to, roughly, so that limits mean the same everywhere.
WORTH = {"CHF": 1, "CZK": 25, "EUR": 1, "GBP": 1, "JPY": 150, "KWD": Decimal("0.3"), "USD": 1}
SMALLEST = {"JPY": Decimal(1), "KWD": Decimal("0.001")}
CAP = Decimal(4_000_000_000)
MOST = {"max_deposit": Decimal(1_000_000), "max_withdrawal": Decimal(1_000_000), "max_balance": Decimal(20_000_000)}


def keep_currencies(apps, schema_editor):
    Limit = apps.get_model("ledger", "Limit")
    for currency, worth in WORTH.items():
        schema_editor.execute("SELECT ledger_set_cap(%s, %s)", [currency, CAP * worth])
        amounts = {kind: most * worth for kind, most in MOST.items()}
        smallest = SMALLEST.get(currency, Decimal("0.01"))
        amounts |= {"min_deposit": smallest, "min_withdrawal": smallest}
        Limit.objects.using(schema_editor.connection.alias).bulk_create(
            [Limit(kind=kind, currency=currency, amount=amount) for kind, amount in amounts.items()]
        )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_guards")]

    operations = [migrations.RunPython(keep_currencies, migrations.RunPython.noop)]
