from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0007_people_s_entity"), ("ledger", "0009_tenancy")]

    operations = [operation(__file__)]
