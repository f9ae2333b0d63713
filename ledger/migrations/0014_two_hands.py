from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("ledger", "0010_customers"), ("backoffice", "0012_two_hands")]

    operations = [operation(__file__)]
