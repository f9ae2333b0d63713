from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_initial")]

    operations = [operation(__file__)]
