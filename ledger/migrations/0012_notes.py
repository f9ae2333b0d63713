from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("ledger", "0011_note")]

    operations = [operation(__file__)]
