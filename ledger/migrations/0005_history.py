from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0002_history"), ("ledger", "0004_currencies")]

    operations = [operation(__file__)]
