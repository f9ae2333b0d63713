from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0005_scope"), ("ledger", "0008_limit_branch")]

    operations = [operation(__file__)]
