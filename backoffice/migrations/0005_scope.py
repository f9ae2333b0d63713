from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0004_grants_history")]

    operations = [operation(__file__)]
