from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_history")]

    operations = [operation(__file__)]
