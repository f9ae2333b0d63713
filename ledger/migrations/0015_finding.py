from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("ledger", "0014_two_hands")]

    operations = [
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(("status", "open"), _negated=True),
                fields=["status", "-id"],
                name="ledger_account_not_open",
            ),
        ),
        operation(__file__),
    ]
