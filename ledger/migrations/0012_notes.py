from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0008_people_found"), ("ledger", "0011_note")]

    operations = [operation(__file__)]
